"""Sessions and exchanges as observers hear of them."""

from __future__ import annotations

from datetime import UTC, datetime

from smtpproxy.exchange import UPSTREAM
from smtpproxy.smtp.facts import Reply
from smtpproxy.transcript import Entry, Session

#: Seconds since 1970 of 2026-11-23T12:00:00Z.
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC).timestamp()
CLIENT, SERVER = "192.0.2.7:40001", "tcp:mail.example.org:25"


def a_session(number: int = 1, label: str = "run-1") -> Session:
    """Return a session that began at noon."""
    return Session(number, label, CLIENT, SERVER, NOON)


def replied(octets: str | bytes) -> Reply:
    """Return the reply in these octets, to which the last CRLF is added."""
    wire = octets.encode() if isinstance(octets, str) else octets
    return Reply(int(wire.split(b"\n")[-1][:3]), wire + b"\r\n")


def an_entry(
    stage: str,
    sent: str | bytes,
    heard: str | bytes | None,
    *,
    by: str = UPSTREAM,
    rule: str = "",
    said: str | None = None,
    after: float = 0.0,
) -> Entry:
    """Return an exchange that was over `after` seconds past noon, and took a sixteenth of one.

    `sent` lacks its CRLF, but is empty where there was no command; upstream said what was heard,
    unless something `said` was changed.
    """
    line = sent.encode() if isinstance(sent, str) else sent
    told = None if heard is None else replied(heard)
    return Entry(
        stage,
        line + b"\r\n" if line else b"",
        replied(said) if said else (told if by == UPSTREAM else None),
        told,
        by,
        rule,
        True,
        False,
        NOON + after - 0.0625,
        0.0625,
    )
