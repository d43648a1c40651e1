"""A reply of the rule's own: its words, its lines, and the end of the connection after it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.faults import FaultError, SayReply, Telling
from smtpproxy.smtp.facts import Reply

DOMAIN = "mail.example.org"


@pytest.mark.parametrize(
    ("stage", "code", "wire"),
    [
        ("RCPT", 452, b"452 4.3.1 Requested action not taken: insufficient system storage\r\n"),
        ("RCPT", 250, b"250 2.1.5 Requested mail action okay, completed\r\n"),
        ("RCPT", 251, b"251 2.1.5 User not local; will forward to <b@example.net>\r\n"),
        ("RCPT", 551, b"551 5.1.6 User not local; please try <b@example.net>\r\n"),
        ("CONNECT", 220, b"220 mail.example.org Service ready\r\n"),
        ("EHLO", 550, b"550 Not implemented\r\n"),
        ("HELO", 521, b"521 mail.example.org does not accept mail\r\n"),
        ("DATA", 354, b"354 Start mail input; end with <CRLF>.<CRLF>\r\n"),
    ],
)
def test_code_alone_takes_the_words_of_the_registry(stage: str, code: int, wire: bytes) -> None:
    """RFC 2034 §4: no enhanced code in a greeting, in answers to HELO and EHLO, and with 3xx."""
    say = SayReply.parse(str(code), stage)
    assert say.code == code
    assert say.octets(DOMAIN, "b@example.net") == wire


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        ("450 4.7.1 Greylisted", b"450 4.7.1 Greylisted\r\n"),
        ("450 Greylisted", b"450 Greylisted\r\n"),
        ("550 no 5.1.1 here", b"550 no 5.1.1 here\r\n"),
        ("250 2.1.5x", b"250 2.1.5x\r\n"),
        ("250 Grüße", b"250 Gr\xc3\xbc\xc3\x9fe\r\n"),
    ],
)
def test_text_is_told_as_it_stands(value: str, wire: bytes) -> None:
    """A text is the user's own: no enhanced code is added to it, or taken from it."""
    assert SayReply.parse(value, "RCPT").octets(DOMAIN, "") == wire


@pytest.mark.parametrize("value", ["250 one\ntwo\nthree", "250 one\ntwo\nthree\n"])
def test_lines_make_a_multiline_reply(value: str) -> None:
    """RFC 5321 §4.2.1: every line has the code, all but the last with a hyphen."""
    assert (
        SayReply.parse(value, "HELP").octets(DOMAIN, "") == b"250-one\r\n250-two\r\n250 three\r\n"
    )


def test_enhanced_code_stands_on_every_line() -> None:
    """RFC 2034 §4: all lines of a multiline reply carry the same enhanced code."""
    say = SayReply.parse("450 4.7.1 Greylisted\nTry later", "RCPT")
    assert say.enhanced == "4.7.1"
    assert say.octets(DOMAIN, "") == b"450-4.7.1 Greylisted\r\n450 4.7.1 Try later\r\n"


@pytest.mark.parametrize(
    "value", ["450-4.7.1 Greylisted\n450 4.7.1 Try later", "450 4.7.1 Greylisted\n4.7.1 Try later"]
)
def test_lines_as_they_stand_on_the_wire_keep_one_enhanced_code(value: str) -> None:
    """A reply that was copied with its codes is told with each of them once a line."""
    say = SayReply.parse(value, "RCPT")
    assert say.octets(DOMAIN, "") == b"450-4.7.1 Greylisted\r\n450 4.7.1 Try later\r\n"


def test_words_tell_of_more_lines() -> None:
    """A reply of several lines is told by its first, and by how many follow."""
    assert SayReply.parse("450 4.7.1 Wait\na\nb", "RCPT").words == (
        "the client hears 450 4.7.1 Wait (+2 lines)"
    )
    assert SayReply.parse("450 Wait\na", "RCPT").words == "the client hears 450 Wait (+1 line)"


@pytest.mark.parametrize(
    "value", ["", "45", "4500", "199", "600", "650 no", "x50", "4_0", "+45", "450\u00a0x", "later"]
)
def test_no_reply(value: str) -> None:
    """What does not begin with a code from 200 to 599 is refused, and quoted."""
    with pytest.raises(FaultError, match="from 200 to 599") as caught:
        SayReply.parse(value, "RCPT")
    assert repr(value) in str(caught.value)


@pytest.mark.parametrize(
    "value", ["450 a\rb", "450 a\r\n250 b", "450 a\0", "450 4.7.1 \0", "450 \r"]
)
def test_text_can_not_hold_what_would_break_the_line(value: str) -> None:
    """CR and NUL in a text are refused; raw octets are not what this fault is for."""
    with pytest.raises(FaultError, match="can't hold"):
        SayReply.parse(value, "RCPT")


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=30))
def test_wire_is_always_one_well_formed_reply(text: str) -> None:
    """RFC 5321 §2.3.8: no CR or LF but in CRLF, whatever stands in the rule."""
    try:
        say = SayReply.parse("551 <forward-path> " + text, "RCPT")
    except FaultError:
        return
    lines = say.octets(DOMAIN, "b@example.net").split(b"\r\n")
    assert lines.pop() == b""
    assert all(line[:4] == b"551-" for line in lines[:-1])
    assert lines[-1][:4] == b"551 "
    assert not any(octet in line for line in lines for octet in (b"\r", b"\n", b"\0"))


@pytest.mark.parametrize("forward_path", ["b\r@example.net", "b\0@example.net"])
def test_forward_path_can_not_break_the_line(forward_path: str) -> None:
    """RFC 5321 §2.3.8: what a client hides in an address is not sent back as a bare CR or NUL."""
    wire = SayReply.parse("551", "RCPT").octets(DOMAIN, forward_path)
    assert wire.startswith(b"551 5.1.6 User not local; please try <b")
    assert b"\r" not in wire.removesuffix(b"\r\n")
    assert b"\0" not in wire


def test_it_takes_the_place_of_what_would_have_been_said() -> None:
    """The client hears this reply, and the connection goes on."""
    telling = Telling(Reply(250, b"250 2.1.5 Ok\r\n"))
    SayReply.parse("450 4.7.1 Later", "RCPT").apply(telling)
    assert telling.reply == Reply(450, b"450 4.7.1 Later\r\n")
    assert (telling.before, telling.after) == ([], [])
