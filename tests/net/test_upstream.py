"""An upstream behind an endpoint: what is connected to, and what is said where that fails."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import error
from twisted.internet.endpoints import clientFromString
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from smtpproxy.actions import Side
from smtpproxy.net.leg import Leg
from smtpproxy.net.session import ProxySession
from smtpproxy.net.upstream import EndpointUpstream
from smtpproxy.relay import Relay
from tests.net.sessions import Heard
from tests.net.transports import Socket


class Talk:
    """A session whose upstream leads into a reactor of the test's own."""

    def __init__(self) -> None:
        self.reactor = MemoryReactorClock()
        self.heard = Heard()
        self.gone: list[ProxySession] = []
        endpoint = clientFromString(self.reactor, "tcp:192.0.2.25:2525")
        upstream = EndpointUpstream("tcp:192.0.2.25:2525", endpoint)
        relay = Relay(self.heard, self.reactor.seconds)
        self.session = ProxySession(relay, upstream, self.reactor, self.gone.append)
        self.client = Socket()
        self.client.protocol = Leg(self.session, Side.CLIENT)
        self.client.protocol.makeConnection(self.client)  # type: ignore[no-untyped-call]

    @property
    def connecting(self) -> Any:
        """The factory of the one connection that was asked for."""
        ((_, _, factory, _, _),) = self.reactor.tcpClients
        return factory

    def fail(self, problem: Exception) -> None:
        """The connection can't be had."""
        self.connecting.clientConnectionFailed(self.reactor.connectors[0], Failure(problem))


def test_it_connects_where_it_is_told_to() -> None:
    """Each session asks for one connection, to the endpoint's host and port."""
    talk = Talk()
    ((host, port, _, timeout, _),) = talk.reactor.tcpClients
    assert (host, port) == ("192.0.2.25", 2525)
    assert timeout > 0  # it does not wait forever


def test_the_connection_becomes_the_upstream_leg() -> None:
    """What comes from there goes to the client, and the other way round."""
    talk = Talk()
    leg = talk.connecting.buildProtocol(None)
    server = Socket()
    server.protocol = leg
    leg.makeConnection(server)
    server.receive(b"220 mail.example.org\r\n")
    talk.client.receive(b"NOOP\r\n")
    assert talk.client.taken == b"220 mail.example.org\r\n"
    assert server.taken == b"NOOP\r\n"


@pytest.mark.parametrize(
    ("problem", "words"),
    [
        (error.ConnectionRefusedError(), "refused"),
        (error.TimeoutError(), "in time"),
        (error.TCPTimedOutError(), "in time"),
        (error.DNSLookupError(), "resolved"),
        (error.NoRouteError(), "no route"),
        (error.ConnectError(), "ConnectError"),
    ],
)
def test_why_it_can_not_be_reached(problem: Exception, words: str) -> None:
    """The client hears 421 and is closed, and the log is told why in plain words."""
    talk = Talk()
    talk.fail(problem)
    talk.client.flow()
    assert talk.client.taken.startswith(b"421 ")
    assert talk.client.ended == "closed"
    ((fact, detail),) = talk.heard.notes
    assert fact == "upstream-unreachable"
    assert words in detail
    assert talk.gone == [talk.session]


def test_a_client_that_leaves_ends_the_connecting() -> None:
    """Nobody waits for an upstream that nobody needs, and that is no failure."""
    talk = Talk()
    talk.client.peer_closes()
    assert talk.reactor.connectors[0].stoppedConnecting
    assert talk.heard.notes == []
    assert talk.gone == [talk.session]
