"""Where a message's header section ends (RFC 5322 §2.2), found in a stream.

Keeps what came until then, as far as there is room. Lines end in CRLF, and in nothing else; a line
that is no header field is the body's first.
"""

from __future__ import annotations

import re

#: Octets of a header section beyond which its end is not looked for.
MOST = 64 * 1024
_FIELD = re.compile(rb"[!-9;-~]+[ \t]*:")
_BARE = re.compile(rb"\r(?!\n)|(?<!\r)\n")


class HeaderSection:
    """Takes a message until its header section is whole.

    `octets` is all that came; `end` is the place behind the last header field, or -1.
    """

    __slots__ = ("_line", "_searched", "end", "octets")

    def __init__(self) -> None:
        self.octets = bytearray()
        self.end = -1
        self._line = 0  # where the line begins whose end has not come
        self._searched = 0

    @property
    def too_large(self) -> bool:
        """Has so much come that its end is not looked for any more?"""
        return self.end < 0 and len(self.octets) >= MOST

    def feed(self, octets: bytes) -> bool:
        """Take the next octets; return whether the end is known by now."""
        self.octets += octets
        while self.end < 0 and (found := self._line_end()) >= 0:
            if found == self._line or not self._is_header(found):
                self.end = self._line
            self._line = self._searched = found + 2
        return self.end >= 0

    def finish(self) -> bool:
        """The message is complete; return whether the end is known."""
        if self.end < 0 and not self.too_large:
            whole = len(self.octets)
            self.end = whole if self._is_header(whole) else self._line
        return self.end >= 0

    def parts(self) -> tuple[bytes, bytes]:
        """Return the header fields, and all that came behind them: first of all a blank line."""
        return bytes(self.octets[: self.end]), bytes(self.octets[self.end :])

    def _line_end(self) -> int:
        found = self.octets.find(b"\r\n", self._searched, MOST)
        if found < 0:
            self._searched = max(self._line, len(self.octets) - 1)
        return found

    def _is_header(self, end: int) -> bool:
        """Is the line up to there a field, or does it go on with one?"""
        if self.octets[self._line : end].startswith((b" ", b"\t")):
            return self._line > 0
        return _FIELD.match(self.octets, self._line, end) is not None


def header_fields(header: bytes) -> list[bytes]:
    """Return each field, folded as it is, with its CRLF."""
    fields: list[bytes] = []
    for line in header.removesuffix(b"\r\n").split(b"\r\n"):
        if line[:1] in (b" ", b"\t") and fields:
            fields[-1] += line + b"\r\n"
        elif line:
            fields.append(line + b"\r\n")
    return fields


def field_name(field: bytes) -> bytes:
    """Return the name of a field, in lower case."""
    return field.partition(b":")[0].rstrip(b" \t").lower()


def has_bare_line_end(octets: bytes) -> bool:
    """Is there a CR without LF, or LF without CR?"""
    return _BARE.search(octets) is not None
