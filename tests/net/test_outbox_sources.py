"""A source's octets on their way to one side: as fast as the peer reads, and in order."""

from __future__ import annotations

import io

import pytest
from twisted.internet.task import Clock

from smtpproxy.actions import Close, Reset, SendFrom, Shape, Side
from smtpproxy.net.outbox import Outbox
from tests.net.transports import Socket

OCTETS = bytes(range(256)) * 4 * 1024  # 1 MiB


class Kept(io.BytesIO):
    """A source that knows how much was read."""

    asked = 0

    def read(self, most: int | None = -1, /) -> bytes:
        """Read, and count."""
        octets = super().read(most)
        self.asked += len(octets)
        return octets


def outbox_to(socket: Socket, clock: Clock) -> tuple[Outbox, list[bool]]:
    """Return an outbox that writes to a socket, and what it asks of who feeds it."""
    asked: list[bool] = []
    box = Outbox(clock, asked.append, lambda transport, action: None)
    box.attach(socket)
    return box, asked


def test_it_goes_piece_by_piece() -> None:
    """A peer that reads gets all of it, in many turns; what is sent behind it comes behind it."""
    socket, clock, kept = Socket(1 << 40), Clock(), Kept(OCTETS)
    box, _ = outbox_to(socket, clock)
    box.send(b"before")
    box.perform(SendFrom(Side.UPSTREAM, kept))
    box.send(b"behind")
    box.perform(Close(Side.UPSTREAM))
    assert kept.asked < len(OCTETS)
    while clock.getDelayedCalls():
        clock.advance(0)
    socket.flow()
    assert socket.taken == b"before" + OCTETS + b"behind"
    assert kept.closed
    assert box.over


def test_a_peer_that_does_not_read_stops_it() -> None:
    """No more is read of the source than the socket takes, and a little."""
    socket, clock, kept = Socket(10_000), Clock(), Kept(OCTETS)
    box, asked = outbox_to(socket, clock)
    box.perform(SendFrom(Side.UPSTREAM, kept))
    for _ in range(10):
        clock.advance(0)
    assert kept.asked <= 64 * 1024
    assert asked == [True]
    assert clock.getDelayedCalls() == []


def test_it_goes_by_a_slow_line() -> None:
    """No more is read of the source than the line takes, and all of it arrives."""
    socket, clock, kept = Socket(1 << 40), Clock(), Kept(OCTETS)
    box, asked = outbox_to(socket, clock)
    box.perform(Shape(Side.UPSTREAM, 256 * 1024, 0.2))
    box.perform(SendFrom(Side.UPSTREAM, kept))
    box.send(b"behind")
    clock.advance(1)
    assert kept.asked < len(OCTETS) / 2
    assert asked[-1]
    for _ in range(2000):
        clock.advance(0.01)
        socket.flow()
    assert socket.taken == OCTETS + b"behind"
    assert kept.closed
    assert not asked[-1]


@pytest.mark.parametrize("way", ["detached", "reset"])
def test_it_is_closed_when_nobody_wants_it(way: str) -> None:
    """A connection that is gone, or reset, leaves no file behind."""
    socket, clock, kept = Socket(10_000), Clock(), Kept(OCTETS)
    box, _ = outbox_to(socket, clock)
    box.perform(SendFrom(Side.UPSTREAM, kept))
    if way == "reset":
        box.perform(Reset(Side.UPSTREAM))
    else:
        box.detach()
    assert kept.closed
    assert clock.getDelayedCalls() == []


def test_a_source_that_fails() -> None:
    """Upstream gets no message that only looks whole: its connection is aborted."""

    class Failing(Kept):
        def read(self, most: int | None = -1, /) -> bytes:
            raise OSError("disk")

    socket, clock = Socket(10_000), Clock()
    box, _ = outbox_to(socket, clock)
    box.perform(SendFrom(Side.UPSTREAM, Failing()))
    assert socket.ended == "aborted"
