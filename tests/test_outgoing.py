"""What a session is about to do: in order, and octets that go together in one piece."""

from __future__ import annotations

from smtpproxy.actions import Action, Close, Send, Side, Wait
from smtpproxy.outgoing import Outgoing, joined
from tests.dialogue import READY, Conversation

CLIENT, UPSTREAM = Side.CLIENT, Side.UPSTREAM


def test_replies_that_came_together_go_together() -> None:
    """A client that pipelines gets them in one segment, as it would from upstream."""
    one = Conversation()
    one.play(READY)
    one.client(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n")
    actions = one.relay.upstream_received(b"250 2.1.0 Ok\r\n550 5.1.1 No\r\n")
    assert actions == [Send(CLIENT, b"250 2.1.0 Ok\r\n550 5.1.1 No\r\n")]


def test_what_stands_between_stays_between() -> None:
    """Nothing is moved over a wait, an end, or the other side's octets."""
    actions: list[Action] = [
        Send(CLIENT, b"1"),
        Send(CLIENT, b"2"),
        Wait(CLIENT, 1.0),
        Send(CLIENT, b"3"),
        Send(UPSTREAM, b"4"),
        Send(UPSTREAM, b"5"),
        Send(CLIENT, b"6"),
        Close(CLIENT),
    ]
    assert joined(actions) == [
        Send(CLIENT, b"12"),
        Wait(CLIENT, 1.0),
        Send(CLIENT, b"3"),
        Send(UPSTREAM, b"45"),
        Send(CLIENT, b"6"),
        Close(CLIENT),
    ]


def test_no_more_is_kept_back_than_there_is_room_for() -> None:
    """A client that always has a command in flight does not fill the memory, and hears all."""
    one = Conversation("NOOP: {coalesce: true}")
    one.play(READY)
    reply = b"250 " + b"x" * 1000 + b"\r\n"
    one.client(b"NOOP\r\n")
    heard, most_kept = b"", 0
    for at in range(1, 2000):
        one.client(b"NOOP\r\n")
        one.upstream(reply)
        heard += one.unread(CLIENT)
        most_kept = max(most_kept, at * len(reply) - len(heard))
    assert 200_000 < most_kept < 300_000
    one.upstream(reply)
    assert heard + one.unread(CLIENT) == reply * 2000


def test_what_was_taken_is_forgotten() -> None:
    """The same is never done twice; what waited for upstream leaves in one piece, too."""
    out = Outgoing()
    out.upward += [b"MAIL FROM:<a@example.org>\r\n", b"DATA\r\n"]
    out.end([Close(UPSTREAM)])
    assert out.take() == [
        Send(UPSTREAM, b"MAIL FROM:<a@example.org>\r\nDATA\r\n"),
        Close(UPSTREAM),
    ]
    assert out.take() == []
