"""Text that grows, and does not stay in memory where there is much of it.

Owns the temporary file that it goes to. Knows nothing of what the text says.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from typing import IO

from smtpproxy.cassette.spool import LARGE


class LongText:
    """Text, in the order in which it is written."""

    __slots__ = ("_file", "_parts", "_size")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0  # of these, in characters
        self._file: IO[bytes] | None = None  # where the beginning is

    def write(self, text: str) -> None:
        """Take text. Raises OSError."""
        self._parts.append(text)
        self._size += len(text)
        if self._size > LARGE:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this call
            self._file.write("".join(self._parts).encode())
            self._parts, self._size = [], 0

    def pieces(self) -> Iterator[bytes]:
        """Return all of it; nothing can be written any more. Raises OSError."""
        if self._file is not None:
            with self._file as file:
                file.seek(0)
                while piece := file.read(LARGE):
                    yield piece
        yield "".join(self._parts).encode()
