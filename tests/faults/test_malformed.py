"""Malformed replies: each way, octet for octet, and what the proxy takes it for."""

from __future__ import annotations

import pytest

from smtpproxy.faults import FaultError, Malformed, Telling
from smtpproxy.faults.malformed import MALFORMED
from smtpproxy.smtp.facts import Reply

ONE = b"250 2.1.5 Ok\r\n"
TWO = b"250-2.1.5 one\r\n250 2.1.5 two\r\n"


def spoilt(way: str, wire: bytes, stage: str = "RCPT") -> Telling:
    """Return what is told of a reply."""
    telling = Telling(Reply(int(wire[:3]), wire), stage)
    Malformed.parse(way, stage).apply(telling)
    return telling


@pytest.mark.parametrize(
    ("way", "wire", "octets"),
    [
        ("code-only", TWO, b"250\r\n"),
        ("no-crlf", ONE, b"250 2.1.5 Ok"),
        ("bare-lf", TWO, b"250-2.1.5 one\n250 2.1.5 two\n"),
        ("bare-cr", ONE, b"250 2.1.5 Ok\r"),
        ("mixed-codes", ONE, b"451-2.1.5 Ok\r\n550-2.1.5 Ok\r\n250 2.1.5 Ok\r\n"),
        ("mixed-codes", b"550 No\r\n", b"250-No\r\n451-No\r\n550 No\r\n"),
        ("stray-line", ONE, b"This line has no code.\r\n" + ONE),
        ("8-bit", ONE, b"250 2.1.5 Ok Gr\xfc\xdfe \xff\xfe\r\n"),
        ("nul", ONE, b"250 2.1.5 Ok \0 \0\r\n"),
        ("contradicting", ONE, b"250 5.7.1 Ok\r\n"),
        ("contradicting", b"550 No\r\n", b"550 2.0.0 No\r\n"),
    ],
)
def test_octets_are_spoilt_and_the_meaning_stays(way: str, wire: bytes, octets: bytes) -> None:
    """The client hears other octets; the proxy takes the reply for what it was."""
    telling = spoilt(way, wire)
    assert telling.octets == octets
    assert telling.reply == Reply(int(wire[:3]), wire)


def test_endless_has_an_end_for_the_proxy() -> None:
    """Ten thousand lines go on, and none is the last."""
    octets = spoilt("endless", ONE).octets or b""
    lines = octets.split(b"\r\n")
    assert lines.pop() == b""
    assert len(lines) == 10_000
    assert all(line.startswith(b"250-") for line in lines)


def test_a_long_line_is_one_line() -> None:
    """RFC 5321 §4.5.3.1.5 allows 512 octets: these are 5,000, and CRLF."""
    octets = spoilt("long-line", TWO).octets or b""
    assert (len(octets), octets[:14], octets[-3:]) == (5002, b"250 2.1.5 twox", b"x\r\n")


@pytest.mark.parametrize(
    ("stage", "wire", "told"),
    [
        ("RCPT", ONE, b"354 2.1.5 Ok\r\n"),
        ("RCPT", TWO, b"354 2.1.5 one\r\n"),
        ("RCPT", b"550 No\r\n", b"354 No\r\n"),
        ("DATA", b"354 Go ahead\r\n", b"250 Go ahead\r\n"),
        ("DATA", b"554 No\r\n", b"250 No\r\n"),
        ("AUTH", b"235 Welcome\r\n", b"354 Welcome\r\n"),
        ("AUTH", b"334 \r\n", b"250 \r\n"),
    ],
)
def test_wrong_class_is_another_code(stage: str, wire: bytes, told: bytes) -> None:
    """The client hears a code that has no sense there, and the proxy knows that it did."""
    telling = spoilt("wrong-class", wire, stage)
    assert telling.reply == Reply(int(told[:3]), told)
    assert telling.octets is None


@pytest.mark.parametrize("way", MALFORMED)
def test_nothing_is_spoilt_where_nothing_is_said(way: str) -> None:
    """A connection that ends has no reply."""
    telling = Telling(None)
    Malformed(way).apply(telling)
    assert (telling.reply, telling.octets) == (None, None)


@pytest.mark.parametrize("way", MALFORMED)
@pytest.mark.parametrize("wire", [b"250\r\n", b"250 \n", b"250-\r\n250 \r\n", b"250"])
def test_whatever_upstream_says_can_be_spoilt(way: str, wire: bytes) -> None:
    """No reply is too short for it, and something is said."""
    telling = spoilt(way, wire)
    assert telling.sending() != []


@pytest.mark.parametrize("value", ["", "bare", "BARE-LF", "endless endless"])
def test_no_way(value: str) -> None:
    """Every other word is refused, with those that are known."""
    with pytest.raises(FaultError, match="expected code-only, no-crlf") as caught:
        Malformed.parse(value, "RCPT")
    assert caught.value.known == MALFORMED
