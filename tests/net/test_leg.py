"""One connection of a session: what it passes on, and how it tells one end from another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, cast

import pytest
from OpenSSL import SSL
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

    def lost(self, side: Side, clean: bool, already_told: bool, words: str = "") -> None:
        """Hear that the connection is gone, and how its encryption broke."""
        self.calls.append(("lost", side, clean, already_told, *filter(None, [words])))

    def secured(self, side: Side, transport: object) -> None:
        """Hear that the connection is encrypted."""
        self.calls.append(("secured", side, transport))

    def not_secured(self, side: Side, words: str) -> None:
        """Hear that it will not be."""
        self.calls.append(("not secured", side, words))


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


class Encrypted:
    """What a leg takes for a connection whose TLS has begun."""

    TLS = True


def _encrypting(side: Side) -> tuple[Leg, Told]:
    leg, told = _leg(side)
    leg.makeConnection(cast(Any, Encrypted()))  # type: ignore[no-untyped-call]
    told.calls.clear()
    return leg, told


@pytest.mark.parametrize("side", Side)
def test_a_handshake_that_fails_is_told_with_its_reason(side: Side) -> None:
    """The connection is gone with it: nothing else is told of it."""
    leg, told = _encrypting(side)
    leg.connectionLost(Failure(SSL.Error([("", "", "wrong version number")])))
    assert told.calls == [("not secured", side, "what came was not TLS")]


@pytest.mark.parametrize(
    ("reason", "clean", "words"),
    [
        (ConnectionDone(), True, []),
        (ConnectionLost(), False, ["closed without close_notify"]),
        (
            SSL.Error([("", "", "tlsv1 alert unknown ca")]),
            False,
            ["the peer does not trust our certificate"],
        ),
    ],
)
def test_how_an_encrypted_connection_ends(reason: Exception, clean: bool, words: list[str]) -> None:
    """Only close_notify is an end in order: without it, what came may have been cut short."""
    leg, told = _encrypting(Side.CLIENT)
    leg.handshakeCompleted()
    leg.connectionLost(Failure(reason))
    assert [call[0] for call in told.calls] == ["secured", "lost"]
    assert told.calls[-1] == ("lost", Side.CLIENT, clean, False, *words)
