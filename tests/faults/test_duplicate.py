"""The beginning of a body comes again at the end of its message."""

from __future__ import annotations

import re

import pytest

from smtpproxy.faults import Duplicate, FaultError
from smtpproxy.faults.base import Value, no_draw
from tests.faults.messages import (
    both_protocols,
    delivered,
    every_way,
    outcomes,
    sends,
    talking,
    through,
)

HEADER = b"Subject: hello\r\n\r\n"


def test_what_is_read() -> None:
    """A size of 1 MiB at the most, at DATA alone."""
    assert Duplicate.parse("1 MiB", "DATA") == Duplicate(1024 * 1024)
    assert Duplicate(5).words == (
        "upstream gets the first 5 octets of the body again at the message's end"
    )


@pytest.mark.parametrize(
    ("value", "stage", "problem"),
    [
        ("ten", "DATA", "expected a size such as 10 KiB, got 'ten'"),
        ("0", "DATA", "expected a size from 1 octet to 1 MiB, got '0'"),
        ("1048577", "DATA", "expected a size from 1 octet to 1 MiB"),
        ("1", "RCPT", "expected at DATA alone"),
    ],
)
def test_what_is_not(value: Value, stage: str, problem: str) -> None:
    """Each mistake says what was expected."""
    with pytest.raises(FaultError, match=re.escape(problem)):
        Duplicate.parse(value, stage)


@pytest.mark.parametrize(
    ("message", "again"),
    [
        (HEADER + b"Hi.\r\nBye.\r\n", b"Hi.\r\nB\r\n"),
        (HEADER + b"Hi.\r\n", b"Hi.\r\n"),  # the body is shorter
        (HEADER + b"Hi.\r\n\rabc\r\n", b"Hi.\r\n\r\n"),  # between CR and what comes behind it
        (HEADER + b"Hi", b"\r\nHi\r\n"),
        (b"\r\nHi.\r\n", b"Hi.\r\n"),
        (b"No field.\r\n", b"No fie\r\n"),
        (b"A: b\r\nNo field.\r\n", b"No fie\r\n"),
    ],
)
def test_what_comes_twice(message: bytes, again: bytes) -> None:
    """In lines of its own, wherever the message was cut."""
    ((made, told),) = outcomes(lambda: Duplicate(6).data_filter(no_draw), message)
    assert made == message + again
    assert re.fullmatch(r"[256] octets of the body came twice", told)


@pytest.mark.parametrize("message", [b"", HEADER, b"A: b\r\n", b"\r\n"])
def test_no_body(message: bytes) -> None:
    """Nothing comes twice, and nothing is told."""
    made = outcomes(lambda: Duplicate(6).data_filter(no_draw), message)
    assert made == {(message, "")}


@pytest.mark.parametrize("size", [1000, 1_000_000])
def test_a_header_section_without_an_end(size: int) -> None:
    """It is bounded: the message passes, and this is told."""
    message = b"A: b\r\n" * 20_000 + b"\r\nHi.\r\n"
    one = Duplicate(6).data_filter(no_draw)
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    assert through(one, pieces) == message
    assert one.told == "nothing comes twice: the header section has more than 64 KiB"


@every_way
@both_protocols
def test_upstream_gets_it_twice(way: str, lmtp: bool) -> None:
    """In each of two transactions, dots and all; the log says so."""
    talk = talking("{name: twice, DATA: {duplicate: 3}}", lmtp)
    for _ in range(2):
        sends(talk, way, HEADER + b"..\r\nx\r\n")
    assert delivered(talk) == [HEADER + b"..\r\nx\r\n..\r\n"] * 2
    told = ("mail-data-changed", "twice: 3 octets of the body came twice")
    assert talk.witness.notes.count(told) == 2
    assert not talk.relay.waiting
