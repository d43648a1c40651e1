"""A slow line to one side: how long octets are under way, and how many go in a second.

Owns what is under way, and the timer of what arrives next: each piece in a turn of the reactor of
its own, by a token bucket that the clock fills. Knows no transport: what arrives is handed over,
and whoever takes it says when it has no more room.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime

from smtpproxy.actions import Action, Shape, StartTls

#: Octets under way above which whoever sends them is to stop, and below which it may go on.
MOST, FEW = 64 * 1024, 32 * 1024
#: Parts that they were sent in: a peer chooses their size.
_MOST_PARTS = 1024
#: Seconds that the line takes for a piece, and that it makes up for where the clock was late.
TICK = 0.05
#: Octets of a piece.
_LARGEST = 16 * 1024


class Line:
    """What is under way to one side, in order: octets, and what is to be done behind them."""

    __slots__ = (
        *("_arrive", "_arriving", "_clock", "_free", "_held", "_over", "_parts", "_paused"),
        *("_piece", "_timer", "crowded", "shape"),
    )

    def __init__(
        self, clock: IReactorTime, shape: Shape, arrive: Callable[[bytes | Action], None]
    ) -> None:
        """`arrive` takes each piece, and each action, at the end of the line."""
        self._clock = clock
        self._arrive = arrive
        self.shape = shape
        self._parts: deque[tuple[float, bytearray | Action]] = deque()  # and when they arrive
        self._held = 0  # octets under way
        self._free = 0.0  # when the line was through with the last piece
        self._piece = 0  # octets that it is busy with
        self._timer: Any = None
        self._arriving = False  # a piece is being handed over
        self._paused = False
        self._over = False
        self.crowded = False  # is nothing more to be sent for now?

    @property
    def waits(self) -> bool:
        """Is something under way that whoever takes it would take?"""
        return self._timer is not None and not self._paused

    @property
    def seconds_left(self) -> float:
        """How long does it take for what is under way, at the most?"""
        rate = self.shape.octets_per_second
        return self.shape.latency_seconds + (self._held / rate if rate else 0.0)

    def add(self, shape: Shape) -> None:
        """Put another line behind this one: the slower one tells, and both take their time."""
        rates = [one.octets_per_second for one in (self.shape, shape) if one.octets_per_second]
        latency = self.shape.latency_seconds + shape.latency_seconds
        self.shape = Shape(shape.side, min(rates, default=0), latency)

    def send(self, octets: bytes) -> None:
        """Let octets go."""
        if self._over or not octets:
            return
        parts, due = self._parts, self._clock.seconds() + self.shape.latency_seconds
        last = parts[-1] if parts else None
        # One that has too many parts already was stopped, and has little more to send.
        if (
            last is not None
            and isinstance(last[1], bytearray)
            and (last[0] == due or len(parts) >= _MOST_PARTS)
        ):
            last[1].extend(octets)
        else:
            parts.append((due, bytearray(octets)))
        self._held += len(octets)
        if self._held > MOST or len(parts) >= _MOST_PARTS:
            self.crowded = True
        self._go_on()

    def put(self, action: Action) -> None:
        """Let something be done behind all that was sent before."""
        if self._over:
            return
        due = self._clock.seconds() + self.shape.latency_seconds
        if isinstance(action, StartTls) and self._parts:
            due = self._parts[-1][0]  # no turn is between it and the 220: a hello may be that quick
        self._parts.append((due, action))
        self._go_on()

    def pause(self) -> None:
        """Nothing more can be taken."""
        self._paused = True

    def resume(self) -> None:
        """It can again."""
        self._paused = False
        self._go_on()

    def stop(self) -> None:
        """Nothing will be taken any more."""
        self._over = True
        self._parts.clear()
        self._held = 0
        self.crowded = False
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _go_on(self) -> None:
        """Wait for what arrives next."""
        if self._timer is not None or self._arriving or self._paused or not self._parts:
            return
        now, rate = self._clock.seconds(), self.shape.octets_per_second
        begin = max(self._free, self._parts[0][0], now - TICK)
        self._piece = self._octets_by(begin)
        self._free = begin + (self._piece / rate if rate else 0.0)
        self._timer = self._clock.callLater(max(0.0, self._free - now), self._arrived)

    def _octets_by(self, begin: float) -> int:
        """Return how many octets the next piece has, of those that are there by then."""
        rate = self.shape.octets_per_second
        most = min(_LARGEST, max(1, int(rate * TICK))) if rate else _LARGEST
        found = 0
        for due, part in self._parts:
            if due > begin or found >= most or not isinstance(part, bytearray):
                break
            found += len(part)
        return min(found, most)

    def _arrived(self) -> None:
        self._timer = None
        if self._paused:
            # It is taken first when there is room again, and is through by then.
            rate = self.shape.octets_per_second
            self._free -= self._piece / rate if rate else 0.0
            return
        self._arriving = True
        try:
            self._hand_over()
        finally:
            self._arriving = False
            self._go_on()

    def _hand_over(self) -> None:
        """Hand over the piece, and what is to be done right behind it."""
        if self._piece:
            self._arrive(self._take(self._piece))
        while self._parts and not self._paused:
            due, part = self._parts[0]
            if due > self._free or isinstance(part, bytearray):
                break
            self._parts.popleft()
            self._arrive(part)

    def _take(self, count: int) -> bytes:
        parts, taken = self._parts, bytearray()
        while len(taken) < count:
            octets = parts[0][1]
            assert isinstance(octets, bytearray)
            missing = count - len(taken)
            taken += octets[:missing]
            del octets[:missing]
            if not octets:
                parts.popleft()
        self._held -= count
        if self._held <= FEW and len(parts) <= _MOST_PARTS // 2:
            self.crowded = False
        return bytes(taken)
