"""An upstream behind a Twisted client endpoint."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, TypeAlias

from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import clientFromString
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.actions import Side
from smtpproxy.net.endpoints import with_timeout
from smtpproxy.net.leg import Leg
from smtpproxy.net.session import ProxySession
from smtpproxy.place import Ends

_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (error.ConnectionRefusedError, "upstream refused the connection"),
    (error.TimeoutError, "upstream did not answer in time"),
    (error.TCPTimedOutError, "upstream did not answer in time"),
    (error.DNSLookupError, "the name of upstream can't be resolved"),
    (error.NoRouteError, "no route to upstream"),
)


#: Returns what goes out before anything else, from both ends of the client's connection.
Preface: TypeAlias = Callable[[Ends], bytes]


@implementer(IStreamClientEndpoint)
class _TimedEndpoint:
    """An endpoint whose connections take no longer than so many seconds, in all."""

    def __init__(self, endpoint: IStreamClientEndpoint, clock: IReactorTime, seconds: float):
        self._endpoint = endpoint
        self._clock = clock
        self._seconds = seconds

    def connect(self, protocolFactory: Any) -> Deferred[Any]:
        """Connect, or fail in time."""
        connecting: Deferred[Any] = self._endpoint.connect(protocolFactory)
        return connecting.addTimeout(self._seconds, self._clock, _timed_out)


def _timed_out(outcome: Any, seconds: float) -> Failure:
    # Twisted's own way does not know what a connection fails with that it has cancelled.
    return Failure(error.TimeoutError())


def client_endpoint(reactor: Any, where: str, seconds: float) -> IStreamClientEndpoint:
    """Return the endpoint of a client endpoint string, which gets so many seconds to connect.

    A string that has a timeout of its own keeps it. Raises what Twisted does for a string that it
    can't read.
    """
    # Twisted's own timer, in whole seconds, must not be the first.
    timed = with_timeout(where, ceil(seconds) + 1)
    endpoint = clientFromString(reactor, timed)
    return endpoint if timed == where else _TimedEndpoint(endpoint, reactor, seconds)


class EndpointUpstream:
    """Opens a connection for each session."""

    def __init__(
        self, name: str, endpoint: IStreamClientEndpoint, preface: Preface | None = None
    ) -> None:
        self.name = name
        self._endpoint = endpoint
        self._preface = preface

    def connect(self, session: ProxySession) -> Callable[[], None]:
        """Connect; the session is told when the connection stands, or why it does not."""
        preface = self._preface(session.ends) if self._preface is not None else b""
        connecting = self._endpoint.connect(_LegFactory(session, preface))
        connecting.addErrback(_failed, session)
        return connecting.cancel


class _LegFactory(Factory):
    """Makes the one leg that a connection needs."""

    noisy = False

    def __init__(self, session: ProxySession, preface: bytes) -> None:
        self._session = session
        self._preface = preface

    def buildProtocol(self, addr: Any) -> Leg:
        """Return the leg."""
        return _UpstreamLeg(self._session, self._preface)


class _UpstreamLeg(Leg):
    """The leg to upstream, which may have a word to say of its own."""

    def __init__(self, session: ProxySession, preface: bytes) -> None:
        super().__init__(session, Side.UPSTREAM)
        self._preface = preface

    def connectionMade(self) -> None:
        """The connection stands."""
        self._session.attached(self._side, self.transport, self._preface)


def _failed(failure: Failure, session: ProxySession) -> None:
    if isinstance(failure.value, CancelledError | error.ConnectingCancelledError):
        return
    words = next((told for kind, told in _WORDS if isinstance(failure.value, kind)), "")
    session.upstream_failed(words or f"upstream can't be reached: {type(failure.value).__name__}")
