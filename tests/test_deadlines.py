"""A session waits as long as it should, and no longer (RFC 5321 §4.5.3.2)."""

from __future__ import annotations

import pytest

from smtpproxy.deadlines import Awaited, Patience
from tests.dialogue import Conversation

READY = """
    U: 220 mail.example.org ESMTP
    S: 220 mail.example.org ESMTP
"""


@pytest.mark.parametrize(
    ("client", "upstream", "awaited"),
    [
        (b"", b"", Awaited("upstream", "CONNECT", 300)),
        (b"", b"220 mail\r\n", Awaited("client", "idle", 300)),
        (b"MAIL FROM:<a@ex", b"220 mail\r\n", Awaited("client", "command", 300)),
        (b"MAIL FROM:<>\r\n", b"220 mail\r\n", Awaited("upstream", "MAIL", 300)),
        (b"DATA\r\n", b"220 mail\r\n", Awaited("upstream", "DATA", 120)),
        (b"DATA\r\n", b"220 mail\r\n354 go\r\n", Awaited("client", "idle", 300)),
        (b"DATA\r\n.\r\n", b"220 mail\r\n354 go\r\n", Awaited("upstream", "END-OF-DATA", 600)),
        (b"BDAT 9\r\nHi", b"220 mail\r\n", Awaited("client", "idle", 300)),
        (b"BDAT 2 LAST\r\nHi", b"220 mail\r\n", Awaited("upstream", "END-OF-DATA", 600)),
    ],
)
def test_who_is_awaited(client: bytes, upstream: bytes, awaited: Awaited) -> None:
    """Each stage has the time that RFC 5321 §4.5.3.2 gives it."""
    talk = Conversation()
    talk.client(client)
    talk.upstream(upstream)
    assert talk.relay.awaited() == awaited


def test_octets_one_by_one_are_no_progress() -> None:
    """A client that sends an octet every ten seconds runs out of time for its command."""
    talk, patience = Conversation(), Patience()
    talk.play(READY)
    overdue = []
    for second in range(0, 320, 10):
        talk.client(b"x")
        overdue.append(patience.overdue(talk.relay.progress, talk.relay.awaited(), second))
    assert overdue == [False] * 30 + [True] * 2


def test_progress_begins_the_time_anew() -> None:
    """A command that is complete, a reply, and a delay on purpose each begin the time anew."""
    patience = Patience()
    awaited = Awaited("client", "idle", 10)
    assert [patience.overdue(1, awaited, now) for now in (0, 9, 10)] == [False, False, True]
    assert not patience.overdue(2, awaited, 11)
    patience.suspend(20)
    assert [patience.overdue(2, awaited, now) for now in (29, 30)] == [False, True]


def test_no_time_is_for_ever() -> None:
    """A time of 0 never ends."""
    patience = Patience()
    assert [patience.overdue(1, Awaited("client", "idle", 0), now) for now in (0, 1e6)] == [
        False,
        False,
    ]


@pytest.mark.parametrize(("client", "how"), [(b"", "client"), (b"NOOP\r\n", "upstream")])
def test_who_is_late_ends_the_session(client: bytes, how: str) -> None:
    """The client is told 421, both legs are closed, and the fact says who was late."""
    talk = Conversation()
    talk.play(READY)
    if client:
        talk.play("C: NOOP\n> NOOP")
    talk.take(talk.relay.late(talk.relay.awaited()))
    talk.play("""
        S: 421 4.4.2 mail.example.org Timeout exceeded
        (client: close)
        (upstream: close)
    """)
    talk.relay.finished()
    assert talk.witness.how == f"{how}-timeout"
    assert talk.witness.notes[0] == ("timeout", f"{how} {'NOOP' if client else 'idle'}")
