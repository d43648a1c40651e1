"""A recording that did not end, as read.

Owns the rule by which a session that is whole is told from a torn tail. Knows nothing of who
writes it.
"""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple

from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.write import LAST_KEY
from smtpproxy.documents import DocumentError, read_octets

_KEY = f"{LAST_KEY}: [".encode()
_PIECE = 1024 * 1024


class Extent(NamedTuple):
    """How much of a recording is whole: sessions, octets, and the octets behind those."""

    sessions: int
    octets: int
    torn: int


def extent_of(file: IO[bytes]) -> Extent:
    """Look at a recording from its beginning to its end. Raises OSError.

    A session is whole when its last key is. Nothing within a session begins a line with that.
    """
    sessions = good = size = 0
    begins, is_last, before = True, False, b""
    while piece := file.readline(_PIECE):  # all of a line, or some of a long one
        size += len(piece)
        if begins:
            is_last = piece.startswith(_KEY)
        begins = piece.endswith(b"\n")
        before = before[-1:] + piece[-2:]
        if is_last and before.endswith(b"]\n"):
            sessions, good = sessions + 1, size
    return Extent(sessions, good, size - good)


def left_out(extent: Extent) -> str:
    """Return how much a recording holds, in words."""
    sessions = f"{extent.sessions:,} session{'' if extent.sessions == 1 else 's'}"
    torn = f"; {extent.torn:,} octets of a torn tail are left out" if extent.torn else ""
    return f"{sessions}{torn}"


def load_unfinished(partial: Path, warn: Callable[[str], None]) -> Cassette:
    """Return what is whole of a recording; `warn` is told of it. Raises DocumentError."""
    octets = read_octets(partial)
    extent = extent_of(BytesIO(octets))
    if not extent.sessions:
        raise DocumentError(str(partial), 0, "is an unfinished recording without a whole session")
    cassette = read_cassette(octets[: extent.octets], str(partial))
    warn(f"{partial} is an unfinished recording: {left_out(extent)}")
    return cassette
