"""Twisted's addresses, as places."""

from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress

from smtpproxy.net.places import ends_of, place_of
from smtpproxy.place import Ends, Place
from tests.net.transports import Socket


@pytest.mark.parametrize(
    ("address", "place"),
    [
        (IPv4Address("TCP", "192.0.2.7", 40000), Place("192.0.2.7", 40000)),
        (IPv6Address("TCP", "2001:db8::1", 25), Place("2001:db8::1", 25)),
        # RFC 5952 §4: of all ways to write an address there is one that everybody can compare.
        (IPv6Address("TCP", "2001:DB8:0:0:0:0:0:1", 25), Place("2001:db8::1", 25)),
        # RFC 4291 §2.5.5.2.
        (IPv6Address("TCP", "::ffff:192.0.2.7", 25), Place("192.0.2.7", 25)),
        (IPv6Address("TCP", "fe80::1%eth0", 25), Place("fe80::1%eth0", 25)),
        (UNIXAddress(b"/run/smtp"), Place(path="/run/smtp")),
        (UNIXAddress(None), Place()),
    ],
)
def test_an_address_is_a_place(address: object, place: Place) -> None:
    """One address is one place, however the system or a header has written it."""
    assert place_of(address) == place


def test_the_ends_of_a_connection() -> None:
    """The source is the client, the destination what it connected to."""
    ends = Ends(Place("192.0.2.7", 40000), Place("192.0.2.1", 25))
    assert ends_of(Socket()) == ends
