"""A client's connection that something must precede before its session begins, in limited time."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime

from smtpproxy.net.clientleg import Begin, ClientLeg


class WaitingLeg(ClientLeg):
    """The leg of a client that is in `waiting` until its session can begin."""

    def __init__(self, begin: Begin, clock: IReactorTime, waiting: set[WaitingLeg]) -> None:
        super().__init__(begin)
        self._clock = clock
        self._waiting = waiting
        self._deadline: Any = None

    def wait(self, seconds: float) -> None:
        """Wait, but no longer than that; 0: for ever."""
        self._waiting.add(self)
        if seconds:
            self._deadline = self._clock.callLater(seconds, self.waited)

    def waited(self) -> None:
        """What is to precede has not come in time."""
        self.abort()

    def stop_waiting(self) -> None:
        """Whatever comes, it is not waited for any more."""
        self._waiting.discard(self)
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def abort(self) -> None:
        """End the connection now."""
        self.transport.abortConnection()  # type: ignore[union-attr]
