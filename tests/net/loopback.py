"""A proxy on real sockets of this machine, between a scripted client and a scripted upstream.

`relays` holds a dialogue as the RFCs print them: what one side says, the other must hear, octet for
octet. Every wait has an end.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, ParamSpec

import pytest_twisted  # type: ignore[import-untyped]
from twisted.internet import reactor as running_reactor
from twisted.internet.defer import Deferred, DeferredQueue
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import ProxySession
from smtpproxy.net.upstream import EndpointUpstream
from smtpproxy.place import Ends
from smtpproxy.relay import Relay
from smtpproxy.smtp.facts import Chunk, MailData
from tests.net.sessions import Heard

HOST = "127.0.0.1"
SECONDS = 10.0
BUFFER = 32 * 1024  # octets of a socket whose buffers the test wants small
reactor: Any = running_reactor
P = ParamSpec("P")


def in_reactor(
    test: Callable[P, Coroutine[Any, Any, None]],
) -> Callable[P, Coroutine[Any, Any, None]]:
    """Let a test run in the reactor."""
    marked: Callable[P, Coroutine[Any, Any, None]] = pytest_twisted.ensureDeferred(test)
    return marked


@implementer(IHalfCloseableProtocol)
class Peer(Protocol):
    """One end that the script speaks for. `pause`: seconds between its reads."""

    def __init__(self, stands: Callable[[Peer], object] = lambda _: None) -> None:
        self._stands = stands
        self.heard = bytearray()
        self.pause = 0.0
        self.read: Callable[[], None] = lambda: None  # called at each read
        self.ends: list[str] = []  # half-closed, closed, reset
        self._waiting: list[tuple[Callable[[], bool], Deferred[None]]] = []
        self._wire: Any = None

    def connectionMade(self) -> None:
        """Twisted: the connection stands."""
        self._wire = self.transport
        self._stands(self)

    def dataReceived(self, data: bytes) -> None:
        """Twisted: octets came."""
        self.heard += data
        self.read()
        if self.pause:
            self._wire.pauseProducing()
            reactor.callLater(self.pause, self._wire.resumeProducing)
        self._wake()

    def readConnectionLost(self) -> None:
        """Twisted: the other side will send nothing more."""
        self.ends.append("half-closed")
        self._wake()

    def writeConnectionLost(self) -> None:
        """Twisted: our half-close is done."""

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone."""
        self.ends.append("closed" if isinstance(reason.value, ConnectionDone) else "reset")
        self._wake()

    def says(self, octets: bytes) -> None:
        """Send octets."""
        self._wire.write(octets)

    async def hears(self, expected: bytes) -> None:
        """Wait for exactly these octets."""
        await self.until(lambda: len(self.heard) >= len(expected) or bool(self.ends))
        heard = bytes(self.heard[: len(expected)])
        del self.heard[: len(expected)]
        assert heard == expected

    async def hears_the_end(self, how: str) -> None:
        """Wait for the end, and for nothing else."""
        await self.until(lambda: bool(self.ends))
        assert (self.ends[0], bytes(self.heard)) == (how, b"")

    def half_closes(self) -> None:
        """Say that nothing more will come."""
        self._wire.loseWriteConnection()

    def closes(self) -> None:
        """End in order, once everything is sent."""
        self._wire.loseConnection()

    def resets(self) -> None:
        """End by TCP RST."""
        self._wire.abortConnection()

    def until(self, happened: Callable[[], bool]) -> Deferred[None]:
        """Wait until something holds that octets or ends can bring about."""
        waiting: Deferred[None] = Deferred()
        self._waiting.append((happened, waiting))
        self._wake()
        return waiting.addTimeout(SECONDS, reactor)

    def _wake(self) -> None:
        for one in [one for one in self._waiting if one[0]()]:
            self._waiting.remove(one)
            if not one[1].called:
                one[1].callback(None)


class Counting(Heard):
    """A watcher that knows how much mail data the relay has passed on."""

    passed = 0

    def mail_data(self, fact: MailData | Chunk) -> None:
        """Count."""
        self.passed += len(fact.octets)


class _Narrow(TCP4ClientEndpoint):
    """Connects by sockets that buffer little, so that pressure is felt early."""

    def connect(self, protocolFactory: Any) -> Any:
        return super().connect(protocolFactory).addCallback(self._narrowed)

    def _narrowed(self, leg: Any) -> Any:
        leg.transport.getHandle().setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, BUFFER)
        return leg


class Loopback:
    """The proxy, with everything that talks to it. Close what it opened by leaving `async with`."""

    def __init__(self, kind: str = "tcp") -> None:
        self.watchers: list[Counting] = []
        self.ends: list[Ends] = []
        self._upstreams: DeferredQueue[Peer] = DeferredQueue()
        self._peers: list[Peer] = []
        self._port: Any = None
        self._upstream: Any = None
        where = f"{kind}:0:interface=127.0.0.1"
        self.service = ProxyService(reactor, [where], self._session, drain=SECONDS)

    async def __aenter__(self) -> Loopback:
        factory = Factory.forProtocol(Peer)
        factory.buildProtocol = self._accept  # type: ignore[method-assign, assignment]
        self._port = await TCP4ServerEndpoint(reactor, 0, interface=HOST).listen(factory)
        self._port.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER)
        endpoint = _Narrow(reactor, HOST, self._port.getHost().port)
        self._upstream = EndpointUpstream("upstream", endpoint)
        self.service.startService()
        (place,) = await self.service.listening
        self.port = int(place.rpartition(":")[2])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for peer in self._peers:
            if not {"closed", "reset"} & set(peer.ends):
                peer.resets()
        await self.stop_upstream()
        await self.service.stop().addTimeout(SECONDS, reactor)

    async def connect(self) -> Peer:
        """Connect a client to the proxy."""
        factory = Factory.forProtocol(Peer)
        client: Any = await TCP4ClientEndpoint(reactor, HOST, self.port).connect(factory)
        self._peers.append(client)
        peer: Peer = client
        return peer

    async def pair(self) -> tuple[Peer, Peer]:
        """Connect a client; return it, and upstream's end of its session."""
        client = await self.connect()
        return client, await self.accepted()

    async def accepted(self) -> Peer:
        """Return upstream's end of the next session that has asked for it."""
        return await self._upstreams.get().addTimeout(SECONDS, reactor)

    async def stop_upstream(self) -> None:
        """Let upstream's port refuse connections."""
        port, self._port = self._port, None
        if port is not None:
            await port.stopListening()

    def _accept(self, address: object) -> Peer:
        peer = Peer(self._upstreams.put)
        self._peers.append(peer)
        return peer

    def _session(self, ends: Ends, gone: Callable[[ProxySession], None]) -> ProxySession:
        self.ends.append(ends)
        self.watchers.append(Counting())
        relay = Relay(self.watchers[-1], reactor.seconds)
        return ProxySession(relay, self._upstream, reactor, gone, ends)


async def relays(client: Peer, upstream: Peer, dialogue: str) -> None:
    """Hold a dialogue through the proxy: `C:` from client to upstream, `S:` the other way."""
    for line in filter(None, map(str.strip, dialogue.splitlines())):
        who, text = line[:2], line[3:].encode() + b"\r\n"
        says, hears = (client, upstream) if who == "C:" else (upstream, client)
        says.says(text)
        await hears.hears(text)
