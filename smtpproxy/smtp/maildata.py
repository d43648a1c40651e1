"""Mail data: where it ends, and dot-stuffing both ways (RFC 5321 §4.1.1.4 and §4.5.2).

Works on a stream: nothing here depends on where TCP cut the octets, and nothing is kept but a tail
of at most four octets.
"""

from __future__ import annotations

FINAL_DOT = b".\r\n"
_END = b"\r\n.\r\n"


class EndFinder:
    """Finds the end of mail data: CRLF.CRLF and nothing else, or a first line of a lone dot."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        # The line of the DATA command ended in CRLF: a dot may follow at once.
        self._tail = b"\r\n"

    def find(self, octets: bytes) -> int:
        """Return the index just behind the final dot's CRLF, or -1 where these octets lack it."""
        tail = self._tail
        seam = (tail + octets[:4]).find(_END)
        if seam >= 0:
            return seam + len(_END) - len(tail)
        found = octets.find(_END)
        if found >= 0:
            return found + len(_END)
        self._tail = octets[-4:] if len(octets) >= 4 else (tail + octets)[-4:]
        return -1


class Unstuffer:
    """Undoes dot-stuffing in a stream of mail data, final dot excluded.

    `exact` becomes False as soon as stuffing the result again would not give these octets: a line
    began with a single dot.
    """

    __slots__ = ("_dot", "_skip", "_tail", "exact")

    def __init__(self) -> None:
        self._tail = b"\r\n"  # as for EndFinder; never given out
        self._skip = 2
        self._dot = False  # the last certain octet was a dot that began its line
        self.exact = True

    def feed(self, octets: bytes) -> bytes:
        """Return the message's octets that are certain by now; up to two are held back."""
        octets = self._tail + octets
        keep = 2 if octets.endswith(b"\r\n") else 1 if octets.endswith(b"\r") else 0
        certain = octets[: len(octets) - keep]
        self._tail = octets[len(octets) - keep :]
        if self._dot and octets:
            self._note(octets.startswith(b"."))
            self._dot = False
        if b"\r\n." in certain:
            self._dot = certain.endswith(b"\r\n.")
            self._note(certain.count(b"\r\n.") - self._dot == certain.count(b"\r\n.."))
            certain = certain.replace(b"\r\n.", b"\r\n")
        if self._skip and certain:
            certain, self._skip = certain[self._skip :], 0
        return certain

    def finish(self) -> bytes:
        """Return what was held back: the mail data is complete."""
        self._note(not self._dot)
        rest, self._tail = self._tail[self._skip :], b""
        return rest

    def _note(self, exact: bool) -> None:
        self.exact = self.exact and exact


def stuff(message: bytes) -> bytes:
    """Return `message` as it goes over the wire after DATA, without the final dot."""
    stuffed = message.replace(b"\r\n.", b"\r\n..")
    return b"." + stuffed if stuffed.startswith(b".") else stuffed


def unstuff(octets: bytes) -> bytes:
    """Return the message that a receiver takes from the mail data before the final dot."""
    message = octets.replace(b"\r\n.", b"\r\n")
    return message[1:] if message.startswith(b".") else message


def missing_end(octets: bytes) -> bytes:
    """Return what these octets lack to end in CRLF; no octets lack nothing."""
    if not octets or octets.endswith(b"\r\n"):
        return b""
    return b"\n" if octets.endswith(b"\r") else b"\r\n"


class DotFinder:
    """Takes the final dot from a stream of mail data: it is the last three octets, if anything."""

    __slots__ = ("_tail",)

    def __init__(self) -> None:
        self._tail = b""

    def feed(self, octets: bytes, last: bool) -> bytes:
        """Return the octets that are certainly before the final dot."""
        octets = self._tail + octets
        certain = octets[: max(0, len(octets) - len(FINAL_DOT))]
        self._tail = b"" if last else octets[len(certain) :]
        return certain


class Stuffer:
    """Does dot-stuffing in a stream, and ends it by the final dot."""

    __slots__ = ("_empty", "_tail")

    def __init__(self) -> None:
        self._tail = b"\r\n"  # as for EndFinder
        self._empty = True

    def feed(self, octets: bytes) -> bytes:
        """Return the message's octets as they go over the wire."""
        if not octets:
            return b""
        tail, self._empty = self._tail, False
        octets = tail + octets
        self._tail = octets[-2:]
        return octets.replace(b"\r\n.", b"\r\n..")[len(tail) :]

    def finish(self) -> bytes:
        """Return the final dot, and before it what a message needs that does not end in CRLF."""
        return (b"" if self._empty else missing_end(self._tail)) + FINAL_DOT
