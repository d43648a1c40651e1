"""How two messages of two cassettes differ: their header fields, and where their bodies part.

Owns the words for it. However long messages are, no more than a piece of each is held, and of their
header sections so much as counts.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from smtpproxy.cassette.fingerprint import Fingerprint, Fingerprinter
from smtpproxy.cassette.matching import BOUNDARY, Matching
from smtpproxy.cassette.messages import message_pieces
from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.noise import quiet_boundaries
from smtpproxy.documents import DocumentError
from smtpproxy.visible import visible

#: Octets of a header section that are compared field by field.
_HEADER = 256 * 1024
_END = b"\r\n\r\n"


class Letter(NamedTuple):
    """A recorded message: its mail data, or all of its chunks, and whose cassette they are."""

    kept: tuple[Kept, ...]
    cassette: Path

    @property
    def size(self) -> int:
        """How many octets it has, as kept."""
        return sum(one.size if one.file else len(one.octets) for one in self.kept)

    @property
    def whole(self) -> bytes | None:
        """All of it, where it is in memory as it was understood."""
        if any(one.file or one.wire for one in self.kept):
            return None
        return b"".join(one.octets for one in self.kept)


def message_changes(
    old: Letter | None, new: Letter | None, matching: Matching
) -> Iterator[tuple[str, str]]:
    """Yield what differs in two messages, before and after."""
    if old is None or new is None:
        yield _size(old), _size(new)
    elif not _same(old.kept, new.kept):
        try:
            yield from _contents(old, new, matching)
        except DocumentError:
            yield f"{_size(old)} (one of the two can't be read)", _size(new)


def _same(old: tuple[Kept, ...], new: tuple[Kept, ...]) -> bool:
    """Are they equal without a look into files? A file's name is the SHA-256 of its octets."""
    bare = [tuple(one._replace(size=0) for one in kept) for kept in (old, new)]
    return bare[0] == bare[1]


def _size(letter: Letter | None) -> str:
    return "" if letter is None else f"{letter.size:,} octets"


def _contents(old: Letter, new: Letter, matching: Matching) -> Iterator[tuple[str, str]]:
    (a_head, a), (b_head, b) = (_read(letter, matching) for letter in (old, new))
    if a.digest == b.digest:
        return
    before, after = (Counter(_fields(head, matching)) for head in (a_head, b_head))
    gone, come = list((before - after).elements()), list((after - before).elements())
    for was, has in zip_longest(gone, come, fillvalue=b""):
        yield visible(was), visible(has)
    if len(a_head) >= _HEADER or len(b_head) >= _HEADER:
        yield f"{_size(old)}, more header than is compared", _size(new)
    if a.body != b.body:
        yield _bodies(old, new, a, b, matching)


def _read(letter: Letter, matching: Matching) -> tuple[bytes, Fingerprint]:
    """Return a message's header section, and its fingerprint. Raises DocumentError."""
    taking, head = Fingerprinter(matching), bytearray()
    for kept in letter.kept:
        for piece in message_pieces(kept, letter.cassette):
            taking.add(piece)
            if len(head) < _HEADER:
                head += piece[: _HEADER - len(head)]
    return bytes(head).partition(_END)[0], taking.finish()


def _fields(head: bytes, matching: Matching) -> Iterable[bytes]:
    """Yield the header fields that count, each on one line."""
    quiet = quiet_boundaries(head) if matching.ignores(BOUNDARY) else head
    for field in re.split(rb"\r\n(?![ \t])", quiet):
        if not matching.ignores(visible(field.partition(b":")[0].strip())):
            yield b" ".join(field.split())


def _bodies(
    old: Letter, new: Letter, a: Fingerprint, b: Fingerprint, matching: Matching
) -> tuple[str, str]:
    """Return the first lines in which two bodies differ, or, of what is long, what they are."""
    if (one := old.whole) is not None and (other := new.whole) is not None:
        if matching.ignores(BOUNDARY):
            one, other = quiet_boundaries(one), quiet_boundaries(other)
        lines = [whole.partition(_END)[2].split(b"\r\n") for whole in (one, other)]
        fewest, most = sorted(map(len, lines))
        at = next((n for n in range(fewest) if lines[0][n] != lines[1][n]), fewest)
        if at < most:
            told = [visible(part[at]) if at < len(part) else "(the end)" for part in lines]
            return f"body line {at + 1}: {told[0]}", f"body line {at + 1}: {told[1]}"
    return f"body: {dict(a.parts)['body']}", f"body: {dict(b.parts)['body']}"
