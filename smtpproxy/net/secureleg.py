"""A client's connection under TLS from its first octet on (RFC 8314 §3.3).

No session begins before the handshake is over: until then nobody could be greeted.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IHandshakeListener, IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.actions import Side
from smtpproxy.net.clientleg import Begin
from smtpproxy.net.handshake import BROKEN_OFF, failure_words
from smtpproxy.net.places import place_of
from smtpproxy.net.session import ProxySession
from smtpproxy.net.waitingleg import WaitingLeg
from smtpproxy.place import Ends
from smtpproxy.smtp.limits import DEFAULT_LIMITS


@implementer(IHandshakeListener)
class SecureLeg(WaitingLeg):
    """The leg of a client whose handshake comes first.

    It is in `waiting` meanwhile, for so many `seconds` at the most (0: for ever); `refuse` is told
    with whom there is no TLS, and why.
    """

    def __init__(
        self,
        begin: Begin,
        clock: IReactorTime,
        waiting: set[WaitingLeg],
        refuse: Callable[[str, str], None],
        seconds: float = DEFAULT_LIMITS.handshake_timeout,
    ) -> None:
        super().__init__(self._secured, clock, waiting)
        self._begin_session = begin
        self._refuse = refuse
        self._seconds = seconds
        self._given_up = False
        self._who = ""  # a connection that is gone can't tell any more

    def connectionMade(self) -> None:
        """The connection stands: wait for its handshake."""
        self._who = str(place_of(self.transport.getPeer()))  # type: ignore[union-attr]
        self.wait(self._seconds)

    def handshakeCompleted(self) -> None:
        """The connection is encrypted: begin."""
        self.stop_waiting()
        if not self._given_up:
            super().connectionMade()
            self._secure = True

    def waited(self) -> None:
        """The handshake is not over in time."""
        self._refuse(self._who, f"the handshake was not over in {self._seconds:g} s")
        self.abort()

    def abort(self) -> None:
        """End the connection now, which nobody else needs to be told."""
        self._given_up = True
        super().abort()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, or never stood."""
        self.stop_waiting()
        if not self.begun and not self._given_up:
            why = failure_words(reason)
            if why != BROKEN_OFF or _has_begun(self.transport):
                self._refuse(self._who, why)
        super().connectionLost(reason)

    def _secured(self, ends: Ends) -> ProxySession:
        session = self._begin_session(ends)
        session.secured(Side.CLIENT, self.transport)
        return session


class SecureFactory(TLSMemoryBIOFactory):
    """Puts TLS beneath each leg; a connection for which there is none is closed."""

    def buildProtocol(self, addr: Any) -> Any:
        """Return TLS with a leg, or None."""
        leg = self.wrappedFactory.buildProtocol(addr)
        return None if leg is None else self.protocol(self, leg)


def _has_begun(transport: Any) -> bool:
    """Has a client said hello? Who only looks in has not."""
    return transport.getHandle().client_random() is not None
