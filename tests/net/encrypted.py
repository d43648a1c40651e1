"""Real handshakes on this machine: one end is Twisted's, as the proxy's legs are, one is Python's.

Twisted's end goes over to TLS in the midst of its connection, as behind STARTTLS.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cryptography import x509
from twisted.internet import reactor as running_reactor
from twisted.internet.defer import Deferred
from twisted.internet.endpoints import TCP4ClientEndpoint, TCP4ServerEndpoint
from twisted.internet.interfaces import IHandshakeListener
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.threads import deferToThread
from twisted.python.failure import Failure
from zope.interface import implementer

from smtpproxy.net.handshake import facts_of, failure_words
from smtpproxy.tlsfacts import TlsFacts

HOST = "127.0.0.1"
SECONDS = 10.0
reactor: Any = running_reactor


@implementer(IHandshakeListener)
class _Leg(Protocol):
    """Goes over to TLS; `outcome` fires with what is known then, or with why it failed."""

    def __init__(self, context: Any) -> None:
        self._context = context
        self.outcome: Deferred[TlsFacts | str] = Deferred()

    def connectionMade(self) -> None:
        """Twisted: the connection stands."""
        transport: Any = self.transport
        transport.startTLS(self._context)

    def handshakeCompleted(self) -> None:
        """Twisted: the connection is encrypted."""
        transport: Any = self.transport
        self._tell(facts_of(transport))
        transport.write(b"220 ready\r\n")
        transport.loseConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Twisted: the connection is gone."""
        self._tell(failure_words(reason))

    def _tell(self, outcome: TlsFacts | str) -> None:
        if not self.outcome.called:
            self.outcome.callback(outcome)


class _One(Factory[Any]):
    """Makes the one leg that is there."""

    noisy = False

    def __init__(self, leg: _Leg) -> None:
        self._leg = leg

    def buildProtocol(self, addr: Any) -> _Leg:
        """Return it."""
        return self._leg


async def accepted(
    context: Any, client: Callable[[socket.socket], Any]
) -> tuple[TlsFacts | str, Any]:
    """Let a client connect, in a thread; return how it went for our end, and what it returned."""
    leg = _Leg(context)
    port = await TCP4ServerEndpoint(reactor, 0, interface=HOST).listen(_One(leg))

    def connect() -> Any:
        with socket.create_connection((HOST, port.getHost().port), SECONDS) as connection:
            return client(connection)

    try:
        theirs = await deferToThread(connect)
        return await leg.outcome.addTimeout(SECONDS, reactor), theirs
    finally:
        await port.stopListening()


async def connected(
    context: Any, server: Callable[[socket.socket], Any]
) -> tuple[TlsFacts | str, Any]:
    """Connect to a server, in a thread; return how it went for our end, and what it returned."""
    leg = _Leg(context)
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(SECONDS)
        port = listening.getsockname()[1]

        def accept() -> Any:
            connection, _ = listening.accept()
            with connection:
                connection.settimeout(SECONDS)
                return server(connection)

        theirs = deferToThread(accept)
        await TCP4ClientEndpoint(reactor, HOST, port).connect(_One(leg))
        return await leg.outcome.addTimeout(SECONDS, reactor), await theirs


def trusting(ca: Path, name: str | None, **limits: Any) -> Callable[[socket.socket], Any]:
    """A client that trusts this file alone, and asks for a name; it returns the certificate.

    Where the handshake fails it returns why. `name` None: it takes all, and asks for no name.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    if name is None:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    for limit, value in limits.items():
        setattr(context, limit, value)

    def client(connection: socket.socket) -> Any:
        try:
            with context.wrap_socket(connection, server_hostname=name) as encrypted:
                assert encrypted.recv(4096) == b"220 ready\r\n"
                return x509.load_der_x509_certificate(encrypted.getpeercert(True) or b"")
        except (ssl.SSLError, ConnectionError) as error:
            return str(error)

    return client


def showing(identity: Path, **limits: Any) -> Callable[[socket.socket], Any]:
    """A server that shows a certificate; it returns the name it was asked for, or why it failed."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(identity)
    asked: list[str | None] = []
    context.sni_callback = lambda _, name, __: asked.append(name)
    for limit, value in limits.items():
        setattr(context, limit, value)

    def server(connection: socket.socket) -> Any:
        try:
            with context.wrap_socket(connection, server_side=True) as encrypted:
                if encrypted.recv(4096) != b"220 ready\r\n":
                    return "nothing came"
                return asked[0]
        except (ssl.SSLError, ConnectionError) as error:
            return str(error)

    return server
