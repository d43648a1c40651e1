"""The PROXY protocol: what tells the receiver of a connection whose connection it carries on.

Addresses in, octets out, by HAProxy's specification, "The PROXY protocol, versions 1 and 2" (§2.1
and §2.2). Does no I/O, and does not read headers.
"""

from __future__ import annotations

import ipaddress
import struct
from collections.abc import Callable, Mapping

from smtpproxy.place import Ends, Place

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_LOCAL, _PROXY = 0x20, 0x21
_UNSPEC, _TCP4, _TCP6 = 0x00, 0x11, 0x21

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def version_1(ends: Ends) -> bytes:
    """Return the header as a line of text, of 107 octets at the most."""
    pair = _addresses(ends)
    if pair is None:
        return b"PROXY UNKNOWN\r\n"
    source, destination = pair
    ports = f"{ends.source.port} {ends.destination.port}"
    return f"PROXY TCP{source.version} {source} {destination} {ports}\r\n".encode()


def version_2(ends: Ends) -> bytes:
    """Return the binary header."""
    pair = _addresses(ends)
    if pair is None:
        return SIGNATURE + struct.pack("!BBH", _LOCAL, _UNSPEC, 0)
    source, destination = pair
    family = _TCP4 if source.version == 4 else _TCP6
    ports = struct.pack("!HH", ends.source.port, ends.destination.port)
    addresses = source.packed + destination.packed + ports
    return SIGNATURE + struct.pack("!BBH", _PROXY, family, len(addresses)) + addresses


#: By the names that options use.
VERSIONS: Mapping[str, Callable[[Ends], bytes]] = {"v1": version_1, "v2": version_2}


def _addresses(ends: Ends) -> tuple[_Address, _Address] | None:
    """Return both addresses, of one family; None for what is not TCP, and has no address."""
    if not (ends.source.host and ends.destination.host):
        return None
    source, destination = _address(ends.source), _address(ends.destination)
    return (source, destination) if source.version == destination.version else None


def _address(place: Place) -> _Address:
    # A zone means nothing to another machine, and the header has no room for it.
    return ipaddress.ip_address(place.host.partition("%")[0])
