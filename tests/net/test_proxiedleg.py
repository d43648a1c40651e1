"""A client behind another proxy: nothing begins before it is known who the client is."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from smtpproxy.actions import Side
from smtpproxy.net.proxiedleg import HEADER_SECONDS, ProxiedLeg
from smtpproxy.net.waitingleg import WaitingLeg
from smtpproxy.place import Ends, Place
from tests.net.sessions import Doorway
from tests.net.transports import Socket

HEADER = b"PROXY TCP4 203.0.113.9 198.51.100.1 50000 25\r\n"
CLIENT = Ends(Place("203.0.113.9", 50000), Place("198.51.100.1", 25))
OTHER_PROXY = Ends(Place("192.0.2.7", 40000), Place("192.0.2.1", 25))


class Gate:
    """A client's connection to a place behind another proxy."""

    def __init__(self) -> None:
        self.doorway = Doorway()
        self.clock = Clock()
        self.waiting: set[WaitingLeg] = set()
        self.refused: list[str] = []
        self.client = Socket()
        leg = ProxiedLeg(self.doorway.begin, self.clock, self.waiting, self.refused.append)
        self.client.protocol = leg
        leg.makeConnection(self.client)  # type: ignore[no-untyped-call]


def test_a_session_begins_with_the_header() -> None:
    """Before it upstream is not asked; with its last octet it is, and for the client it names."""
    gate = Gate()
    gate.client.receive(HEADER[:-1])
    assert (gate.doorway.ends, gate.doorway.upstream.asked) == ([], 0)
    assert len(gate.waiting) == 1
    gate.client.receive(HEADER[-1:])
    assert (gate.doorway.ends, gate.doorway.upstream.asked) == ([CLIENT], 1)
    assert gate.waiting == set()
    assert gate.clock.getDelayedCalls() == []


def test_what_follows_the_header_is_the_clients() -> None:
    """A client that is early loses nothing, and the rest of the header goes nowhere."""
    gate = Gate()
    gate.client.receive(HEADER + b"EHLO a\r\nQU")
    gate.client.receive(b"IT\r\n")
    (session,) = gate.doorway.sessions
    server = Socket()
    session.attached(Side.UPSTREAM, server)
    assert server.taken == b"EHLO a\r\nQUIT\r\n"


def test_a_header_without_addresses() -> None:
    """The other proxy speaks for itself, as a health check does."""
    gate = Gate()
    gate.client.receive(b"PROXY UNKNOWN\r\n")
    assert gate.doorway.ends == [OTHER_PROXY]


@pytest.mark.parametrize("octets", [b"EHLO a\r\n", b"PROXY TCP4 nobody nowhere 1 25\r\n"])
def test_what_is_no_header_ends_the_connection(octets: bytes) -> None:
    """Whoever sends none is dropped and told nothing; upstream never hears of it."""
    gate = Gate()
    gate.client.receive(octets)
    gate.client.flow()
    assert (gate.client.taken, gate.client.ended) == (b"", "aborted")
    assert gate.doorway.ends == []
    assert gate.waiting == set()
    (why,) = gate.refused
    assert why.startswith("192.0.2.7:40000 sent ")
    assert gate.clock.getDelayedCalls() == []


def test_a_header_that_never_comes() -> None:
    """The wait for a header ends, also where its octets come one by one."""
    gate = Gate()
    gate.clock.advance(HEADER_SECONDS - 1)
    gate.client.receive(HEADER[:1])
    assert gate.client.ended == ""
    gate.clock.advance(1)
    gate.client.flow()
    assert gate.client.ended == "aborted"
    assert gate.doorway.ends == []
    assert gate.refused == ["192.0.2.7:40000 sent no PROXY header"]


@pytest.mark.parametrize("half", [True, False])
def test_a_connection_that_ends_before_the_header(half: bool) -> None:
    """No session was begun, so none ends; a client that will send nothing more is let go."""
    gate = Gate()
    gate.client.receive(HEADER[:9])
    (gate.client.peer_half_closes if half else gate.client.peer_resets)()
    gate.client.flow()
    assert gate.client.ended == ("closed" if half else "lost")
    assert gate.doorway.ends == []
    assert gate.waiting == set()
    assert gate.clock.getDelayedCalls() == []


def test_how_a_session_ends_is_told() -> None:
    """Behind the header all is as with other clients."""
    gate = Gate()
    gate.client.receive(HEADER)
    gate.client.peer_half_closes()
    gate.client.peer_closes()
    assert gate.doorway.heard.how == ["client-drop"]
