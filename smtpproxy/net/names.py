"""Names that a certificate can bear, or that one is looked for: DNS names and IP addresses."""

from __future__ import annotations

import ipaddress
import re
from typing import TypeAlias

import idna

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_LONGEST = 253  # RFC 1035 §2.3.4, written as text
# RFC 5890 §2.3.1, and the underscore that names of containers have. The last label is not all
# digits: what ends so is an IP address, or meant as one.
_LABEL = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_DNS_NAME = re.compile(rf"(?:{_LABEL}\.)*(?![0-9]+\Z){_LABEL}")


def dns_name(text: str) -> str:
    """Return a DNS name in lower case, as it stands on the wire; "" for what is none.

    A wildcard is none, nor is an IP address.
    """
    if not text.isascii():
        try:
            text = idna.encode(text, uts46=True).decode()
        except (idna.IDNAError, UnicodeError):
            return ""
    text = text.lower()
    return text if len(text) <= _LONGEST and _DNS_NAME.fullmatch(text) else ""


def ip_address(text: str) -> Address | None:
    """Return the IP address, or None."""
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None
