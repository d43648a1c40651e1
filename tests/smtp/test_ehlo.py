"""The reply to EHLO: what it offers, and how it is edited without losing a line."""

from __future__ import annotations

import pytest

from smtpproxy.smtp.ehlo import edited, keyword_of, multiline, offers, without_mechanisms
from smtpproxy.smtp.facts import Reply

HELLO = Reply(
    250, b"250-mail.example.org\r\n250-SIZE 1000\r\n250-auth PLAIN LOGIN\r\n250 8BITMIME\r\n"
)


@pytest.mark.parametrize(
    ("line", "keyword"),
    [(b"SIZE 1000", b"SIZE"), (b"auth PLAIN", b"AUTH"), (b"", b""), (b"  ", b"")],
)
def test_a_keyword_is_the_first_word(line: bytes, keyword: bytes) -> None:
    """RFC 5321 §2.4: in whatever case; a blank line has none."""
    assert keyword_of(line) == keyword


def test_what_is_offered() -> None:
    """The greeting's own words are no keyword, and no other reply offers anything."""
    assert offers(HELLO, b"AUTH")
    assert not offers(HELLO, b"MAIL.EXAMPLE.ORG")
    assert not offers(HELLO, b"STARTTLS")
    assert not offers(Reply(451, HELLO.wire), b"AUTH")


def test_nothing_changed_is_the_same_reply() -> None:
    """What need not be rebuilt keeps its octets, odd as they may be."""
    odd = Reply(250, b"250-mail\n250 SIZE\r\n")
    assert edited(odd, lambda line: line) is odd
    assert edited(HELLO, lambda line: line, [b"SIZE 5"]) is HELLO


def test_lines_go_come_and_change() -> None:
    """The first line stays, and the last one is the one without a hyphen."""

    def change(line: bytes) -> bytes | None:
        return {b"SIZE": b"SIZE 5", b"8BITMIME": None}.get(keyword_of(line), line)

    changed = edited(HELLO, change, [b"STARTTLS", b"AUTH CRAM-MD5"])
    assert changed == Reply(
        250,
        b"250-mail.example.org\r\n250-SIZE 5\r\n250-auth PLAIN LOGIN\r\n250 STARTTLS\r\n",
    )


def test_a_reply_may_be_left_with_its_greeting() -> None:
    """RFC 5321 §4.1.1.1: a server need not offer anything."""
    assert edited(HELLO, lambda line: None).wire == b"250 mail.example.org\r\n"


def test_a_code_has_three_digits() -> None:
    """Also one that no server should say."""
    assert multiline(7, [b"a", b"b"]) == b"007-a\r\n007 b\r\n"


@pytest.mark.parametrize(
    ("line", "left"),
    [
        (b"AUTH PLAIN SCRAM-SHA-1-PLUS", b"AUTH PLAIN"),
        (b"auth scram-sha-1-plus", None),
        (b"AUTH  PLAIN   LOGIN", b"AUTH  PLAIN   LOGIN"),
        (b"SIZE -PLUS", b"SIZE -PLUS"),
        (b"", b""),
    ],
)
def test_mechanisms_that_do_not_fit_are_taken_out(line: bytes, left: bytes | None) -> None:
    """In whatever case; where none is left there is no AUTH, and other lines stay."""
    assert without_mechanisms(line, lambda mechanism: mechanism.endswith(b"-PLUS")) == left
