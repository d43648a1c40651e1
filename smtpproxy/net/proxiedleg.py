"""A client's connection behind another proxy, which says in a PROXY header who the client is.

Nothing is said and no session begins before that header was read: only then it is known whose
session it is. (Twisted's own wrapper lets its protocol begin before.)
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import connectionDone
from twisted.python.failure import Failure

from smtpproxy.net.clientleg import Begin
from smtpproxy.net.places import ends_of
from smtpproxy.net.proxyprotocol import HeaderError, HeaderReader
from smtpproxy.net.waitingleg import WaitingLeg

#: Seconds until the header must be there.
HEADER_SECONDS = 60.0


class ProxiedLeg(WaitingLeg):
    """The leg of a client that another speaks for first.

    It is in `waiting` while its header is not there; `refuse` is told why it never will be.
    """

    def __init__(
        self,
        begin: Begin,
        clock: IReactorTime,
        waiting: set[WaitingLeg],
        refuse: Callable[[str], None],
    ) -> None:
        super().__init__(begin, clock, waiting)
        self._refuse = refuse
        self._reader = HeaderReader()

    def connectionMade(self) -> None:
        """The connection stands: wait for its header."""
        self.wait(HEADER_SECONDS)

    def waited(self) -> None:
        """The header has not come in time."""
        self._drop("no PROXY header")

    def dataReceived(self, data: bytes) -> None:
        """Octets of the header came; those behind it go the session's way."""
        try:
            header = self._reader.feed(data)
        except HeaderError as error:
            self._drop(str(error))
            return
        if header is not None:
            self.stop_waiting()
            self.arrived(header.ends or ends_of(self.transport))
            if header.rest:
                self.dataReceived(header.rest)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self.stop_waiting()
        super().connectionLost(reason)

    def _drop(self, why: str) -> None:
        self._refuse(f"{ends_of(self.transport).source} sent {why}")
        self.abort()
