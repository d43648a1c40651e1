"""Cassettes as files: written whole or not at all, and read.

Owns the file NAME.partial, which grows while a recording goes on, and its change into the cassette.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from smtpproxy.cassette.model import Cassette, Kept
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.spool import folder_of
from smtpproxy.cassette.write import write_header
from smtpproxy.documents import DocumentError, read_octets
from smtpproxy.smtp.maildata import stuff


class CassetteFile:
    """A cassette that is being recorded."""

    def __init__(self, path: Path, upstream: str, recorded: str) -> None:
        """Begin to write. Raises OSError where the file can't be made."""
        self.path = path
        self.partial = path.with_name(path.name + ".partial")
        self.folder = folder_of(path)
        self._made = not path.parent.exists()
        if self._made:
            path.parent.mkdir(parents=True)
        # Whatever bears that name is of an earlier run; were it a link, it is not followed.
        self.partial.unlink(missing_ok=True)
        self._file = self.partial.open("xb")
        self._file.write(write_header(upstream, recorded).encode())
        self._file.flush()

    def add(self, session: str) -> None:
        """Append a session's document, so that it survives the process. Raises OSError."""
        self._file.write(session.encode())
        self._file.flush()

    def finish(self) -> None:
        """Put the recording in the place of the cassette. Raises OSError."""
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        self.partial.replace(self.path)
        if hasattr(os, "O_DIRECTORY"):
            folder = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)

    def discard(self) -> None:
        """Leave the old cassette as it is, and nothing beside it."""
        self._file.close()
        self.partial.unlink(missing_ok=True)
        if self._made:
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()


def load_cassette(path: Path) -> Cassette:
    """Return the cassette in a file. Raises DocumentError."""
    return read_cassette(read_octets(path), str(path))


def mail_data_on_the_wire(kept: Kept, cassette: Path) -> bytes:
    """Return kept mail data as a client sent it, without the final dot. Raises DocumentError.

    A message file is found only in the cassette's own folder, and never through a link.
    """
    octets = kept.octets
    if kept.file:
        path = folder_of(cassette) / Path(kept.file).name
        if path.is_symlink() or path.parent.is_symlink():
            raise DocumentError(str(path), 0, "is a link; message files are not")
        octets = read_octets(path)
    return octets if kept.wire else stuff(octets)
