"""A place to listen at: closed for a time, and open again at the same port."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock

from smtpproxy.net.door import AGAIN, Door

FREE = 40025  # that the system gives for port 0


class Port:
    """A port that listens until it is told not to."""

    def __init__(self, number: int, factory: Any, backlog: int, interface: str) -> None:
        self.number = number or FREE
        self.factory, self.backlog, self.interface = factory, backlog, interface
        self.open = True

    def getHost(self) -> IPv4Address:
        """Return where it listens."""
        assert self.open
        return IPv4Address("TCP", "127.0.0.1", self.number)

    def stopListening(self) -> None:
        """Listen no more."""
        assert self.open
        self.open = False


class Reactor(Clock):
    """Listens at ports, unless they are `taken`."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[Port] = []
        self.taken = False

    def listenTCP(self, port: int, factory: Any, backlog: int = 50, interface: str = "") -> Port:
        """Listen."""
        if self.taken:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        self.ports.append(Port(port, factory, backlog, interface))
        return self.ports[-1]

    def listenUNIX(self, address: str, factory: Any, backlog: int, **_: object) -> Port:
        """Listen at what is no port."""
        return self.listenTCP(0, factory, backlog)


class Visited:
    """A door that is open, and what it complained of."""

    def __init__(self, where: str = "tcp:0:interface=127.0.0.1:backlog=7") -> None:
        self.reactor = Reactor()
        self.complaints: list[str] = []
        self.factory = Factory.forProtocol(Protocol)
        self.door = Door(self.reactor, where, self.complaints.append)
        self.door.open(self.factory)

    @property
    def open(self) -> list[bool]:
        """Which of the ports it ever had are open."""
        return [port.open for port in self.reactor.ports]


def test_it_opens_again_at_the_same_port() -> None:
    """Where any port was asked for, it is the one that was given."""
    visited = Visited()
    visited.door.close_for(30)
    assert visited.open == [False]
    visited.reactor.advance(29.9)
    assert visited.open == [False]
    visited.reactor.advance(0.2)
    assert visited.open == [False, True]
    again = visited.reactor.ports[-1]
    assert (again.number, again.interface, again.backlog) == (FREE, "127.0.0.1", 7)
    assert again.factory is visited.factory
    assert visited.door.address.port == FREE
    visited.door.close_for(30)
    assert visited.open == [False, False]


def test_closed_is_closed() -> None:
    """Who came in before it closed does not keep it closed any longer."""
    visited = Visited()
    visited.door.close_for(30)
    visited.door.close_for(60)
    visited.reactor.advance(30)
    assert visited.open == [False, True]


@pytest.mark.parametrize("closed", [False, True])
def test_it_stops(closed: bool) -> None:
    """Open or closed: it never opens again."""
    visited = Visited()
    if closed:
        visited.door.close_for(30)
    assert visited.door.stop().called
    visited.door.close_for(30)
    visited.reactor.advance(60)
    assert visited.open == [False]
    assert visited.reactor.getDelayedCalls() == []


def test_somebody_else_has_taken_the_port() -> None:
    """It says so once, and tries again until it can."""
    visited = Visited()
    visited.door.close_for(30)
    visited.reactor.taken = True
    visited.reactor.advance(30)
    for _ in range(3):
        visited.reactor.advance(AGAIN)
    assert len(visited.complaints) == 1
    assert visited.complaints[0].startswith("can't listen again: ")
    visited.reactor.taken = False
    visited.reactor.advance(AGAIN)
    assert visited.open == [False, True]


def test_what_can_not_be_opened_again_stays_open() -> None:
    """A socket that is not a TCP port of ours is left alone."""
    visited = Visited("unix:/nowhere/smtp.sock")
    visited.door.close_for(30)
    assert visited.open == [True]
