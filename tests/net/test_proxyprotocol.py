"""The PROXY protocol's headers: as the specification has them, and as another reads them."""

from __future__ import annotations

import pytest
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

from smtpproxy.net.places import place_of
from smtpproxy.net.proxyprotocol import version_1, version_2
from smtpproxy.place import UNKNOWN, Ends, Place

# §2.2: \x0D \x0A \x0D \x0A \x00 \x0D \x0A \x51 \x55 \x49 \x54 \x0A.
SIGNATURE = bytes.fromhex("0d0a0d0a000d0a515549540a")

IPV4 = Ends(Place("192.0.2.7", 40000), Place("198.51.100.1", 25))
IPV6 = Ends(Place("2001:db8::7", 40000), Place("2001:db8::1", 25))
UNIX = Ends(Place(), Place(path="/run/smtp"))
FULL = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"


@pytest.mark.parametrize(
    ("ends", "header"),
    [
        (IPV4, b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n"),
        (IPV6, b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 25\r\n"),
        # §2.1: the worst cases of the specification, of 56 and 104 octets.
        (
            Ends(Place("255.255.255.255", 65535), Place("255.255.255.255", 65535)),
            b"PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n",
        ),
        (
            Ends(Place(FULL, 65535), Place(FULL, 65535)),
            f"PROXY TCP6 {FULL} {FULL} 65535 65535\r\n".encode(),
        ),
        # §2.1: the short form of what is neither TCP4 nor TCP6.
        (UNIX, b"PROXY UNKNOWN\r\n"),
        (UNKNOWN, b"PROXY UNKNOWN\r\n"),
    ],
)
def test_version_1(ends: Ends, header: bytes) -> None:
    """One line: protocol, source, destination, both ports; no more than 107 octets."""
    assert version_1(ends) == header
    assert len(header) <= 107


@pytest.mark.parametrize(
    ("ends", "rest"),
    [
        # §2.2: version 2 and PROXY, AF_INET and STREAM, 12 octets: addresses and ports.
        (IPV4, "21 11 000c c0000207 c6336401 9c40 0019"),
        # AF_INET6 and STREAM, 36 octets.
        (
            IPV6,
            "21 21 0024 20010db8000000000000000000000007 20010db8000000000000000000000001"
            " 9c40 0019",
        ),
        # LOCAL and UNSPEC: the receiver goes by the connection itself.
        (UNIX, "20 00 0000"),
        (UNKNOWN, "20 00 0000"),
    ],
)
def test_version_2(ends: Ends, rest: str) -> None:
    """The signature, version and command, family and protocol, the length, and the addresses."""
    assert version_2(ends) == SIGNATURE + bytes.fromhex(rest)


@pytest.mark.parametrize("ends", [IPV4, IPV6])
def test_another_reads_it(ends: Ends) -> None:
    """Twisted's parsers find the addresses that were given, and what follows the header."""
    kind = IPv4Address if ends is IPV4 else IPv6Address
    for parser, header in ((V1Parser(), version_1(ends)), (V2Parser(), version_2(ends))):
        info, rest = parser.feed(header + b"EHLO a\r\n")
        assert info is not None
        assert isinstance(info.source, kind)
        assert Ends(place_of(info.source), place_of(info.destination)) == ends
        assert rest == b"EHLO a\r\n"


def test_another_reads_that_there_is_no_address() -> None:
    """Twisted's parser of version 2 takes LOCAL for a connection that speaks for itself."""
    info, rest = V2Parser().feed(version_2(UNIX))
    assert info is not None
    assert (info.source, info.destination, rest) == (None, None, b"")


def test_a_zone_stays_here() -> None:
    """The zone of a link-local address means nothing to another machine."""
    ends = Ends(Place("fe80::7%eth0", 40000), Place("fe80::1%eth0", 25))
    assert version_1(ends) == b"PROXY TCP6 fe80::7 fe80::1 40000 25\r\n"


def test_one_family_or_none() -> None:
    """A header has room for one family: of two there is no word at all."""
    ends = Ends(Place("192.0.2.7", 40000), Place("2001:db8::1", 25))
    assert version_1(ends) == b"PROXY UNKNOWN\r\n"
