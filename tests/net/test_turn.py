"""What goes out at the end of a turn of the reactor."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from twisted.internet.task import Clock

from smtpproxy.actions import Close, HalfClose, Reset, Side, Wait
from smtpproxy.net.outbox import Outbox
from smtpproxy.net.turn import Turn
from tests.net.transports import Socket


class Sender:
    """An outbox that waits for the end of a turn, on a socket."""

    def __init__(self, turn: Turn, clock: Clock) -> None:
        self.told: list[bool] = []
        self.socket = Socket()
        self.outbox = Outbox(clock, self.told.append, lambda transport, action: None, turn)
        self.outbox.attach(self.socket)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands for the reactor: `advance(0)` ends its turn."""
    return Clock()


@pytest.fixture
def turn(clock: Clock) -> Turn:
    """The turns of that reactor."""
    return Turn(clock)


def test_goes_out_at_the_end_in_one_piece(turn: Turn, clock: Clock) -> None:
    """What is sent in one turn waits for its end, and is one write."""
    sender = Sender(turn, clock)
    sender.outbox.send(b"250 one\r\n")
    sender.outbox.send(b"250 two\r\n")
    assert sender.socket.taken == b""
    clock.advance(0)
    assert sender.socket.taken == b"250 one\r\n250 two\r\n"
    assert sender.socket.waiting == 0
    assert not clock.getDelayedCalls()


def test_no_more_than_some_are_gathered(turn: Turn, clock: Clock) -> None:
    """Who sends very many pieces in one turn is not kept waiting with all of them."""
    sender = Sender(turn, clock)
    for _ in range(1000):
        sender.outbox.send(b"250 ok\r\n")
    assert len(sender.socket.taken) >= 900 * len(b"250 ok\r\n")
    clock.advance(0)
    assert sender.socket.taken == b"250 ok\r\n" * 1000


def test_one_timer_for_all(turn: Turn, clock: Clock) -> None:
    """However many connections are written to, the reactor is asked once a turn."""
    senders = [Sender(turn, clock) for _ in range(20)]
    for sender in senders:
        sender.outbox.send(b"250 ok\r\n")
    assert len(clock.getDelayedCalls()) == 1
    clock.advance(0)
    assert {sender.socket.taken for sender in senders} == {b"250 ok\r\n"}


@pytest.mark.parametrize(
    ("action", "ended"),
    [
        (Close(Side.CLIENT), "closed"),
        (HalfClose(Side.CLIENT), "half-closed"),
        (Reset(Side.CLIENT), "aborted"),
    ],
)
def test_goes_out_before_an_end(
    turn: Turn, clock: Clock, action: Close | HalfClose | Reset, ended: str
) -> None:
    """What was sent before the connection ends is written before it ends."""
    sender = Sender(turn, clock)
    sender.outbox.send(b"221 bye\r\n")
    sender.outbox.perform(action)
    sender.socket.flow()
    assert sender.socket.taken == b"221 bye\r\n"
    assert sender.socket.ended == ended
    clock.advance(0)
    assert sender.socket.taken == b"221 bye\r\n"


def test_goes_out_before_a_wait(turn: Turn, clock: Clock) -> None:
    """A wait holds back what is sent behind it, and nothing before it."""
    sender = Sender(turn, clock)
    sender.outbox.send(b"250 at once\r\n")
    sender.outbox.perform(Wait(Side.CLIENT, 5.0))
    sender.outbox.send(b"250 late\r\n")
    clock.advance(0)
    assert sender.socket.taken == b"250 at once\r\n"
    clock.advance(5.0)
    assert sender.socket.taken == b"250 at once\r\n250 late\r\n"


def test_a_full_socket_stops_the_feeder(turn: Turn, clock: Clock) -> None:
    """What the socket does not take waits in order, and the feeder is told."""
    sender = Sender(turn, clock)
    sender.socket.room = 3
    sender.outbox.send(b"250 one\r\n")
    clock.advance(0)
    assert sender.told == [True]
    sender.outbox.send(b"250 two\r\n")
    sender.socket.flow()
    clock.advance(0)
    assert sender.socket.taken == b"250 one\r\n250 two\r\n"
    assert sender.told == [True, False]


def test_nothing_goes_to_who_has_left(turn: Turn, clock: Clock) -> None:
    """A connection that is gone by the end of the turn is not written to."""
    sender = Sender(turn, clock)
    sender.outbox.send(b"250 ok\r\n")
    sender.outbox.detach()
    clock.advance(0)
    assert sender.socket.taken == b""


def test_a_mistake_stops_nobody_else(turn: Turn, clock: Clock) -> None:
    """Where one of them raises, the others go out all the same."""

    class Broken:
        def flush(self) -> None:
            raise RuntimeError("a mistake of ours")

    sender = Sender(turn, clock)
    turn.at_end(Broken())
    sender.outbox.send(b"250 ok\r\n")
    with pytest.raises(RuntimeError, match="of ours"):
        clock.advance(0)
    clock.advance(0)
    assert sender.socket.taken == b"250 ok\r\n"


def test_who_comes_meanwhile_waits_for_the_next() -> None:
    """What is added while a turn ends goes out at the end of the next."""
    flushed: list[str] = []
    calls: list[Callable[[], None]] = []
    reactor: Any = SimpleNamespace(callLater=lambda seconds, call: calls.append(call))
    turn = Turn(reactor)

    class Second:
        def flush(self) -> None:
            flushed.append("second")

    class First:
        def flush(self) -> None:
            flushed.append("first")
            turn.at_end(Second())

    turn.at_end(First())
    calls.pop()()
    assert flushed == ["first"]
    calls.pop()()
    assert flushed == ["first", "second"]
    assert not calls
