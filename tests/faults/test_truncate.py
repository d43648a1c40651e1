"""The rest of a message is swallowed on its way to upstream."""

from __future__ import annotations

import re

import pytest

from smtpproxy.faults import FaultError, Truncate
from smtpproxy.faults.base import Value, no_draw
from tests.faults.messages import both_protocols, delivered, every_way, outcomes, sends, talking

MESSAGE = b"Subject: hello\r\n\r\n..\r\nBye.\r\n"


def test_what_is_read() -> None:
    """A size, at DATA alone."""
    assert Truncate.parse("10 KiB", "DATA") == Truncate(10240)
    assert Truncate.parse("0", "DATA").words == (
        "upstream gets the first 0 octets of the message, and its end"
    )


@pytest.mark.parametrize(
    ("value", "stage", "problem"),
    [
        ("ten", "DATA", "expected a size such as 10 KiB, got 'ten'"),
        (["1"], "DATA", "expected a size such as 10 KiB"),
        ("1", "BDAT", "expected at DATA alone"),
    ],
)
def test_what_is_not(value: Value, stage: str, problem: str) -> None:
    """Each mistake says what was expected."""
    with pytest.raises(FaultError, match=re.escape(problem)):
        Truncate.parse(value, stage)


@pytest.mark.parametrize(
    ("octets", "left"),
    [
        (0, b""),
        (1, b"S\r\n"),
        (15, b"Subject: hello\r\n"),  # between CR and LF
        (16, b"Subject: hello\r\n"),
        (19, b"Subject: hello\r\n\r\n.\r\n"),
        (len(MESSAGE) - 1, MESSAGE),
    ],
)
def test_what_is_left(octets: int, left: bytes) -> None:
    """It ends in CRLF, and does not depend on how the message was cut."""
    told = f"{len(MESSAGE) - octets} octets were swallowed"
    made = outcomes(lambda: Truncate(octets).data_filter(no_draw), MESSAGE)
    assert made == {(left, told)}


def test_a_shorter_message_passes() -> None:
    """Nothing is swallowed, added or told, also where it lacks the end of its line."""
    for message in (MESSAGE, b"Hi", b""):
        made = outcomes(lambda: Truncate(100).data_filter(no_draw), message)
        assert made == {(message, "")}


@every_way
@both_protocols
def test_upstream_gets_the_beginning(way: str, lmtp: bool) -> None:
    """In each of two transactions, with its end in order; the log says so."""
    talk = talking("{name: short, DATA: {truncate: 19}}", lmtp)
    for _ in range(2):
        sends(talk, way, MESSAGE)
    assert delivered(talk) == [MESSAGE[:19] + b"\r\n"] * 2
    told = f"short: {len(MESSAGE) - 19} octets were swallowed"
    assert talk.witness.notes.count(("mail-data-changed", told)) == 2
    assert not talk.relay.waiting
