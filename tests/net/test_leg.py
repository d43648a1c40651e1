"""One connection of a session: what it passes on, and how it tells one end from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from twisted.internet.error import ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.python.failure import Failure

from smtpproxy.actions import Side
from smtpproxy.net.leg import Leg
from smtpproxy.net.session import ProxySession


class Told:
    """A session that keeps what its leg says."""

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def reader(self, side: Side) -> Callable[[bytes], None]:
        """Give what takes octets."""
        return lambda octets: self.calls.append(("received", side, octets))

    def attached(self, side: Side, transport: object) -> None:
        """Hear that the connection stands."""
        self.calls.append(("attached", side, transport))

    def peer_ended(self, side: Side, clean: bool) -> None:
        """Hear that nothing more will come."""
        self.calls.append(("peer ended", side, clean))

    def lost(self, side: Side, clean: bool, already_told: bool) -> None:
        """Hear that the connection is gone."""
        self.calls.append(("lost", side, clean, already_told))


def _leg(side: Side) -> tuple[Leg, Told]:
    told = Told()
    return Leg(cast(ProxySession, told), side), told


@pytest.mark.parametrize("side", Side)
def test_it_passes_on_what_happens(side: Side) -> None:
    """Connection, octets and end are told to the session, each with the side."""
    leg, told = _leg(side)
    transport = cast(Any, object())
    leg.makeConnection(transport)  # type: ignore[no-untyped-call]
    leg.dataReceived(b"250 ok\r\n")
    leg.connectionLost(Failure(ConnectionDone()))
    assert told.calls == [
        ("attached", side, transport),
        ("received", side, b"250 ok\r\n"),
        ("lost", side, True, False),
    ]


def test_a_reset_is_no_clean_end() -> None:
    """A connection that was lost, not closed, is told as such."""
    leg, told = _leg(Side.CLIENT)
    leg.connectionLost(Failure(ConnectionLost()))
    assert told.calls == [("lost", Side.CLIENT, False, False)]


def test_a_half_close_is_told_once() -> None:
    """When the peer has ended its half, the later end of the connection is no news."""
    leg, told = _leg(Side.UPSTREAM)
    assert IHalfCloseableProtocol.providedBy(leg)
    leg.readConnectionLost()
    leg.writeConnectionLost()
    leg.connectionLost(Failure(ConnectionDone()))
    assert told.calls == [
        ("peer ended", Side.UPSTREAM, True),
        ("lost", Side.UPSTREAM, True, True),
    ]
