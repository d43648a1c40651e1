"""Mail data on its way into a cassette: small in memory, large in a file beside it.

Owns the folder NAME.d. What is streamed there is never held in memory whole; a file's name is the
SHA-256 of what it holds.
"""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import IO, Any

from smtpproxy.cassette.model import Kept
from smtpproxy.smtp.maildata import FINAL_DOT, Unstuffer, stuff, unstuff

#: Octets from which on mail data goes to a file of its own.
LARGE = 64 * 1024
_PIECE = 256 * 1024


def folder_of(cassette: Path) -> Path:
    """Return the folder of a cassette's message files: NAME.d beside NAME.yaml."""
    return cassette.with_name(f"{cassette.stem}.d")


class Spool:
    """Takes the mail data of one message, or one BDAT chunk, as it passes.

    `stuffed`: it is mail data after DATA, dot-stuffed and ended by a dot. `room`: octets that may
    stay in memory.
    """

    __slots__ = ("_dots", "_file", "_folder", "_octets", "_room", "_stuffed", "_tail")

    def __init__(self, folder: Path, stuffed: bool, room: int = LARGE) -> None:
        self._folder = folder
        self._stuffed = stuffed
        self._room = room
        self._octets = bytearray()  # one piece, however many it came in
        self._file: IO[bytes] | None = None
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
        octets = bytes(self._octets)
        if not self._stuffed:
            return Kept(octets)
        octets = octets.removesuffix(FINAL_DOT)
        if b"\r\n." not in octets and octets[:1] != b".":
            return Kept(octets)
        message = unstuff(octets)
        return Kept(message) if stuff(message) == octets else Kept(octets, wire=True)

    def discard(self) -> None:
        """Forget everything."""
        if self._file is not None:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)
            self._file = None
        self._octets.clear()

    def _spill(self) -> None:
        if self._file is None:
            self._folder.mkdir(exist_ok=True)
            self._file = _open_new(self._folder)
        octets = bytes(self._octets)
        # Two octets stay behind, for a dot at the seam, and the final dot with them.
        certain, rest = octets[:-3], octets[-3:]
        seam = self._tail + certain
        self._dots = self._dots or b"\r\n." in seam
        self._tail = seam[-2:]
        self._file.write(certain)
        self._octets = bytearray(rest)

    def _finish_file(self, file: IO[bytes]) -> Kept:
        octets = bytes(self._octets)
        rest = octets.removesuffix(FINAL_DOT) if self._stuffed else octets
        self._dots = self._dots or b"\r\n." in self._tail + rest
        file.write(rest)
        file.close()
        self._file = None
        wire = False
        path = Path(file.name)
        if self._stuffed and self._dots:
            path, wire = _unstuffed(path, self._folder)
        with path.open("rb") as finished:
            digest = hashlib.file_digest(finished, "sha256").hexdigest()
        size = path.stat().st_size
        path.replace(self._folder / f"{digest}.eml")
        return Kept(b"", wire, f"{digest}.eml", size)


def _open_new(folder: Path) -> IO[bytes]:
    file: Any = tempfile.NamedTemporaryFile(  # noqa: SIM115 - it outlives this call
        dir=folder, prefix="partial-", suffix=".tmp", delete=False, buffering=_PIECE
    )
    opened: IO[bytes] = file
    return opened


def _unstuffed(path: Path, folder: Path) -> tuple[Path, bool]:
    """Return a file with dot-stuffing undone, or the same where that would lose something."""
    unstuffer = Unstuffer()
    with path.open("rb") as source, _open_new(folder) as target:
        while piece := source.read(_PIECE):
            target.write(unstuffer.feed(piece))
        target.write(unstuffer.finish())
    other = Path(target.name)
    if unstuffer.exact:
        path.unlink()
        return other, False
    other.unlink()
    return path, True
