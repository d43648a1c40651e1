"""An upstream behind an endpoint: what is connected to, and what is said where that fails."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import error
from twisted.internet.testing import MemoryReactorClock
from twisted.python.failure import Failure

from smtpproxy.actions import Side
from smtpproxy.net.leg import Leg
from smtpproxy.net.secureplaces import plain_place
from smtpproxy.net.security import Security
from smtpproxy.net.session import ProxySession
from smtpproxy.net.upstream import EndpointUpstream, TcpUpstream, client_endpoint
from smtpproxy.relay import Relay
from tests.net.sessions import Heard
from tests.net.transports import Socket

#: By an endpoint, and in the shortest way.
BOTH_WAYS = pytest.mark.parametrize("direct", [False, True])


class Talk:
    """A session whose upstream leads into a reactor of the test's own."""

    def __init__(
        self, where: str = "tcp:192.0.2.25:2525", seconds: float = 30.0, direct: bool = False
    ) -> None:
        self.reactor = MemoryReactorClock()
        self.heard = Heard()
        self.gone: list[ProxySession] = []
        place = plain_place(where) if direct else None
        upstream = (
            TcpUpstream(where, self.reactor, place, seconds, None)
            if place is not None
            else EndpointUpstream(
                where, client_endpoint(self.reactor, where, seconds, Security().client)
            )
        )
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


@BOTH_WAYS
def test_it_connects_where_it_is_told_to(direct: bool) -> None:
    """Each session asks for one connection, to the endpoint's host and port."""
    talk = Talk(direct=direct)
    ((host, port, *_),) = talk.reactor.tcpClients
    assert (host, port) == ("192.0.2.25", 2525)


@pytest.mark.parametrize("seconds", [0.5, 30.0, 300.0])
def test_an_upstream_that_does_not_answer(seconds: float) -> None:
    """After the time that is allowed the client hears 421, and nobody goes on connecting."""
    talk = Talk(seconds=seconds)
    ((*_, timeout, _),) = talk.reactor.tcpClients
    assert timeout > seconds  # Twisted's own timer is not the first
    talk.reactor.advance(seconds - 0.1)
    assert talk.client.taken == b""
    talk.reactor.advance(0.1)
    talk.client.flow()
    assert talk.client.taken.startswith(b"421 ")
    assert talk.reactor.connectors[0].stoppedConnecting
    assert talk.heard.notes == [("upstream-unreachable", "upstream did not answer in time")]
    assert talk.gone == [talk.session]


@pytest.mark.parametrize(
    ("where", "seconds"), [("tcp:192.0.2.25:25", 0.5), ("tcp:192.0.2.25:25:timeout=90", 90)]
)
def test_how_long_a_direct_connection_may_take(where: str, seconds: float) -> None:
    """The reactor gives up on it after the time that is allowed, or that its place says."""
    talk = Talk(where, seconds=0.5, direct=True)
    ((*_, timeout, _),) = talk.reactor.tcpClients
    assert timeout == seconds
    assert talk.reactor.getDelayedCalls() == []


def test_a_direct_connection_from_an_address() -> None:
    """`bindAddress=` says from where."""
    talk = Talk("tcp:192.0.2.25:25:bindAddress=192.0.2.1", direct=True)
    bound: Any = talk.reactor.tcpClients[0][-1]
    assert bound == ("192.0.2.1", 0)


def test_an_endpoint_string_with_its_own_time() -> None:
    """Whoever writes a timeout into the endpoint string gets that one, and no other."""
    talk = Talk("tcp:192.0.2.25:2525:timeout=90", seconds=30.0)
    ((*_, timeout, _),) = talk.reactor.tcpClients
    assert timeout == 90
    assert talk.reactor.getDelayedCalls() == []


@BOTH_WAYS
def test_no_timer_outlives_the_connecting(direct: bool) -> None:
    """Once upstream is there, or not needed any more, nobody counts the seconds."""
    there, left = Talk(direct=direct), Talk(direct=direct)
    leg = there.connecting.buildProtocol(None)
    leg.makeConnection(Socket())
    left.client.peer_closes()
    for talk in (there, left):
        talk.reactor.advance(60)
        assert talk.heard.notes == []


@BOTH_WAYS
def test_the_connection_becomes_the_upstream_leg(direct: bool) -> None:
    """What comes from there goes to the client, and the other way round."""
    talk = Talk(direct=direct)
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
@BOTH_WAYS
def test_why_it_can_not_be_reached(problem: Exception, words: str, direct: bool) -> None:
    """The client hears 421 and is closed, and the log is told why in plain words."""
    talk = Talk(direct=direct)
    talk.fail(problem)
    talk.client.flow()
    assert talk.client.taken.startswith(b"421 ")
    assert talk.client.ended == "closed"
    ((fact, detail),) = talk.heard.notes
    assert fact == "upstream-unreachable"
    assert words in detail
    assert talk.gone == [talk.session]


@BOTH_WAYS
def test_a_client_that_leaves_ends_the_connecting(direct: bool) -> None:
    """Nobody waits for an upstream that nobody needs, and that is no failure."""
    talk = Talk(direct=direct)
    talk.client.peer_closes()
    assert talk.reactor.connectors[0].stoppedConnecting
    assert talk.heard.notes == []
    assert talk.gone == [talk.session]
