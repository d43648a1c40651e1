"""One connection of a session, as Twisted sees it, in plain text or encrypted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol, IHandshakeListener
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.actions import Side
from smtpproxy.net.handshake import failure_words

if TYPE_CHECKING:
    from smtpproxy.net.session import ProxySession


@implementer(IHalfCloseableProtocol, IHandshakeListener)
class Leg(Protocol):
    """Passes on what happens to a connection; says nothing itself."""

    def __init__(self, session: ProxySession, side: Side) -> None:
        self._session = session
        self._side = side
        self._read_ended = False
        self._secure = False  # its handshake is over
        # One call less for each segment.
        self.dataReceived = session.reader(side)  # type: ignore[assignment, method-assign]

    def connectionMade(self) -> None:
        """The connection stands."""
        self._session.attached(self._side, self.transport)

    def readConnectionLost(self) -> None:
        """The peer will send nothing more."""
        self._read_ended = True
        self._session.peer_ended(self._side, clean=True)

    def writeConnectionLost(self) -> None:
        """What was to be sent is sent; the other half lives on."""

    def handshakeCompleted(self) -> None:
        """The connection is encrypted from here on."""
        self._secure = True
        self._session.secured(self._side, self.transport)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        if not self._secure and getattr(self.transport, "TLS", False):
            self._session.not_secured(self._side, failure_words(reason))
            return
        clean = self._read_ended or isinstance(reason.value, ConnectionDone)
        words = "" if clean or not self._secure else _how_it_broke(reason)
        self._session.lost(self._side, clean, self._read_ended, words)


def _how_it_broke(reason: Failure) -> str:
    """Return how an encrypted connection ended that was not closed in order."""
    if isinstance(reason.value, ConnectionLost | ConnectionAborted):
        return "closed without close_notify"  # RFC 5246 §7.2.1: it may have been cut short
    return failure_words(reason)
