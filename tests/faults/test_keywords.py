"""EHLO's reply, edited: keywords that are removed, and such as are set."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.faults import FaultError, Keywords, Telling, Value
from smtpproxy.faults.keywords import MOST
from smtpproxy.smtp.facts import Reply

WIRE = b"250-mail.example.org\r\n250-SIZE 10240000\r\n250-STARTTLS\r\n250 AUTH PLAIN LOGIN\r\n"


def after(value: Value, wire: bytes = WIRE) -> Reply:
    """Return what the client hears."""
    telling = Telling(Reply(int(wire[:3]), wire))
    Keywords.parse(value, "EHLO").apply(telling)
    assert telling.reply is not None
    return telling.reply


@pytest.mark.parametrize(
    ("value", "lines"),
    [
        ({"remove": ["STARTTLS"]}, ["SIZE 10240000", "AUTH PLAIN LOGIN"]),
        ({"remove": "starttls"}, ["SIZE 10240000", "AUTH PLAIN LOGIN"]),
        ({"remove": ["AUTH", "SIZE", "STARTTLS", "DSN"]}, []),
        ({"set": {"SIZE": "1024"}}, ["SIZE 1024", "STARTTLS", "AUTH PLAIN LOGIN"]),
        (
            {"set": {"DSN": "", "AUTH": "  XOAUTH2  PLAIN "}},
            ["SIZE 10240000", "STARTTLS", "AUTH XOAUTH2 PLAIN", "DSN"],
        ),
        (
            {"remove": ["SIZE", "AUTH"], "set": {"SIZE": "1"}},
            ["SIZE 1", "STARTTLS"],
        ),
    ],
)
def test_keywords_are_removed_and_set(value: Value, lines: list[str]) -> None:
    """Each keeps its place; what was not there comes last; the greeting's line stays."""
    wanted = [b"mail.example.org", *(line.encode() for line in lines)]
    assert after(value).lines == wanted


def test_a_reply_without_them_stays_well_formed() -> None:
    """RFC 5321 §4.2.1: the last line has a blank behind its code, and the others a hyphen."""
    assert after({"remove": ["SIZE", "AUTH", "STARTTLS"]}).wire == b"250 mail.example.org\r\n"
    more = after({"set": {"DSN": ""}}, b"250 mail.example.org\r\n")
    assert more.wire == b"250-mail.example.org\r\n250 DSN\r\n"


def test_one_that_stands_there_twice_is_set_once() -> None:
    """Who reads the first, and who reads the last, reads the same."""
    wire = b"250-m\r\n250-AUTH PLAIN\r\n250-SIZE\r\n250 auth LOGIN\r\n"
    assert after({"set": {"AUTH": "CRAM-MD5"}}, wire).lines == [b"m", b"AUTH CRAM-MD5", b"SIZE"]


@pytest.mark.parametrize("wire", [b"550 no\r\n", b"500-what\r\n500 STARTTLS\r\n", b"421 gone\r\n"])
def test_a_refusal_has_no_keywords(wire: bytes) -> None:
    """Only a 250 is edited."""
    assert after({"remove": ["STARTTLS"], "set": {"SIZE": "1"}}, wire).wire == wire


def test_where_nothing_changes_it_is_upstreams_reply() -> None:
    """The very same: nobody is told that it was changed."""
    reply = Reply(250, WIRE)
    telling = Telling(reply)
    Keywords.parse({"remove": ["DSN"]}, "EHLO").apply(telling)
    assert telling.reply is reply


def test_nothing_is_said_where_nothing_would_have_been() -> None:
    """A connection that is closed instead of an answer has no keywords."""
    telling = Telling(None)
    Keywords.parse({"remove": ["DSN"]}, "LHLO").apply(telling)
    assert telling.reply is None


# What can't be read, the words that say so, and the way to the part that is wrong.
MISTAKES: list[tuple[Value, str, tuple[str | int, ...]]] = [
    ("STARTTLS", "expected a mapping such as", ()),
    (["STARTTLS"], "expected a mapping such as", ()),
    ({}, "expected a mapping such as", ()),
    ({"drop": ["SIZE"]}, "expected remove or set, got 'drop'", ("drop",)),
    ({"remove": {"SIZE": "1"}}, "expected a text", ("remove", 0)),
    ({"remove": ["SIZE", ["DSN"]]}, "expected a text", ("remove", 1)),
    ({"remove": ["SI ZE"]}, "without blanks, got 'SI ZE'", ("remove", 0)),
    ({"remove": [""]}, "without blanks, got ''", ("remove", 0)),
    ({"set": ["SIZE"]}, "expected a mapping such as", ("set",)),
    ({"set": {"SIZE": ["1"]}}, "expected a text", ("set", "SIZE")),
    ({"set": {"SIZE": "1", "size": "2"}}, "each keyword once, got 'size'", ("set", "size")),
    ({"set": {"A" * 501: ""}}, "expected a keyword", ("set", "A" * 501)),
    ({"set": {"A": "b" * 500}}, "no more than 500 octets", ("set", "A")),
    ({"remove": ["A"] * (MOST + 1)}, f"no more than {MOST} keywords", ("remove",)),
    ({"set": {str(n): "" for n in range(MOST + 1)}}, f"no more than {MOST} keywords", ("set",)),
    ({"set": {"A\r": "1"}}, "expected a keyword", ("set", "A\r")),
    ({"set": {"A\n": "1"}}, "expected a keyword", ("set", "A\n")),
    ({"set": {"\0": "1"}}, "expected a keyword", ("set", "\0")),
    ({"set": {"A": "\r"}}, "printable ASCII", ("set", "A")),
    ({"set": {"A": "1\n"}}, "printable ASCII", ("set", "A")),
    ({"set": {"A": "\0"}}, "printable ASCII", ("set", "A")),
    ({"set": {"A": "\u00e9"}}, "printable ASCII", ("set", "A")),
]


@pytest.mark.parametrize(("value", "words", "path"), MISTAKES)
def test_no_keywords(value: Value, words: str, path: tuple[str | int, ...]) -> None:
    """What would break a line, or is no mapping of keywords, is refused where it stands."""
    with pytest.raises(FaultError) as caught:
        Keywords.parse(value, "EHLO")
    assert str(caught.value).startswith("expected ")
    assert words in str(caught.value)
    assert caught.value.path == path


@pytest.mark.parametrize("stage", ["HELO", "MAIL", "CONNECT"])
def test_no_keywords_elsewhere(stage: str) -> None:
    """They stand in the reply to EHLO or LHLO."""
    with pytest.raises(FaultError, match="expected at EHLO or LHLO alone"):
        Keywords.parse({"remove": ["SIZE"]}, stage)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.text(max_size=6), max_size=3), st.dictionaries(st.text(max_size=6), st.text()))
def test_the_reply_is_always_well_formed(remove: list[str], put: dict[str, str]) -> None:
    """RFC 5321 §4.2.1, whatever stands in the rule."""
    try:
        reply = after({"remove": [*remove], "set": {**put}})
    except FaultError:
        return
    lines = reply.wire.split(b"\r\n")
    assert lines.pop() == b""
    assert all(line[:4] == b"250-" for line in lines[:-1])
    assert lines[-1][:4] == b"250 "
    assert not any(octet in line for line in lines for octet in (b"\r", b"\n", b"\0"))
    assert not any(len(line) > 510 for line in lines)
