"""A client's connection, whose session begins once it is known who has connected."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from smtpproxy.actions import Side
from smtpproxy.net.leg import Leg
from smtpproxy.net.places import ends_of
from smtpproxy.net.session import ProxySession
from smtpproxy.place import Ends

_log = Logger()

#: Makes the session of a client.
Begin: TypeAlias = Callable[[Ends], ProxySession]


class ClientLeg(Leg):
    """The leg of a client that speaks for itself."""

    def __init__(self, begin: Begin) -> None:
        # Leg's own part follows with the session.
        self._begin = begin
        self.begun = False

    def connectionMade(self) -> None:
        """The connection stands."""
        try:
            self.arrived(ends_of(self.transport))
        except Exception:
            # Twisted would log it, and leave the connection open for ever.
            _log.failure("a session could not be made")
            self.transport.abortConnection()  # type: ignore[union-attr]

    def arrived(self, ends: Ends) -> None:
        """It is known who the client is: begin."""
        super().__init__(self._begin(ends), Side.CLIENT)
        self.begun = True
        super().connectionMade()

    def readConnectionLost(self) -> None:
        """The client will send nothing more."""
        if self.begun:
            super().readConnectionLost()
        else:
            self.transport.loseConnection()  # type: ignore[union-attr]

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        if self.begun:
            super().connectionLost(reason)
