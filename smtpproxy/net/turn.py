"""What goes out at the end of a turn of the reactor, in one go.

A turn reads from many connections. Who is written to at once wakes up at once, and again for each
of them, which costs more than the writing: most of all where the peer is a process on the same
machine. Owns the list of those who wait for the turn's end, and knows nothing of octets.
"""

from __future__ import annotations

from collections import deque
from typing import Protocol

from twisted.internet.interfaces import IReactorTime


class Waiting(Protocol):
    """Who has something to send at the end of the turn."""

    def flush(self) -> None:
        """Send it."""


class Turn:
    """The turns of one reactor."""

    __slots__ = ("_clock", "_waiting")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._waiting: deque[Waiting] = deque()

    def at_end(self, waiting: Waiting) -> None:
        """Let it flush once all that can be read by now has been read."""
        if not self._waiting:
            self._clock.callLater(0, self._end)
        self._waiting.append(waiting)

    def _end(self) -> None:
        waiting = self._waiting
        # What is added meanwhile waits for its own turn's end.
        count = len(waiting)
        try:
            while count:
                count -= 1
                waiting[0].flush()
                waiting.popleft()
        except BaseException:
            waiting.popleft()  # a mistake with one of them is not to stop the others
            raise
        finally:
            if waiting:
                self._clock.callLater(0, self._end)
