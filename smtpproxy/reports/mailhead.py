"""The size and the header section of messages in passing.

Keeps no more than the header section's beginning, however long a message is. Decides nothing.
"""

from __future__ import annotations

from collections import deque

from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.smtp.maildata import Unstuffer
from smtpproxy.visible import visible

#: Octets of a header section that are kept.
MOST = 64 * 1024
_END = b"\r\n\r\n"
#: Pieces that may wait for their replies: upstream is asked no more than so many commands at once.
_MOST_PIECES = 1000


class Head:
    """What is kept of one message, or of one BDAT chunk."""

    __slots__ = ("kept", "octets", "whole")

    def __init__(self) -> None:
        self.octets = 0
        self.kept = bytearray()  # the header section, and perhaps some of what follows
        self.whole = True  # nothing of what came is missing in that

    def add(self, octets: bytes, room: int = MOST) -> None:
        """Take octets of the message; no more than `room` of them are kept in all."""
        self.octets += len(octets)
        if not self.whole:
            return
        if len(self.kept) + len(octets) > room:
            octets, self.whole = octets[: max(0, room - len(self.kept))], False
        self.kept += octets

    def join(self, other: Head) -> None:
        """Take the chunk that follows."""
        self.octets += other.octets
        if self.whole:
            self.whole = other.whole and len(self.kept) + len(other.kept) <= MOST
            self.kept += other.kept[: MOST - len(self.kept)]

    def fields(self) -> tuple[list[tuple[str, str]], bool]:
        """Return name and value of each header field, and whether there was more of them."""
        section, end, _ = bytes(self.kept).partition(_END)
        if section.startswith(b"\r\n"):
            return [], False
        fields: list[tuple[str, str]] = []
        for line in section.split(b"\r\n"):
            if line[:1] in (b" ", b"\t") and fields:
                name, value = fields[-1]
                fields[-1] = name, f"{value} {visible(line.strip())}"
            elif b":" in line:
                name, _, value = (visible(part) for part in line.partition(b":"))
                fields.append((name.strip(), value.strip()))
            elif line:
                return fields, False  # RFC 5322 §2.2: that is no header field; the body began
        return fields, not end and not self.whole


class Passing:
    """The messages of one session, from their octets to their replies."""

    __slots__ = ("_current", "_heads", "_unstuffer")

    def __init__(self) -> None:
        self._current: Head | None = None
        self._unstuffer: Unstuffer | None = None
        self._heads: deque[Head] = deque()  # complete, and not yet answered

    def take(self, fact: MailData | Chunk) -> None:
        """Take octets as they pass."""
        head = self._current
        if head is None:
            head = self._current = Head()
            self._unstuffer = Unstuffer() if type(fact) is MailData else None
        room = MOST - sum(len(waiting.kept) for waiting in self._heads)
        octets, unstuffer = fact.octets, self._unstuffer
        if unstuffer is not None:
            octets = unstuffer.feed(octets)  # it holds back the final dot's CRLF
        head.add(octets, room)
        if fact.last:
            self._current = None
            if len(self._heads) < _MOST_PIECES:
                self._heads.append(head)

    def answered(self) -> Head | None:
        """Return what the next reply is about."""
        return self._heads.popleft() if self._heads else None
