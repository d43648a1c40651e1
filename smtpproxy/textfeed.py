"""Octets as text for a parser, piece by piece, so that only a window of a file is in memory.

Owns what may stand in a text at all: UTF-8, and the characters that YAML allows. Knows nothing of
what the text says, but for the place in it.
"""

from __future__ import annotations

import codecs
import re
from typing import BinaryIO

_PIECE = 64 * 1024
_PLAIN = bytes({*range(0x20, 0x7F), 0x09, 0x0A, 0x0D})
# YAML 1.1, production c-printable; U+FEFF is a mark of the encoding and no text.
_FORBIDDEN = re.compile(
    "[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_COMMENT = re.compile(r"[ \t]+#")


class FeedError(Exception):
    """A line of the text can't be used; says why."""

    def __init__(self, line: int, problem: str) -> None:
        super().__init__(problem)
        self.line = line
        self.problem = problem


class TextFeed:
    """The text of a file."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._window = ""  # this piece and the one before
        self._at = 0  # where the window begins, in characters
        self._last = 0  # characters of this piece
        self._lines = 0
        self.octets = 0  # that were read
        self.commented = False  # there may be comments in it

    def read(self) -> str:
        """Return the next piece, or "" at the end. Raises FeedError, OSError."""
        text = ""
        while not text:
            octets = self._file.read(_PIECE)
            self.octets += len(octets)
            text = self._decoded(octets)
            if not octets:
                break
        self._slide(text)
        return text

    def begins_comment(self, index: int) -> bool:
        """Do blanks and a comment stand at this place, counted in characters?"""
        return index >= self._at and _COMMENT.match(self._window, index - self._at) is not None

    def line_at(self, index: int, most: int) -> str:
        """Return the line around a place, or "" where it is longer than `most` characters."""
        place = index - self._at
        if not 0 <= place <= len(self._window):
            return ""
        begin = self._window.rfind("\n", 0, place) + 1
        end = self._window.find("\n", place)
        line = self._window[begin : end if end >= 0 else len(self._window)]
        return line.rstrip("\r") if len(line) <= most else ""

    def _decoded(self, octets: bytes) -> str:
        try:
            text = self._decoder.decode(octets, final=not octets)
        except UnicodeDecodeError as error:
            line = self._lines + error.object[: error.start].count(b"\n") + 1
            raise FeedError(line, "is not UTF-8") from None
        if not (text.isascii() and not text.encode().translate(None, _PLAIN)):
            found = _FORBIDDEN.search(text)
            if found is not None:
                line = self._lines + text.count("\n", 0, found.start()) + 1
                problem = f"the character #x{ord(found[0]):04x} is not allowed"
                raise FeedError(line, f"is not YAML: {problem}")
        self._lines += text.count("\n")
        return text

    def _slide(self, text: str) -> None:
        self.commented = self.commented or "#" in text
        gone = len(self._window) - self._last
        self._at += gone
        self._window = self._window[gone:] + text
        self._last = len(text)
