"""Chunks of BDAT as lines of a dialogue: how they are shown, and how they are read again.

A chunk is known by its size alone (RFC 3030 §2): it may end within a line, and hold any octets.
Owns both directions, so that what is shown is read as what it was.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import NamedTuple

from smtpproxy.cassette.overheard import Side, Turn
from smtpproxy.visible import UNSAFE

_CRLF = b"\r\n"
#: What does not stand as itself in a chunk where anything does not.
_ODD = re.compile(f"[{UNSAFE}\t\n\\\\]")
_HIDDEN = re.compile(f"[{UNSAFE}\t\n]")
_ESCAPED = re.compile(rb"\\x([0-9a-f]{2})")
_BDAT = re.compile(rb"(?i)(BDAT[ \t]+)([0-9]{1,18})((?:[ \t]+LAST)?[ \t]*\r\n)")
_DOT = b".\r\n"


class Fitted(NamedTuple):
    """Turns with whole chunks, and the lines of BDATs whose size is not that of what follows."""

    turns: list[Turn]
    misfits: list[int]


def shown(chunk: bytes) -> Iterator[str]:
    """Yield a chunk's lines, fit to be shown; octets that are not are numbers in all of them."""
    lines = chunk.decode("utf-8", "surrogateescape").split("\r\n")
    escapes = any(map(_HIDDEN.search, lines))
    for line in lines[: -1 if not lines[-1] else None]:
        yield _ODD.sub(_number, line) if escapes else line


def _number(found: re.Match[str]) -> str:
    octets = found[0].encode("utf-8", "surrogateescape")
    return "".join(f"\\x{octet:02x}" for octet in octets)


def fitted(turns: list[Turn]) -> Fitted:
    """Make turns, a line each, those that were sent: each chunk has the octets that BDAT says.

    Where other octets follow, BDAT is made to say how many.
    """
    lines = _Lines(turns)
    fitted = Fitted([], [])
    at, in_mail_data = 0, False
    while at < len(turns):
        turn = turns[at]
        at += 1
        if turn.side is Side.SERVER:
            in_mail_data = turn.octets.startswith(b"354")
        elif turn.octets == _DOT:
            in_mail_data = False
        bdat = None if in_mail_data or turn.side is Side.SERVER else _BDAT.fullmatch(turn.octets)
        if bdat is None:
            fitted.turns.append(turn)
            continue
        end, chunk = lines.chunk(at, int(bdat[2]))
        if chunk is None:
            fitted.misfits.append(turn.line)
            end, chunk = lines.as_it_stands(at)
            turn = turn._replace(octets=b"%b%d%b" % (bdat[1], len(chunk), bdat[3]))
        fitted.turns.extend((turn, turn._replace(octets=chunk)))
        at = end
    return fitted


class _Lines:
    """Finds chunks among turns, without reading any turn for each BDAT before it."""

    def __init__(self, turns: list[Turn]) -> None:
        self._turns = turns
        read = (_literally, _without_numbers)
        self._ways = [
            (way, list(accumulate((len(way(turn.octets)) for turn in turns), initial=0)))
            for way in read
        ]
        self._ends = [len(turns)] * (len(turns) + 1)  # of what the client says in one go
        for at in reversed(range(len(turns))):
            self._ends[at] = self._ends[at + 1] if turns[at].side is Side.CLIENT else at

    def chunk(self, begin: int, size: int) -> tuple[int, bytes | None]:
        """Return where a chunk of this size ends, and its octets, if lines have so many."""
        for way, sums in self._ways:
            end = bisect_left(sums, sums[begin] + size, begin)
            more = sums[end] - sums[begin] - size if end < len(sums) else -1
            # The end of a line is not the chunk's own, where it is too much.
            if end <= self._ends[begin] and more in (0, len(_CRLF)):
                octets = b"".join(way(turn.octets) for turn in self._turns[begin:end])
                return end, octets[:size]
        return begin, None

    def as_it_stands(self, begin: int) -> tuple[int, bytes]:
        """Return where what follows a BDAT ends, before the next, and its octets."""
        end = begin
        while end < self._ends[begin] and not _BDAT.fullmatch(self._turns[end].octets):
            end += 1
        return end, b"".join(turn.octets for turn in self._turns[begin:end])


def _literally(octets: bytes) -> bytes:
    return octets


def _without_numbers(octets: bytes) -> bytes:
    return _ESCAPED.sub(lambda found: bytes.fromhex(found[1].decode()), octets)
