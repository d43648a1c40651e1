"""One connection of a session, as Twisted sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.actions import Side

if TYPE_CHECKING:
    from smtpproxy.net.session import ProxySession


@implementer(IHalfCloseableProtocol)
class Leg(Protocol):
    """Passes on what happens to a connection; says nothing itself."""

    def __init__(self, session: ProxySession, side: Side) -> None:
        self._session = session
        self._side = side
        self._read_ended = False
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

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        clean = self._read_ended or isinstance(reason.value, ConnectionDone)
        self._session.lost(self._side, clean, already_told=self._read_ended)
