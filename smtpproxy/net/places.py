"""Twisted's addresses as places."""

from __future__ import annotations

import ipaddress
import os
from typing import Any

from smtpproxy.place import Ends, Place


def host_of(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> str:
    """Return an IP address in its shortest form.

    An IPv4 client of an IPv6 socket is shown to that as ::ffff:192.0.2.1, and is an IPv4 client.
    """
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)


def place_of(address: Any) -> Place:
    """Return the place that an address of Twisted's names."""
    host = getattr(address, "host", None)
    if host is None:
        name = getattr(address, "name", None)
        return Place(path=os.fsdecode(name) if name else "")
    return Place(host_of(ipaddress.IPv6Address(host)) if ":" in host else host, address.port)


def ends_of(transport: Any) -> Ends:
    """Return both ends of a client's connection."""
    return Ends(place_of(transport.getPeer()), place_of(transport.getHost()))
