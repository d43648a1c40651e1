"""The PROXY protocol: what tells the receiver of a connection whose connection it carries on.

Headers are written and read, by HAProxy's specification, "The PROXY protocol, versions 1 and 2"
(§2.1 and §2.2). Does no I/O. Twisted's parsers are not built upon: they drop a header that TCP has
cut too early, do not know the short form of UNKNOWN, and raise what they don't announce.
"""

from __future__ import annotations

import ipaddress
import os
import re
import struct
from collections.abc import Callable, Mapping
from typing import NamedTuple

from smtpproxy.net.places import host_of
from smtpproxy.place import Ends, Place

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_WORD = b"PROXY "
_LINE_LIMIT = 107
_LINE = re.compile(
    rb"PROXY (?:UNKNOWN(?: .*)?|TCP([46]) ([0-9A-Fa-f:.]+) ([0-9A-Fa-f:.]+)"
    rb" ([0-9]{1,5}) ([0-9]{1,5}))\r\n",
    re.DOTALL,
)
_FIXED = 16  # octets of a binary header before its addresses
_LOCAL, _PROXY = 0x20, 0x21
_UNSPEC, _TCP4, _TCP6, _UNIX = 0x00, 0x11, 0x21, 0x31
#: How a family's addresses stand in a binary header.
_FORMATS = {_TCP4: "!4s4sHH", _TCP6: "!16s16sHH", _UNIX: "!108s108s"}

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


class HeaderError(ValueError):
    """A connection does not begin with a PROXY header that can be read."""


class Header(NamedTuple):
    """What a header says: both ends, or None where the connection speaks for itself."""

    ends: Ends | None
    rest: bytes  # what came behind the header


class HeaderReader:
    """Finds the header that a connection begins with, wherever TCP has cut it."""

    def __init__(self) -> None:
        self._octets = bytearray()

    def feed(self, octets: bytes) -> Header | None:
        """Return the header once it is complete. Raises HeaderError."""
        self._octets += octets
        held = self._octets
        length = _length(held)
        if length is None or len(held) < length:
            return None
        header, rest = bytes(held[:length]), bytes(held[length:])
        try:
            return Header((_read_1 if header.startswith(_WORD) else _read_2)(header), rest)
        except (ValueError, struct.error):
            raise HeaderError("a PROXY header that can't be read") from None


def _length(held: bytearray) -> int | None:
    """Return how long the header is, once that is known."""
    if SIGNATURE.startswith(held[: len(SIGNATURE)]):
        return _FIXED + int.from_bytes(held[14:_FIXED], "big") if len(held) >= _FIXED else None
    if not _WORD.startswith(held[: len(_WORD)]):
        raise HeaderError("no PROXY header")
    end = held.find(b"\r\n", 0, _LINE_LIMIT)
    if end < 0 and len(held) >= _LINE_LIMIT:
        raise HeaderError("a PROXY header without an end")
    return end + 2 if end >= 0 else None


def _read_1(header: bytes) -> Ends | None:
    found = _LINE.fullmatch(header)
    if not found:
        raise HeaderError
    family, source, destination, *ports = found.groups()
    if family is None:
        return None
    kind = ipaddress.IPv4Address if family == b"4" else ipaddress.IPv6Address
    places = [
        Place(host_of(kind(host.decode())), int(port))
        for host, port in zip((source, destination), ports, strict=True)
    ]
    if max(place.port for place in places) > 65535:
        raise HeaderError
    return Ends(*places)


def _read_2(header: bytes) -> Ends | None:
    command, family = header[12], header[13]
    if command not in (_LOCAL, _PROXY):
        raise HeaderError
    if command == _LOCAL or family == _UNSPEC:
        return None
    if family not in _FORMATS:
        raise HeaderError
    source, destination, *ports = struct.unpack_from(_FORMATS[family], header, _FIXED)
    if family == _UNIX:
        return Ends(Place(path=_path(source)), Place(path=_path(destination)))
    kind = ipaddress.IPv4Address if family == _TCP4 else ipaddress.IPv6Address
    return Ends(Place(host_of(kind(source)), ports[0]), Place(host_of(kind(destination)), ports[1]))


def _path(octets: bytes) -> str:
    return os.fsdecode(octets.rstrip(b"\x00"))
