"""What makes a live exchange the recorded one."""

import pytest

from smtpproxy.cassette.matching import NOISE, USUAL, Key, Matching, key_of
from smtpproxy.cassette.model import END_OF_DATA
from smtpproxy.smtp.client import parse_command


def key(line: str, matching: Matching = USUAL) -> Key:
    """Return the key of a command line."""
    sent = f"{line}\r\n".encode()
    return key_of(parse_command(sent).verb, sent, matching)


@pytest.mark.parametrize(
    ("recorded", "live"),
    [
        ("EHLO app.example.org", "EHLO [192.0.2.7]"),
        ("EHLO app.example.org", "ehlo"),
        ("HELO app.example.org", "HELO other.example.org"),
        ("MAIL FROM:<a@example.org>", "mail from: <a@EXAMPLE.org>"),
        ("MAIL FROM:<a@example.org>", "MAIL FROM:<a@example.org> SIZE=100"),
        ("MAIL FROM:<a@example.org> SIZE=9", "MAIL FROM:<a@example.org> size=100"),
        ("MAIL FROM:<a@example.org> ENVID=x", "MAIL FROM:<a@example.org> ENVID=y"),
        ("MAIL FROM:<a@example.org> BODY=8BITMIME", "MAIL FROM:<a@example.org> body=8bitmime"),
        (
            "MAIL FROM:<a@example.org> RET=HDRS SMTPUTF8",
            "MAIL FROM:<a@example.org>  SMTPUTF8  RET=HDRS",
        ),
        ("MAIL FROM:<>", "MAIL FROM:<> SIZE=1"),
        ("RCPT TO:<b@example.net>", "RCPT TO:<@relay.example.com:b@example.net>"),
        ("RCPT TO:<postmaster>", "RCPT TO:<Postmaster>"),
        ("DATA", "data "),
        ("BDAT 10", "BDAT 4096"),
        ("BDAT 10 LAST", "bdat 0 last"),
        ("NOOP", "NOOP again"),
        ("QUIT", "quit"),
        ("VRFY  bob", "vrfy bob"),
        ("AUTH PLAIN [redacted]", "auth plain AGEAYg=="),
        ("AUTH LOGIN", "AUTH login"),
    ],
)
def test_what_does_not_count(recorded: str, live: str) -> None:
    """EHLO's argument, credentials, SIZE, ENVID, and spelling differ at every run."""
    assert key(recorded) == key(live)


@pytest.mark.parametrize(
    ("recorded", "live"),
    [
        ("EHLO app.example.org", "HELO app.example.org"),
        ("MAIL FROM:<a@example.org>", "MAIL FROM:<b@example.org>"),
        ("MAIL FROM:<a@example.org>", "MAIL FROM:<A@example.org>"),  # RFC 5321 §2.4
        ("MAIL FROM:<a@example.org>", "MAIL FROM:<>"),
        ("MAIL FROM:<a@example.org>", "RCPT TO:<a@example.org>"),
        ("MAIL FROM:<a@example.org>", "MAIL FROM:<a@example.org> BODY=8BITMIME"),
        ("MAIL FROM:<a@example.org> RET=FULL", "MAIL FROM:<a@example.org> RET=HDRS"),
        ("MAIL FROM:<a@example.org>", "SOML FROM:<a@example.org>"),
        ("RCPT TO:<b@example.net>", "RCPT TO:<b@example.com>"),
        ("RCPT TO:<b@example.net>", "RCPT TO:<b@example.net> NOTIFY=NEVER"),
        ("MAIL nonsense", "MAIL other nonsense"),
        ("BDAT 10", "BDAT 10 LAST"),
        ("AUTH LOGIN", "AUTH PLAIN"),
        ("AUTH PLAIN", "AUTH PLAIN AGEAYg=="),
        ("VRFY bob", "VRFY carol"),
        ("VRFY bob", "EXPN bob"),
    ],
)
def test_what_counts(recorded: str, live: str) -> None:
    """Verb, envelope and parameters tell one exchange from another."""
    assert key(recorded) != key(live)


def test_continuations_of_auth_are_alike() -> None:
    """Credentials do not count, but giving up (RFC 4954 §4) does."""
    assert key_of("AUTH", b"[redacted]\r\n") == key_of("AUTH", b"Ym9i\r\n")
    assert key_of("AUTH", b"[redacted]\r\n") != key_of("AUTH", b"*\r\n")


@pytest.mark.parametrize(
    ("matching", "one", "other", "same"),
    [
        (Matching(envelope=False), "RCPT TO:<b@example.net>", "RCPT TO:<c@example.com>", True),
        (Matching(envelope=False), "RCPT TO:<b@x> NOTIFY=NEVER", "RCPT TO:<b@x>", False),
        (Matching(parameters=False), "RCPT TO:<b@x> NOTIFY=NEVER", "RCPT TO:<b@x>", True),
        (Matching(parameters=False), "RCPT TO:<b@x>", "RCPT TO:<c@x>", False),
        (Matching(ignored=("notify",)), "RCPT TO:<b@x> NOTIFY=NEVER", "RCPT TO:<b@x>", True),
        (Matching(ignored=("NO*",)), "RCPT TO:<b@x> NOTIFY=NEVER", "RCPT TO:<b@x>", True),
        (Matching(ignored=()), "MAIL FROM:<a@x> SIZE=1", "MAIL FROM:<a@x> SIZE=2", False),
        (Matching(ignored=("recipient",)), "RCPT TO:<b@x>", "RCPT TO:<c@y>", True),
        (Matching(ignored=("recipient",)), "MAIL FROM:<b@x>", "MAIL FROM:<c@y>", False),
        (Matching(ignored=("sender",)), "MAIL FROM:<b@x>", "MAIL FROM:<c@y>", True),
    ],
)
def test_what_is_compared_can_be_changed(
    matching: Matching, one: str, other: str, same: bool
) -> None:
    """The envelope, its parameters, and each of them by name, count or do not."""
    assert (key(one, matching) == key(other, matching)) is same


@pytest.mark.parametrize(("stage", "sent"), [(END_OF_DATA, b""), ("BDAT", b"BDAT 3 LAST\r\n")])
def test_a_message_counts_only_where_it_is_compared(stage: str, sent: bytes) -> None:
    """The end of a message is like any other, unless messages are compared."""
    assert key_of(stage, sent, USUAL, b"one") == key_of(stage, sent, USUAL, b"other")
    compared = Matching(message=True)
    assert key_of(stage, sent, compared, b"one") != key_of(stage, sent, compared, b"other")


def test_a_chunk_that_is_not_the_last_ends_no_message() -> None:
    """Only BDAT LAST is compared by its message: how it is cut into chunks does not count."""
    sent, compared = b"BDAT 3\r\n", Matching(message=True)
    assert key_of("BDAT", sent, compared, b"one") == key_of("BDAT", sent, compared, b"other")


def test_noise_is_ignored_by_name_whatever_its_case() -> None:
    """What ends in * stands for all that begin so, and for nothing else."""
    assert all(USUAL.ignores(name) for name in ("size", "MESSAGE-ID", "ARC-Seal", "boundary"))
    assert not any(USUAL.ignores(name) for name in ("Subject", "ARC", "Size-Of", "To"))
    assert "ARC-*" in NOISE
