"""An upstream behind a Twisted client endpoint."""

from __future__ import annotations

from collections.abc import Callable
from math import ceil
from typing import Any, TypeAlias

from twisted.internet import error
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    clientFromString,
    wrapClientTLS,
)
from twisted.internet.interfaces import (
    IHandshakeListener,
    IOpenSSLClientConnectionCreator,
    IReactorTime,
    IStreamClientEndpoint,
)
from twisted.internet.protocol import ClientFactory, Factory, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.actions import Side
from smtpproxy.net.endpoints import with_timeout
from smtpproxy.net.handshake import failure_words
from smtpproxy.net.leg import Leg
from smtpproxy.net.names import ip_address
from smtpproxy.net.secureplaces import KINDS, TcpPlace, secure_place
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


#: Returns what begins TLS with upstream.
BeginTls: TypeAlias = Callable[[], IOpenSSLClientConnectionCreator]


def client_endpoint(
    reactor: Any, where: str, seconds: float, begin_tls: BeginTls
) -> IStreamClientEndpoint:
    """Return the endpoint of a client endpoint string, which gets so many seconds to connect.

    `begin_tls` is asked where the string says TLS. A string that has a timeout of its own keeps it.
    Raises WhereError, what `begin_tls` does, or what Twisted does for a string that it can't read.
    """
    secure_place(where)  # while it is as it was written
    # Twisted's own timer, in whole seconds, must not be the first.
    timed = with_timeout(where, ceil(seconds) + 1)
    endpoint = _endpoint(reactor, timed, begin_tls)
    return endpoint if timed == where else _TimedEndpoint(endpoint, reactor, seconds)


def _endpoint(reactor: Any, where: str, begin_tls: BeginTls) -> IStreamClientEndpoint:
    place = secure_place(where)
    if place is None:
        twisteds: IStreamClientEndpoint = clientFromString(reactor, where)
        return twisteds
    # Twisted's `tls:` takes a trusted certificate that names nobody for that of any host, and its
    # `ssl:` takes any at all.
    bind = (place.bind, 0) if place.bind else None
    # Of an address too, a HostnameEndpoint asks a thread for each session.
    kind = {None: HostnameEndpoint, 4: TCP4ClientEndpoint, 6: TCP6ClientEndpoint}[
        _version(place.host)
    ]
    connecting = kind(reactor, place.host, place.port, place.seconds, bind)
    secure: IStreamClientEndpoint = wrapClientTLS(begin_tls(), connecting)
    return secure


def _version(host: str) -> int | None:
    """Return the IP version of an address, or None for a name."""
    address = ip_address(host)
    return None if address is None else address.version


class EndpointUpstream:
    """Opens a connection for each session."""

    def __init__(
        self, name: str, endpoint: IStreamClientEndpoint, preface: Preface | None = None
    ) -> None:
        self.name = name
        self._endpoint = endpoint
        self._preface = preface
        self._secure = name.partition(":")[0] in KINDS

    def connect(self, session: ProxySession) -> Callable[[], None]:
        """Connect; the session is told when the connection stands, or why it does not."""
        preface = self._preface(session.ends) if self._preface is not None else b""
        factory = _LegFactory(session, preface, self._secure)
        connecting = self._endpoint.connect(factory)
        connecting.addErrback(_failed, session)

        def give_up() -> None:
            connecting.cancel()
            factory.give_up()

        return give_up


class _LegFactory(Factory):
    """Makes the one leg that a connection needs."""

    noisy = False

    def __init__(self, session: ProxySession, preface: bytes, secure: bool) -> None:
        self._session = session
        self._preface = preface
        self._kind = _SecureLeg if secure else _UpstreamLeg
        self._leg: _UpstreamLeg | None = None

    def buildProtocol(self, addr: Any) -> Leg:
        """Return the leg."""
        self._leg = self._kind(self._session, self._preface)
        return self._leg

    def give_up(self) -> None:
        """The connection is not needed any more, if it does not stand yet."""
        if isinstance(self._leg, _SecureLeg):
            self._leg.give_up()


class _UpstreamLeg(Leg):
    """The leg to upstream, which may have a word to say of its own."""

    def __init__(self, session: ProxySession, preface: bytes) -> None:
        super().__init__(session, Side.UPSTREAM)
        self._preface = preface

    def connectionMade(self) -> None:
        """The connection stands."""
        self._session.attached(self._side, self.transport, self._preface)


@implementer(IHandshakeListener)
class _SecureLeg(_UpstreamLeg):
    """The leg to an upstream under TLS, which stands once upstream is known to be who it says."""

    def __init__(self, session: ProxySession, preface: bytes) -> None:
        super().__init__(session, preface)
        self._pending = True
        self._deadline: Any = None

    def connectionMade(self) -> None:
        """The handshake follows, in time."""
        abort = self.transport.abortConnection  # type: ignore[union-attr]
        self._deadline = self._session.until_handshake(abort)

    def handshakeCompleted(self) -> None:
        """The connection stands."""
        self._stop_waiting()
        super().handshakeCompleted()
        super().connectionMade()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, or never stood."""
        if not self._pending:
            super().connectionLost(reason)
            return
        self._stop_waiting()
        if self._session is not None:
            words = failure_words(reason)
            self._session.not_secured(self._side, words)
            self._session.upstream_failed(f"no TLS with upstream: {words}")

    def _stop_waiting(self) -> None:
        self._pending = False
        if self._deadline is not None and self._deadline.active():
            self._deadline.cancel()

    def give_up(self) -> None:
        """Nobody waits for the handshake."""
        if self._pending and self.transport is not None:
            self._session = None  # type: ignore[assignment]
            self.transport.abortConnection()  # type: ignore[attr-defined]


class TcpUpstream:
    """Opens a plain connection for each session, in the shortest way.

    An endpoint would put something of its own between a connection and its session, for good.
    """

    def __init__(
        self, name: str, reactor: Any, place: TcpPlace, seconds: float, preface: Preface | None
    ) -> None:
        """`seconds` to connect, where the place does not say how long itself."""
        self.name = name
        self._reactor = reactor
        self._place = place
        self._seconds = place.seconds or seconds
        self._bind = (place.bind, 0) if place.bind else None
        self._preface = preface

    def connect(self, session: ProxySession) -> Callable[[], None]:
        """Connect; the session is told when the connection stands, or why it does not."""
        preface = self._preface(session.ends) if self._preface is not None else b""
        attempt = _Attempt(session, preface)
        host, port, *_ = self._place
        connector = self._reactor.connectTCP(host, port, attempt, self._seconds, self._bind)

        def give_up() -> None:
            if attempt.pending:
                attempt.pending = False
                connector.stopConnecting()

        return give_up


class _Attempt(ClientFactory):
    """One attempt to connect. `pending`: it is not known yet how it goes, and somebody waits."""

    noisy = False

    def __init__(self, session: ProxySession, preface: bytes) -> None:
        self._session = session
        self._preface = preface
        self.pending = True

    def buildProtocol(self, addr: Any) -> Leg:
        """Return the leg."""
        self.pending = False
        return _UpstreamLeg(self._session, self._preface)

    def clientConnectionFailed(self, connector: Any, reason: Failure) -> None:
        """It does not stand, nor will it."""
        if self.pending:
            self.pending = False
            self._session.upstream_failed(unreachable(reason))


def _failed(failure: Failure, session: ProxySession) -> None:
    if isinstance(failure.value, CancelledError | error.ConnectingCancelledError):
        return
    session.upstream_failed(unreachable(failure))


def unreachable(failure: Failure) -> str:
    """Return why there is no connection to upstream, in a few words."""
    words = next((told for kind, told in _WORDS if isinstance(failure.value, kind)), "")
    return words or f"upstream can't be reached: {type(failure.value).__name__}"
