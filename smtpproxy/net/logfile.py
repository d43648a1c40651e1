"""Where the log goes: standard output, or a file, which can be rotated and opened anew.

Owns the choice among Twisted's log files. Each is written whole lines at a time, so that no record
is cut by a rotation.
"""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path
from typing import IO, Any, Protocol

from twisted.python.logfile import DailyLogFile, LogFile

_SIZE = re.compile(r"([1-9][0-9]{0,8}) ?(k|M|G)B?")
_UNITS = {"k": 10**3, "M": 10**6, "G": 10**9}
DAILY = "day"


class RotationError(ValueError):
    """When to rotate can't be read. Says what was expected."""


class LogSink(Protocol):
    """What lines are written to."""

    def write(self, octets: bytes) -> object:
        """Write whole lines."""

    def flush(self) -> object:
        """Let them reach the file."""

    def reopen(self) -> object:
        """Go on in the file that bears the name now: whoever rotates has moved the old one.

        Raises OSError; then it goes on as before.
        """

    def isatty(self) -> bool:
        """Is it a terminal?"""


class _Appended:
    """A file that grows: a pipe or a device, too."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._take(path.open("ab"))

    def _take(self, file: IO[bytes]) -> None:
        self._file = file
        self.write, self.flush, self.isatty = file.write, file.flush, file.isatty

    def reopen(self) -> None:
        """Open it anew."""
        old = self._file
        self._take(self._path.open("ab"))
        # What it could not write before, it can't write now.
        with contextlib.suppress(OSError):
            old.close()


class _Rotated:
    """A file that Twisted rotates."""

    def __init__(self, path: Path, octets: int, keep: int) -> None:
        self._path = path
        self._check()
        folder = str(path.parent)
        if octets:
            self._file: Any = LogFile(path.name, folder, rotateLength=octets, maxRotatedFiles=keep)
        else:
            self._file = DailyLogFile(path.name, folder)
        self.write, self.flush = self._file.write, self._file.flush

    def _check(self) -> None:
        """Let what is wrong with the file be found before Twisted has closed the old one."""
        self._path.open("ab").close()

    def isatty(self) -> bool:
        """Nobody rotates a terminal."""
        return False

    def reopen(self) -> None:
        """Open it anew."""
        self._check()
        self._file.reopen()


class _Standard:
    """Standard output, which nobody rotates."""

    def __init__(self, file: IO[bytes]) -> None:
        self.write, self.flush, self.isatty = file.write, file.flush, file.isatty

    def reopen(self) -> None:
        """There is nothing to open."""


def parse_rotation(text: str) -> int:
    """Return the octets after which to rotate, or 0 for each day. Raises RotationError."""
    if text == DAILY:
        return 0
    found = _SIZE.fullmatch(text)
    if not found:
        raise RotationError(f"expected a size such as 10 MB, or {DAILY}, got {text!r}")
    return int(found[1]) * _UNITS[found[2]]


def open_log(where: str, rotation: str, keep: int) -> LogSink:
    """Open a file, or `-` for standard output. `rotation` is a size, "day", or "".

    Of files that were rotated by size, `keep` are kept. Raises OSError or RotationError.
    """
    if where == "-":
        if rotation:
            raise RotationError("standard output can't be rotated; name a file by --log")
        if sys.__stdout__ is None:
            raise RotationError("there is no standard output")
        return _Standard(sys.__stdout__.buffer)  # type: ignore[arg-type]
    path = Path(where)
    return _Rotated(path, parse_rotation(rotation), keep) if rotation else _Appended(path)
