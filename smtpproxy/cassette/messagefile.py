"""The files beside a cassette that hold its large mail data.

Owns what makes such a file the one that was recorded: its name is the SHA-256 of its octets. Knows
nothing of dialogues.
"""

from __future__ import annotations

import hashlib
from io import BufferedReader
from pathlib import Path

from smtpproxy.cassette.model import Kept
from smtpproxy.documents import DocumentError, open_document
from smtpproxy.regularfile import size_of

MOST_OCTETS = 256 * 1024 * 1024


def read_message_file(kept: Kept, folder: Path) -> bytes:
    """Return the octets of the file that `kept` names. Raises DocumentError.

    It is found only in the cassette's own folder and never through a link; other octets than those
    that were recorded are refused, so that a hard link gives nothing away either.
    """
    path = folder / Path(kept.file).name
    if path.is_symlink() or folder.is_symlink():
        raise DocumentError(str(path), 0, "is a link; message files are not")
    with open_document(path, follow=False, most=MOST_OCTETS) as file:
        found = size_of(file)
        if kept.size and found != kept.size:
            problem = f"holds {found:,} octets; the cassette says {kept.size:,}"
            raise DocumentError(str(path), 0, problem)
        return _checked(file, path)


def _checked(file: BufferedReader, path: Path) -> bytes:
    """Return what the file holds, if that is what its name says."""
    try:
        digest = hashlib.file_digest(file, "sha256").hexdigest()  # nothing is held in memory yet
        if digest != path.stem:
            problem = "is not what was recorded: its SHA-256 is not its name"
            raise DocumentError(str(path), 0, problem)
        file.seek(0)
        return file.read(MOST_OCTETS)
    except OSError as error:
        raise DocumentError(str(path), 0, f"can't be read: {error.strerror}") from None
