"""An upstream behind a Twisted client endpoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet import error
from twisted.internet.defer import CancelledError
from twisted.internet.interfaces import IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure

from smtpproxy.actions import Side
from smtpproxy.net.leg import Leg
from smtpproxy.net.session import ProxySession

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (error.ConnectionRefusedError, "upstream refused the connection"),
    (error.TimeoutError, "upstream did not answer in time"),
    (error.TCPTimedOutError, "upstream did not answer in time"),
    (error.DNSLookupError, "the name of upstream can't be resolved"),
    (error.NoRouteError, "no route to upstream"),
)


class EndpointUpstream:
    """Opens a connection for each session."""

    def __init__(self, name: str, endpoint: IStreamClientEndpoint) -> None:
        self.name = name
        self._endpoint = endpoint

    def connect(self, session: ProxySession) -> Callable[[], None]:
        """Connect; the session is told when the connection stands, or why it does not."""
        connecting = self._endpoint.connect(_LegFactory(session))
        connecting.addErrback(_failed, session)
        return connecting.cancel


class _LegFactory(Factory):
    """Makes the one leg that a connection needs."""

    noisy = False

    def __init__(self, session: ProxySession) -> None:
        self._session = session

    def buildProtocol(self, addr: Any) -> Leg:
        """Return the leg."""
        return Leg(self._session, Side.UPSTREAM)


def _failed(failure: Failure, session: ProxySession) -> None:
    if isinstance(failure.value, CancelledError | error.ConnectingCancelledError):
        return
    words = next((told for kind, told in _WORDS if isinstance(failure.value, kind)), "")
    session.upstream_failed(words or f"upstream can't be reached: {type(failure.value).__name__}")
