"""Cassettes as files: written whole or not at all, and read.

Owns the file NAME.partial, which grows while a recording goes on, and its change into the cassette.
Who holds the lock on it is the one recorder.
"""

from __future__ import annotations

import contextlib
import errno
import os
import weakref
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from smtpproxy.cassette.disk import sync_folder, write_whole
from smtpproxy.cassette.lock import LockedError, discard_held, hold, names, rename_held
from smtpproxy.cassette.messagefile import read_message_file
from smtpproxy.cassette.model import Cassette, Kept
from smtpproxy.cassette.names import name_to_keep, partial_of, unfinished
from smtpproxy.cassette.partial import load_unfinished
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.spool import LARGE, Spool, clear_stale, folder_of, sync_messages
from smtpproxy.cassette.write import write_header
from smtpproxy.documents import open_document
from smtpproxy.smtp.maildata import stuff


class CassetteFile:
    """A cassette that is being recorded."""

    def __init__(self, path: Path, upstream: str, recorded: str, grows: bool = False) -> None:
        """Begin to write: anew, or, where it `grows`, behind what is there.

        Raises OSError where the file can't be made, or another is at it.
        """
        self.path = path
        self.partial = partial_of(path)
        self.folder = folder_of(path)
        self._made = not path.parent.exists()
        if self._made:
            path.parent.mkdir(parents=True)
        try:
            self._descriptor, self.earlier = _claim(self.partial)
        except LockedError as error:
            raise OSError(error.errno, error.strerror, str(path)) from None
        # Whoever forgets a recording without ending it lets go of it all the same.
        self._forgotten = weakref.finalize(self, os.close, self._descriptor)
        self._whole = 0  # octets of the file that are header and whole sessions
        self._torn = False  # behind those there is, or may be, something that is not
        clear_stale(path)
        self._had_folder = self.folder.exists()
        try:
            header = [write_header(upstream, recorded).encode()]
            self._append(_pieces(path) if grows and path.exists() else header)
        except OSError as error:
            with contextlib.suppress(OSError):
                self.discard()
            raise OSError(error.errno, error.strerror, str(self.partial)) from None

    def spool(self, stuffed: bool, room: int) -> Spool:
        """Return what takes the mail data of one message, or one chunk."""
        return Spool(self.folder, stuffed, room, self.path.suffix)

    def add(self, session: Iterable[bytes]) -> None:
        """Append a session's document, so that it survives the process. Raises OSError."""
        if self._torn:
            self._cut()
        self._append(session)

    def _append(self, pieces: Iterable[bytes]) -> None:
        self._torn = True
        size = 0
        for octets in _in_few(pieces):
            write_whole(self._descriptor, octets)
            size += len(octets)
        self._whole += size
        self._torn = False

    def finish(self) -> None:
        """Put the recording in the place of the cassette. Raises OSError."""
        if self._torn:
            self._cut()
        if not names(self.partial, self._descriptor):
            raise OSError(errno.ENOENT, f"{self.partial} was taken away", str(self.path))
        # The messages first: on the disk, too, no cassette may name what is not there.
        sync_messages(self.folder)
        os.fsync(self._descriptor)
        descriptor = self._let_go()
        rename_held(descriptor, self.partial, self.path)
        self._tidy()
        sync_folder(self.path.parent)

    def leave(self) -> None:
        """Let the recording lie beside the cassette, and others record. Raises OSError."""
        if self._descriptor < 0:
            return
        descriptor = self._let_go()
        try:
            if self._torn:
                os.ftruncate(descriptor, self._whole)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def discard(self) -> None:
        """Leave the old cassette as it is, and nothing beside it. Raises OSError."""
        descriptor = self._let_go()
        try:
            if names(self.partial, descriptor):
                discard_held(descriptor, self.partial)
            else:
                os.close(descriptor)
        finally:
            self._tidy()

    def _let_go(self) -> int:
        """Return the descriptor: from here on it is for somebody else to close."""
        self._forgotten.detach()
        descriptor, self._descriptor = self._descriptor, -1
        return descriptor

    def _cut(self) -> None:
        """Take away what was written of a session that could not be written whole."""
        os.ftruncate(self._descriptor, self._whole)
        self._torn = False

    def _tidy(self) -> None:
        """Leave no folder behind that was made for nothing."""
        with contextlib.suppress(OSError):
            if not self._had_folder:
                self.folder.rmdir()
        with contextlib.suppress(OSError):
            if self._made:
                self.path.parent.rmdir()


def _claim(partial: Path) -> tuple[int, Path | None]:
    """Return the descriptor of an empty file of this name that nobody else holds.

    What bore the name is of a run that did not end: it is kept under another, which is returned.
    """
    kept = None
    while True:
        if partial.is_symlink():
            kept = name_to_keep(partial)
            partial.rename(kept)
        descriptor = hold(partial, make=True)
        try:
            if not os.fstat(descriptor).st_size:
                return descriptor, kept
            kept = name_to_keep(partial)
        except OSError:
            os.close(descriptor)
            raise
        rename_held(descriptor, partial, kept)


def _in_few(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Join pieces: a session that is not long is written in one go."""
    joined: list[bytes] = []
    size = 0
    for piece in pieces:
        joined.append(piece)
        size += len(piece)
        if size >= LARGE:
            yield b"".join(joined)
            joined, size = [], 0
    yield b"".join(joined)


def load_cassette(path: Path) -> Cassette:
    """Return the cassette in a file. Raises DocumentError, and never waits for a file."""
    with open_document(path) as file:
        return read_cassette(file, str(path))


def load_recorded(path: Path, warn: Callable[[str], None]) -> Cassette:
    """Return a cassette or, where it is not there, the unfinished recording beside it.

    `warn` is told of the latter, and of what is left out. Raises DocumentError.
    """
    partial = unfinished(path)
    return load_cassette(path) if partial is None else load_unfinished(partial, warn)


def mail_data_on_the_wire(kept: Kept, cassette: Path) -> bytes:
    """Return kept mail data as a client sent it, without the final dot. Raises DocumentError."""
    octets = read_message_file(kept, folder_of(cassette)) if kept.file else kept.octets
    return octets if kept.wire else stuff(octets)


def _pieces(path: Path) -> Iterator[bytes]:
    """Yield a cassette as it is; a last line that has no end is given one. Raises OSError."""
    last = b"\n"
    with path.open("rb") as file:
        while piece := file.read(LARGE):
            last = piece[-1:]
            yield piece
    if last != b"\n":
        yield b"\n"
