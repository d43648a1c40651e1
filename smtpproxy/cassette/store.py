"""Cassettes as files: written whole or not at all, and read.

Owns the file NAME.partial, which grows while a recording goes on, and its change into the cassette.
"""

from __future__ import annotations

import contextlib
import errno
import itertools
import os
from collections.abc import Iterable
from pathlib import Path

from smtpproxy.cassette.messagefile import read_message_file
from smtpproxy.cassette.model import Cassette, Kept
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.spool import folder_of
from smtpproxy.cassette.write import write_header
from smtpproxy.documents import open_document
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
        # What bears that name is of a run that did not end, or of one that goes on.
        self.earlier = _set_aside(self.partial)
        self._file = self.partial.open("xb")
        self._file.write(write_header(upstream, recorded).encode())
        self._file.flush()

    def add(self, session: Iterable[bytes]) -> None:
        """Append a session's document, so that it survives the process. Raises OSError."""
        self._file.writelines(session)
        self._file.flush()

    def finish(self) -> None:
        """Put the recording in the place of the cassette. Raises OSError."""
        self._file.flush()
        if not self._is_ours():
            problem = f"another recording has begun at {self.partial}"
            raise OSError(errno.EBUSY, problem, str(self.path))
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
        if self._is_ours():
            self.partial.unlink()
        self._file.close()
        if self._made:
            with contextlib.suppress(OSError):
                self.path.parent.rmdir()

    def _is_ours(self) -> bool:
        """Is the file of that name still the one that is written here?"""
        try:
            found = self.partial.lstat()
        except FileNotFoundError:
            return False
        return os.path.samestat(found, os.fstat(self._file.fileno()))


def _set_aside(partial: Path) -> Path | None:
    """Keep an unfinished recording under another name, which is returned. Follows no link."""
    if not os.path.lexists(partial):
        return None
    numbers = (partial.with_name(f"{partial.name}.{number}") for number in itertools.count(1))
    kept = next(path for path in numbers if not os.path.lexists(path))
    partial.rename(kept)
    return kept


def load_cassette(path: Path) -> Cassette:
    """Return the cassette in a file. Raises DocumentError, and never waits for a file."""
    with open_document(path) as file:
        return read_cassette(file, str(path))


def mail_data_on_the_wire(kept: Kept, cassette: Path) -> bytes:
    """Return kept mail data as a client sent it, without the final dot. Raises DocumentError."""
    octets = read_message_file(kept, folder_of(cassette)) if kept.file else kept.octets
    return octets if kept.wire else stuff(octets)
