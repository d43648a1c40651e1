"""Sizes in octets, as people write them."""

from __future__ import annotations

import re

_UNITS = {
    "": 1,
    "octets": 1,
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "KiB": 1024,
    "MB": 1000**2,
    "MiB": 1024**2,
    "GB": 1000**3,
    "GiB": 1024**3,
}
_SIZE = re.compile(r"\s*([0-9]{1,15})\s*([A-Za-z]*)\s*")


def parse_size(text: str) -> int | None:
    """Return the octets in a text such as "10 KiB" or "512", or None."""
    found = _SIZE.fullmatch(text)
    if not found or found[2] not in _UNITS:
        return None
    return int(found[1]) * _UNITS[found[2]]
