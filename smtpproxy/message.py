"""One message on its way through changes: out of its framing, through filters, into another.

Owns what is known of the message as the client sent it, and its new framing. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from smtpproxy.exchange import Message
from smtpproxy.faults.base import DataFilter
from smtpproxy.smtp.maildata import DotFinder, Stuffer, Unstuffer

#: Octets of a header section that conditions look at.
_MOST_HEADER = 64 * 1024


class Known:
    """What conditions may know of a message, as its client sent it, dot-stuffing undone.

    `header` is the header section, lines with CRLF, as far as there is room; `size` in octets.
    """

    __slots__ = ("_over", "header", "size")

    def __init__(self) -> None:
        self.header = b""
        self.size = 0
        self._over = False

    def add(self, octets: bytes) -> None:
        """Take the next octets."""
        self.size += len(octets)
        if self._over:
            return
        before = max(0, len(self.header) - 3)
        self.header += octets[: _MOST_HEADER - len(self.header)]
        end = 0 if self.header.startswith(b"\r\n") else self.header.find(b"\r\n\r\n", before) + 2
        if end != 1:
            self.header = self.header[:end]
        self._over = end != 1 or len(self.header) >= _MOST_HEADER

    def message(self) -> Message:
        """Return what rules look at: it has come whole."""
        return Message(self.size, self.header)


class Reframing:
    """A message goes in, and comes out changed. `stuffed`: its client sends it by DATA."""

    def __init__(self, filters: Sequence[DataFilter], stuffed: bool) -> None:
        self.known = Known()
        self.filters = filters
        self._dot = DotFinder()
        self._unstuffer = Unstuffer() if stuffed else None
        self._stuffer = Stuffer()

    def feed(self, octets: bytes, last: bool) -> bytes:
        """Return what goes over the wire; `last`: the message is complete."""
        unstuffer = self._unstuffer
        if unstuffer is None:
            self.known.add(octets)
            return self._changed(octets, last)
        content = unstuffer.feed(self._dot.feed(octets, last))
        if last:
            content += unstuffer.finish()
        self.known.add(content)
        if not self.filters:
            return octets  # as it was, dot for dot
        changed = self._stuffer.feed(self._changed(content, last))
        return changed + self._stuffer.finish() if last else changed

    def _changed(self, octets: bytes, last: bool) -> bytes:
        for one in self.filters:
            octets = one.feed(octets)
            if last:
                octets += one.finish()
        return octets
