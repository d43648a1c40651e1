"""How two messages of two cassettes differ: their headers, and where their bodies part.

A message in a file of its own is compared by the name of that, which is its SHA-256.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest

from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.noise import is_noise, quiet_boundaries
from smtpproxy.visible import visible


def message_changes(old: Kept | None, new: Kept | None) -> Iterator[tuple[str, str]]:
    """Yield what differs in two messages, before and after."""
    if old is None or new is None:
        yield _size(old), _size(new)
    elif old == new or (old.file and old.file == new.file):
        return
    elif old.file or new.file:
        yield _size(old), _size(new)
    else:
        yield from _contents(old.octets, new.octets)


def _size(kept: Kept | None) -> str:
    if kept is None:
        return ""
    return f"{kept.size if kept.file else len(kept.octets):,} octets"


def _contents(old: bytes, new: bytes) -> Iterator[tuple[str, str]]:
    old, new = quiet_boundaries(old), quiet_boundaries(new)
    (a_head, _, a_body), (b_head, _, b_body) = (one.partition(b"\r\n\r\n") for one in (old, new))
    before, after = Counter(_headers(a_head)), Counter(_headers(b_head))
    gone, come = list((before - after).elements()), list((after - before).elements())
    for was, has in zip_longest(gone, come, fillvalue=b""):
        yield visible(was), visible(has)
    if a_body != b_body:
        yield _first_lines(a_body, b_body)


def _headers(head: bytes) -> Iterable[bytes]:
    for field in re.split(rb"\r\n(?![ \t])", head):
        if not is_noise(field):
            yield b" ".join(field.split())


def _first_lines(old: bytes, new: bytes) -> tuple[str, str]:
    """Return the first lines in which two bodies differ."""
    a, b = old.split(b"\r\n"), new.split(b"\r\n")
    at = next(
        (n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    lines = [visible(part[at]) if at < len(part) else "(the end)" for part in (a, b)]
    return f"body line {at + 1}: {lines[0]}", f"body line {at + 1}: {lines[1]}"
