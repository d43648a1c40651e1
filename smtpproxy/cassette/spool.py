"""Mail data on its way into a cassette: small in memory, large in a file beside it.

Owns the folder NAME.d. What is streamed there is never held in memory whole; a file's name is the
SHA-256 of what it holds, and until that is known `partial`, the cassette's suffix and some letters.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import re
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path

from smtpproxy.cassette.disk import sync_file, sync_folder, write_whole
from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.names import cassette_of
from smtpproxy.smtp.maildata import FINAL_DOT, Unstuffer, stuff, unstuff

#: Octets from which on mail data goes to a file of its own.
LARGE = 64 * 1024
_PIECE = 256 * 1024
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def folder_of(cassette: Path) -> Path:
    """Return the folder of a cassette's message files: NAME.d beside NAME.yaml."""
    cassette = cassette_of(cassette)
    return cassette.with_name(f"{cassette.stem}.d")


def sync_messages(folder: Path) -> None:
    """Let all message files reach the disk, and their names. Raises OSError."""
    if folder.is_symlink() or not folder.is_dir():
        return
    for path in _files_in(folder, re.compile(r"[0-9a-f]{64}\.eml")):
        with contextlib.suppress(PermissionError):  # it is none of ours
            sync_file(path)
    sync_folder(folder)


def clear_stale(cassette: Path) -> None:
    """Remove what recordings of this cassette that did not end left in its folder of messages.

    Only who holds the cassette's lock may do that. Another cassette may share the folder.
    """
    folder = folder_of(cassette)
    ours = re.compile(rf"partial{re.escape(cassette_of(cassette).suffix)}-[0-9a-f]{{16}}\.tmp")
    with contextlib.suppress(OSError):  # they are in nobody's way
        if not folder.is_symlink() and folder.is_dir():
            for path in _files_in(folder, ours):
                path.unlink()


def _files_in(folder: Path, names: re.Pattern[str]) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if names.fullmatch(entry.name) and entry.is_file(follow_symlinks=False):
                yield Path(entry.path)


def keep_whole(octets: bytes, stuffed: bool) -> Kept:
    """Return what is to be kept of mail data, or of a chunk, that is there whole."""
    if not stuffed:
        return Kept(octets)
    octets = octets.removesuffix(FINAL_DOT)
    if b"\r\n." not in octets and octets[:1] != b".":
        return Kept(octets)
    message = unstuff(octets)
    return Kept(message) if stuff(message) == octets else Kept(octets, wire=True)


class Spool:
    """Takes the mail data of one message, or one BDAT chunk, as it passes.

    `stuffed`: it is mail data after DATA, dot-stuffed and ended by a dot. `room`: octets that may
    stay in memory. `suffix`: of the cassette's name.
    """

    __slots__ = ("_dots", "_file", "_folder", "_octets", "_room", "_stuffed", "_suffix", "_tail")

    def __init__(
        self, folder: Path, stuffed: bool, room: int = LARGE, suffix: str = ".yaml"
    ) -> None:
        self._folder = folder
        self._stuffed = stuffed
        self._room = room
        self._suffix = suffix
        self._octets = bytearray()  # one piece, however many it came in
        self._file: _NewFile | None = None
        self._tail = b"\r\n"
        self._dots = False  # a line begins with a dot

    def add(self, octets: bytes) -> None:
        """Take octets as they are on the wire. Raises OSError."""
        self._octets += octets
        if len(self._octets) > self._room:
            self._spill()

    def finish(self) -> Kept:
        """Return what is to be kept. Raises OSError."""
        if self._file is not None:
            return self._finish_file(self._file)
        return keep_whole(bytes(self._octets), self._stuffed)

    def discard(self) -> None:
        """Forget everything."""
        if self._file is not None:
            self._file.discard()
            self._file = None
        self._octets.clear()

    def _spill(self) -> None:
        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            self._file = self._begin_file()
            self._room = LARGE  # from here on, what waits to be written
        octets = bytes(self._octets)
        # Two octets stay behind, for a dot at the seam, and the final dot with them.
        certain, rest = octets[:-3], octets[-3:]
        seam = self._tail + certain
        self._dots = self._dots or b"\r\n." in seam
        self._tail = seam[-2:]
        self._file.write(certain)
        self._octets = bytearray(rest)

    def _begin_file(self) -> _NewFile:
        return _NewFile(self._folder / f"partial{self._suffix}-{secrets.token_hex(8)}.tmp")

    def _finish_file(self, file: _NewFile) -> Kept:
        octets = bytes(self._octets)
        rest = octets.removesuffix(FINAL_DOT) if self._stuffed else octets
        self._dots = self._dots or b"\r\n." in self._tail + rest
        file.write(rest)
        wire = False
        if self._stuffed and self._dots:
            wire = not self._unstuff(file)
            file = self._file or file
        file.close()
        with file.path.open("rb") as finished:
            digest = hashlib.file_digest(finished, "sha256").hexdigest()
        size = file.path.stat().st_size
        file.path.replace(self._folder / f"{digest}.eml")
        self._file = None
        return Kept(b"", wire, f"{digest}.eml", size)

    def _unstuff(self, stuffed: _NewFile) -> bool:
        """Undo dot-stuffing in another file that takes the place; False where it would lose."""
        unstuffer, plain = Unstuffer(), self._begin_file()
        try:
            with stuffed.path.open("rb") as source:
                while piece := source.read(_PIECE):
                    plain.write(unstuffer.feed(piece))
            plain.write(unstuffer.finish())
        except OSError:
            plain.discard()
            raise
        if unstuffer.exact:
            stuffed.discard()
            self._file = plain
        else:
            plain.discard()
        return unstuffer.exact


class _NewFile:
    """A file that has no lasting name yet. Raises OSError, as all that it does may."""

    __slots__ = ("_descriptor", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor = os.open(path, _NEW, stat.S_IRUSR | stat.S_IWUSR)

    def write(self, octets: bytes) -> None:
        write_whole(self._descriptor, octets)

    def close(self) -> None:
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)

    def discard(self) -> None:
        with contextlib.suppress(OSError):  # what is left of it is cleared by the next recording
            self.close()
            self.path.unlink(missing_ok=True)
