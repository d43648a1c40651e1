"""Header fields of a message are added, set and removed on its way to upstream."""

from __future__ import annotations

import re

import pytest

from smtpproxy.faults import FaultError, Header
from smtpproxy.faults.base import DataFilter, Value, no_draw
from smtpproxy.smtp.headersection import MOST
from tests.dialogue import rules_in
from tests.faults.messages import (
    both_protocols,
    delivered,
    every_way,
    outcomes,
    sends,
    talking,
    through,
)
from tests.strictserver import Between

ALL: Value = {
    "add": {"X-Test": "yes"},
    "set": {"Subject": "other"},
    "remove": ["DKIM-Signature"],
}
SIGNED = (
    b"dkim-signature: a;\r\n\tb\r\nsubject: hello\r\n you\r\nTo: c\r\nDKIM-Signature:\r\n\r\nHi\r\n"
)
CHANGED = b"Subject: other\r\nTo: c\r\nX-Test: yes\r\n\r\nHi\r\n"


def change(value: Value = ALL) -> DataFilter:
    """Return what changes one message."""
    return Header.parse(value, "DATA").data_filter(no_draw)


def test_what_is_read() -> None:
    """Lines are whole, and names have no case; one name needs no list."""
    assert Header.parse(ALL, "DATA") == Header(
        (b"X-Test: yes\r\n",), (b"Subject: other\r\n",), (b"dkim-signature",)
    )
    assert Header.parse({"remove": "To"}, "DATA") == Header((), (), (b"to",))
    assert Header.parse({"add": {"A": "\u00fc"}}, "DATA").add == (b"A: \xc3\xbc\r\n",)
    assert Header.parse({"add": {"A": ""}}, "DATA").add == (b"A: \r\n",)


def test_words() -> None:
    """A person reads what happens."""
    assert Header.parse(ALL, "DATA").words == (
        "upstream gets the message with X-Test: yes added, Subject: other set, "
        "dkim-signature removed"
    )


@pytest.mark.parametrize(
    ("value", "path", "problem"),
    [
        ("X-Test: yes", (), "expected a mapping with add, set, remove"),
        ({}, (), "expected a mapping with add, set, remove"),
        ({"drop": ["A"]}, ("drop",), "expected add, set, remove, got 'drop'"),
        ({"add": {}}, ("add",), "expected a mapping such as {X-Test: yes}"),
        ({"set": ["A"]}, ("set",), "expected a mapping such as {X-Test: yes}"),
        ({"add": {"A": ["b"]}}, ("add", "A"), "expected a text"),
        ({"add": {"A": "b\r\nC: d"}}, ("add", "A"), "expected no CR, LF and NUL"),
        ({"set": {"A": "b\n"}}, ("set", "A"), "expected no CR, LF and NUL"),
        ({"set": {"A": "\0"}}, ("set", "A"), "expected no CR, LF and NUL"),
        ({"set": {"A": "\ud800"}}, ("set", "A"), "expected UTF-8"),
        ({"set": {"A": "x" * 996}}, ("set", "A"), "no more than 998 octets, got 999"),
        ({"add": {"A:": "b"}}, ("add", "A:"), "expected the name of a header field"),
        ({"add": {"A\r\nB": "b"}}, ("add", "A\r\nB"), "expected the name of a header field"),
        ({"add": {"": "b"}}, ("add", ""), "expected the name of a header field"),
        ({"remove": []}, ("remove",), "expected a list such as [DKIM-Signature]"),
        ({"remove": {"A": "b"}}, ("remove",), "expected a list such as [DKIM-Signature]"),
        ({"remove": ["A", "B C"]}, ("remove", 1), "expected the name of a header field"),
        ({"remove": "B C"}, ("remove",), "expected the name of a header field"),
    ],
)
def test_what_is_not(value: Value, path: tuple[str | int, ...], problem: str) -> None:
    """Each mistake is told where it stands."""
    with pytest.raises(FaultError, match=re.escape(problem)) as caught:
        Header.parse(value, "DATA")
    assert caught.value.path == path


def test_where_it_stands() -> None:
    """It stands at DATA, also for what comes by BDAT."""
    with pytest.raises(FaultError, match="expected at DATA alone"):
        Header.parse(ALL, "BDAT")


@pytest.mark.parametrize(
    ("message", "becomes"),
    [
        (SIGNED, CHANGED),
        (b"To: c\r\n\r\n", b"To: c\r\nSubject: other\r\nX-Test: yes\r\n\r\n"),
        (b"To: c\r\n", b"To: c\r\nSubject: other\r\nX-Test: yes\r\n"),
        (b"To: c", b"To: c\r\nSubject: other\r\nX-Test: yes\r\n"),
        (b"", b"Subject: other\r\nX-Test: yes\r\n"),
        (b"\r\nHi\r\n", b"Subject: other\r\nX-Test: yes\r\n\r\nHi\r\n"),
        (b"Hi\r\n", b"Subject: other\r\nX-Test: yes\r\n\r\nHi\r\n"),
        (b"Hi", b"Subject: other\r\nX-Test: yes\r\n\r\nHi"),
        (
            b"Subject: a\r\nSUBJECT : b\r\nHi\r\n",
            b"Subject: other\r\nX-Test: yes\r\n\r\nHi\r\n",
        ),
    ],
)
def test_what_becomes_of_it(message: bytes, becomes: bytes) -> None:
    """Folded fields go whole, a body stays one, and no cut makes a difference."""
    ((made, told),) = outcomes(change, message)
    assert made == becomes
    assert told.startswith("header fields: 1 added, 1 set")


def test_what_is_told() -> None:
    """How many fields were added, set and removed."""
    assert outcomes(change, SIGNED) == {(CHANGED, "header fields: 1 added, 1 set, 2 removed")}


@pytest.mark.parametrize("message", [b"To: c\r\n\r\nA: b\r\n", b"Hi", b"", b"A", b"\r\n"])
def test_nothing_to_do(message: bytes) -> None:
    """Where there is no such field, all octets stay as they are, and nothing is told."""
    assert outcomes(lambda: change({"remove": ["A"]}), message) == {(message, "")}


def test_nothing_is_left() -> None:
    """A message may lose all of its fields."""
    message = b"A: b\r\n\r\nHi\r\n"
    told = "header fields: 1 removed"
    assert outcomes(lambda: change({"remove": ["A"]}), message) == {(b"\r\nHi\r\n", told)}


@pytest.mark.parametrize("message", [b"A: b\nB: c\r\n\r\nHi\r\n", b"A: b\n\nHi\n", b"A: b\r"])
def test_bare_line_ends(message: bytes) -> None:
    """Where it can't be known what a field is, nothing changes, and this is told."""
    told = "no header field changed: the section has bare CR or LF"
    assert outcomes(change, message) == {(message, told)}


@pytest.mark.parametrize("size", [1000, MOST - 1, 10 * MOST])
@pytest.mark.parametrize(("more", "changes"), [(0, True), (1, False)])
def test_it_is_held_back_so_far(size: int, more: int, changes: bool) -> None:
    """A section of more than 64 KiB passes as it is, and this is told."""
    header = b"A: ".ljust(MOST - 4 + more, b"x") + b"\r\n"
    rest = b"\r\nHi\r\n"
    one = change({"add": {"B": "c"}})
    message = header + rest
    pieces = [message[at : at + size] for at in range(0, len(message), size)]
    assert through(one, pieces) == header + b"B: c\r\n" * changes + rest
    assert one.told == (
        "header fields: 1 added"
        if changes
        else "no header field changed: the section has more than 64 KiB"
    )


@every_way
@both_protocols
def test_upstream_gets_other_fields(way: str, lmtp: bool) -> None:
    """In each of two transactions; the log says so, and no value of a field."""
    rule = "{name: other, DATA: {header: {add: {X-Test: yes}, set: {Subject: other}, "
    talk = talking(rule + "remove: [DKIM-Signature]}}}", lmtp)
    for _ in range(2):
        sends(talk, way, SIGNED)
    assert delivered(talk) == [CHANGED] * 2
    told = ("mail-data-changed", "other: header fields: 1 added, 1 set, 2 removed")
    assert talk.witness.notes.count(told) == 2
    assert not talk.relay.waiting


def test_of_several_rules_each_changes_what_is_left() -> None:
    """They have their way in the order of the file."""
    rules = ("DATA: {truncate: 16}", "{name: b, DATA: {header: {add: {A: b}}}}")
    for order, expected in (
        (rules, b"Subject: hello\r\nA: b\r\n"),
        (rules[::-1], b"Subject: hello\r\n"),
    ):
        talk = Between(rules_in(*order))
        sends(talk, "DATA", b"Subject: hello\r\n\r\nHi.\r\n")
        assert delivered(talk) == [expected]


@every_way
def test_an_empty_message(way: str) -> None:
    """It gets a header section, and its end."""
    talk = talking("DATA: {header: {add: {A: b}}}")
    sends(talk, way, b"")
    assert delivered(talk) == [b"A: b\r\n"]
