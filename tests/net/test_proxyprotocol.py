"""The PROXY protocol's headers: as the specification has them, and as another reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.address import IPv4Address, IPv6Address
from twisted.protocols.haproxy._v1parser import V1Parser
from twisted.protocols.haproxy._v2parser import V2Parser

from smtpproxy.net.places import place_of
from smtpproxy.net.proxyprotocol import (
    Header,
    HeaderError,
    HeaderReader,
    version_1,
    version_2,
)
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


SOCKETS = "2f746d702f61" + "00" * 102 + "2f72756e2f736d7470" + "00" * 99  # /tmp/a, /run/smtp
HEADERS = {
    "TCP4": (version_1(IPV4), IPV4),
    "TCP6": (version_1(IPV6), IPV6),
    "UNKNOWN": (b"PROXY UNKNOWN\r\n", None),
    # §2.1: what follows UNKNOWN is to be ignored.
    "UNKNOWN with addresses": (b"PROXY UNKNOWN ffff::1 ffff::2 1 65536\r\n", None),
    "AF_INET": (version_2(IPV4), IPV4),
    "AF_INET6": (version_2(IPV6), IPV6),
    "AF_UNIX": (
        SIGNATURE + bytes.fromhex("21 31 00d8" + SOCKETS),
        Ends(Place(path="/tmp/a"), Place(path="/run/smtp")),
    ),
    "LOCAL": (version_2(UNIX), None),
    # §2.2: for LOCAL the receiver discards addresses, and goes by the connection itself.
    "LOCAL with addresses": (SIGNATURE + b"\x20" + version_2(IPV4)[13:], None),
    "UNSPEC": (SIGNATURE + bytes.fromhex("21 00 0003 010203"), None),
    # §2.2.7: what follows the addresses are TLVs, here PP2_TYPE_NOOP.
    "TLV": (SIGNATURE + bytes.fromhex("21 11 000f c0000207c63364019c400019 040000"), IPV4),
    # RFC 4291 §2.5.5.2: an IPv4 client of an IPv6 socket.
    "mapped": (b"PROXY TCP6 ::ffff:192.0.2.7 ::ffff:198.51.100.1 40000 25\r\n", IPV4),
}


def fed(*pieces: bytes) -> Header | None:
    """Return what the last of these pieces brings; those before bring nothing."""
    reader = HeaderReader()
    for piece in pieces[:-1]:
        assert reader.feed(piece) is None
    return reader.feed(pieces[-1])


@pytest.mark.parametrize("name", HEADERS)
def test_a_header_is_read_wherever_it_is_cut(name: str) -> None:
    """Both ends are known with its last octet, and not before; what follows is kept."""
    header, ends = HEADERS[name]
    assert fed(header) == (ends, b"")
    assert fed(*(header[at : at + 1] for at in range(len(header)))) == (ends, b"")
    for cut in range(1, len(header)):
        assert fed(header[:cut], header[cut:] + b"EHLO a\r\n") == (ends, b"EHLO a\r\n")


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO a\r\n",
        b"X",
        b"PROXY  TCP4 192.0.2.7 198.51.100.1 40000 25\r\n",
        b"proxy UNKNOWN\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 25 \r\n",
        b"PROXY TCP4 192.0.2.7  198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 40000 65536\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 +4000 2_5\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 forty 25\r\n",
        b"PROXY TCP4 192.0.2.256 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 mail.example.org 198.51.100.1 40000 25\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 40000 25\r\n",
        b"PROXY TCP6 192.0.2.7 198.51.100.1 40000 25\r\n",
        b"PROXY TCP6 fe80::7%eth0 fe80::1 40000 25\r\n",
        b"PROXY UNKNOWNX\r\n",
        # §2.1: 107 octets at the most, whatever they are.
        b"PROXY UNKNOWN " + b"x" * 92 + b"\r\n",
        b"PROXY TCP4 " + b"1" * 96,
        SIGNATURE[:-1] + b"X",
        # §2.2: the version is 2, the command LOCAL or PROXY, and the rest must be refused.
        SIGNATURE + bytes.fromhex("11 11 000c c0000207c63364019c400019"),
        SIGNATURE + bytes.fromhex("22 11 000c c0000207c63364019c400019"),
        SIGNATURE + bytes.fromhex("21 41 000c c0000207c63364019c400019"),
        SIGNATURE + bytes.fromhex("21 12 000c c0000207c63364019c400019"),  # mail by UDP
        SIGNATURE + bytes.fromhex("21 11 000b c0000207c63364019c4000"),
        SIGNATURE + bytes.fromhex("21 21 000c c0000207c63364019c400019"),
    ],
)
def test_what_is_no_header(octets: bytes) -> None:
    """What can't be read is refused, and never taken for somebody's address."""
    with pytest.raises(HeaderError, match="header"):
        HeaderReader().feed(octets)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PROXY TCP4 ", b"PROXY TCP6 ", SIGNATURE]))
def test_nothing_else_is_raised(octets: bytes, beginning: bytes) -> None:
    """A stranger's octets are a header, the beginning of one, or refused."""
    reader = HeaderReader()
    try:
        found = reader.feed(beginning + octets)
    except HeaderError:
        return
    assert found is None or (beginning + octets).endswith(found.rest)
