"""A recorded message as its receiver understood it, in pieces: from the cassette or its folder.

Owns how a message file is found. Never holds one in memory whole.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.spool import folder_of
from smtpproxy.documents import DocumentError
from smtpproxy.smtp.maildata import Unstuffer

_PIECE = 256 * 1024


def message_file(kept: Kept, cassette: Path) -> Path:
    """Return where the octets of kept mail data lie. Raises DocumentError.

    It is a regular file in the cassette's own folder, and neither it nor the folder is a link.
    """
    path = folder_of(cassette) / Path(kept.file).name
    if path.is_symlink() or path.parent.is_symlink():
        raise DocumentError(str(path), 0, "is a link; message files are not")
    if not path.is_file():
        problem = "is not a regular file" if path.exists() else "is missing"
        raise DocumentError(str(path), 0, f"{problem}; a message of {cassette} lies there")
    return path


def message_pieces(kept: Kept, cassette: Path) -> Iterator[bytes]:
    """Yield a message as its receiver understands it, in pieces. Raises DocumentError."""
    if not kept.wire:
        yield from _stored(kept, cassette)
        return
    unstuffer = Unstuffer()
    for piece in _stored(kept, cassette):
        yield unstuffer.feed(piece)
    yield unstuffer.finish()


def _stored(kept: Kept, cassette: Path) -> Iterator[bytes]:
    if kept.file:
        yield from file_pieces(kept, cassette)
    else:
        yield kept.octets


def file_pieces(kept: Kept, cassette: Path) -> Iterator[bytes]:
    """Yield what a message file holds. Raises DocumentError.

    That it is not what its name says, its SHA-256, is known and raised at its end.
    """
    path = message_file(kept, cassette)
    digest = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while piece := file.read(_PIECE):
                digest.update(piece)
                yield piece
    except OSError as error:
        raise DocumentError(str(path), 0, f"can't be read: {error.strerror}") from None
    if f"{digest.hexdigest()}.eml" != kept.file:
        raise DocumentError(str(path), 0, "is not what was recorded: its SHA-256 is not its name")
