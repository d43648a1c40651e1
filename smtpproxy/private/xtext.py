"""xtext (RFC 3461 §4), and the like of it for addresses in UTF-8 (RFC 6533 §3): both ways."""

from __future__ import annotations

import re

_ENCODED = re.compile(rb"\+([0-9A-Fa-f]{2})|\\x\{([0-9A-Fa-f]{2,6})\}")
_TO_ENCODE = re.compile(rb"[^!-*,-<>-~]")


def from_xtext(octets: bytes) -> bytes:
    """Return what is encoded; what is no xtext stays as it is."""
    return _ENCODED.sub(_decoded, octets)


def to_xtext(octets: bytes) -> bytes:
    """Return octets in xtext."""
    return _TO_ENCODE.sub(lambda found: b"+%02X" % found[0][0], octets)


def _decoded(found: re.Match[bytes]) -> bytes:
    if found[1]:
        return bytes([int(found[1], 16)])
    number = int(found[2], 16)
    return chr(number).encode("utf-8", "backslashreplace") if number < 0x110000 else found[0]
