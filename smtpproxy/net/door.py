"""A place where the proxy listens: opened, closed for a time, and opened again at the same port.

Owns one listening port. What comes in by it is the affair of its factory.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IListeningPort
from twisted.internet.protocol import Factory

#: Seconds until it is tried again to listen where somebody else took the port meanwhile.
AGAIN = 1.0
#: Kinds of endpoints whose port can be listened at again. systemd's socket is never ours to close.
_AGAIN = frozenset({"tcp", "tcp6", "ssl"})


class Door:
    """One place. `complain` is told, once, that it can't be opened again."""

    def __init__(self, reactor: Any, where: str, complain: Callable[[str], None]) -> None:
        self._reactor = reactor
        self._where = where
        self._complain = complain
        self._port: Any = None  # that listens, or did before it was closed for a time
        self._closed: Deferred[None] = succeed(None)
        self._shut: Any = None  # the timer until it opens again
        self._over = False

    @property
    def address(self) -> Any:
        """Where it listens."""
        return self._port.getHost()

    def open(self, factory: Factory[Any]) -> Deferred[Any]:
        """Listen; the result is this door, or why that is not possible."""
        opening: Deferred[Any] = serverFromString(self._reactor, self._where).listen(factory)
        return opening.addCallback(self._opened)

    def _opened(self, port: IListeningPort) -> Door:
        self._port = port
        return self

    def close_for(self, seconds: float) -> None:
        """Let nobody connect for so long, if this is a port that can be listened at again."""
        port = self._port
        again = self._where.partition(":")[0] in _AGAIN
        if self._over or self._shut is not None or not again:
            return
        number = port.getHost().port  # another one than was asked for, if that was 0
        self._closed = port.stopListening() or succeed(None)
        self._shut = self._reactor.callLater(seconds, self._reopen, number)

    def _reopen(self, number: int, told: bool = False) -> None:
        old = self._port
        try:
            self._port = self._reactor.listenTCP(
                number, old.factory, backlog=old.backlog, interface=old.interface
            )
            self._shut = None
        except CannotListenError as error:
            if not told:
                self._complain(f"can't listen again: {error}")
            self._shut = self._reactor.callLater(AGAIN, self._reopen, number, True)

    def stop(self) -> Deferred[None]:
        """Listen no more."""
        self._over = True
        if self._shut is not None:
            self._shut.cancel()
            self._shut = None
        elif self._port is not None:
            self._closed = self._port.stopListening() or succeed(None)
        return self._closed
