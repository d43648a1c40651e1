"""A message that is kept until it is known what becomes of it: small in memory, large on a disk.

Owns how much is kept, and where. Opens nothing itself: what a large message goes to is given.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Protocol

#: Octets that stay in memory.
ROOM = 64 * 1024
#: Octets of one message that are kept; what is larger is refused.
LIMIT = 1024 * 1024 * 1024


class SpoolFile(Protocol):
    """What a large message is written to, and read from. It is gone once it is closed."""

    def write(self, octets: bytes, /) -> int:
        """Add octets. Raises OSError."""

    def read(self, most: int, /) -> bytes:
        """Return the next octets, no more than so many; b"" at the end. Raises OSError."""

    def seek(self, offset: int, /) -> int:
        """Go to a place. Raises OSError."""

    def close(self) -> None:
        """Forget it all."""


class SpoolError(Exception):
    """A message can't be kept. `full`: it is too large for anybody, and not only for this disk."""

    def __init__(self, words: str, full: bool) -> None:
        super().__init__(words)
        self.full = full


class Spool:
    """The octets of one message, or of one chunk, first written and then read.

    `open_file` opens what they go to where they are more than `room`.
    """

    __slots__ = ("_file", "_limit", "_octets", "_open_file", "_reading", "_room", "size")

    def __init__(
        self,
        open_file: Callable[[], SpoolFile] = io.BytesIO,
        room: int = ROOM,
        limit: int = LIMIT,
    ) -> None:
        self._open_file = open_file
        self._room = room
        self._limit = limit
        self._octets = bytearray()
        self._file: SpoolFile | None = None
        self._reading = False
        self.size = 0  # octets

    def add(self, octets: bytes) -> None:
        """Keep octets behind those that are there. Raises SpoolError."""
        self.size += len(octets)
        if self.size > self._limit:
            raise SpoolError(f"a message of more than {self._limit} octets is not kept", True)
        self._octets += octets
        if len(self._octets) > self._room:
            self._write_down()

    def _write_down(self) -> None:
        try:
            if self._file is None:
                self._file = self._open_file()
            self._file.write(bytes(self._octets))
        except OSError as error:
            raise SpoolError(f"a message could not be kept: {error.strerror}", False) from None
        self._octets.clear()

    @property
    def large(self) -> bool:
        """Is it more than what stays in memory?"""
        return self._file is not None

    def read(self, most: int) -> bytes:
        """Return the next octets from the first on, no more than so many; b"" at the end.

        Nothing is added any more. Raises OSError.
        """
        if self._file is not None:
            if not self._reading:
                self._reading = True
                self._file.write(bytes(self._octets))
                self._octets.clear()
                self._file.seek(0)
            return self._file.read(most)
        octets = bytes(self._octets[:most])
        del self._octets[:most]
        return octets

    def close(self) -> None:
        """Forget it."""
        self._octets.clear()
        if self._file is not None:
            self._file.close()
            self._file, self._open_file = None, io.BytesIO
