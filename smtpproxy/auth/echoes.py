"""What a server repeats of secrets, found in whatever form: whole or in part, encoded or not.

Owns the forms in which a secret may turn up, and how much of it is enough to be hidden. What is a
secret is decided by others. Its cost grows with what was learned: with nothing, it is none.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator

PLACEHOLDER = b"[redacted]"

#: Shorter texts are too common to be taken for a secret that is repeated.
_SHORTEST = 4
#: So much of a secret is enough to be hidden, wherever it was cut: 6 octets in base64.
PIECE = 8
# Each piece holds a piece of this length at an offset that is a multiple of STRIDE.
_GRAM = 4
_STRIDE = PIECE - _GRAM + 1
#: Most secrets known by their whole, and most octets of those known by any part.
_MOST = 32
_MOST_OCTETS = 32 * 1024
# What is longer is no password: nobody encodes it once more.
_LONGEST_ENCODED = 2048
#: So many octets are compared with so many others; where it would be more, nothing is shown.
_MOST_WORK = 1 << 26

# Servers spell what they repeat in capitals, and encode it for URLs.
_FOLDED = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ-_", b"abcdefghijklmnopqrstuvwxyz+/")
_BETWEEN = b"\n\r\n"
_CODE = re.compile(rb"[0-9]{3}[ -]?")


class Echoes:
    """The secrets that one session has learned, and texts without them."""

    __slots__ = ("_forms", "_joined", "_size", "_wholes")

    def __init__(self) -> None:
        self._wholes: list[bytes] = []  # longest first, so that no part of one outlives it
        self._forms: dict[bytes, None] = {}  # of which any piece is hidden, the newest last
        self._size = 0  # octets of all of them
        self._joined = b""  # all of them in one, once that is needed

    def learn(self, secret: bytes) -> None:
        """Remember a secret of which parts are common words: it is hidden as a whole."""
        if len(secret) < _SHORTEST or secret in self._wholes:
            return
        self._wholes = sorted([*self._wholes[-_MOST + 1 :], secret], key=len, reverse=True)

    def learn_parts(self, secret: bytes, encoded: bool = True) -> None:
        """Remember a secret of which each part is one, `encoded` in base64 as well."""
        forms = [secret]
        if encoded and len(secret) <= _LONGEST_ENCODED:
            forms += _encoded(secret)
        for form in forms:
            if len(form) >= PIECE:
                self._learn_form(form)
            else:
                self.learn(form)

    def _learn_form(self, form: bytes) -> None:
        folded = form[:_MOST_OCTETS].translate(_FOLDED)
        if folded in self._forms:
            return
        self._forms[folded] = None
        self._size += len(folded)
        while self._size > _MOST_OCTETS:
            oldest = next(iter(self._forms))
            del self._forms[oldest]
            self._size -= len(oldest)
        self._joined = b""

    def without_lines(self, wire: bytes) -> bytes:
        """Return a reply as it may be shown, line by line: its codes are no secret."""
        return b"\n".join(map(self._without_line, wire.split(b"\n")))

    def _without_line(self, line: bytes) -> bytes:
        bare = line.rstrip(b"\r")
        code = _CODE.match(bare)
        begin = len(code[0]) if code else 0
        text = self.without(bare[begin:])
        if begin == 3 and text == bare[begin:] and self.without(bare) != bare:
            text = PLACEHOLDER  # its first digits are taken for a code
        return bare[:begin] + text + line[len(bare) :]

    def without(self, octets: bytes) -> bytes:
        """Return octets as they may be shown."""
        if self._forms and len(octets) >= PIECE:
            self._joined = self._joined or _BETWEEN.join(self._forms)
            octets = self._without_pieces(octets)
        for secret in self._wholes:
            octets = octets.replace(secret, PLACEHOLDER)
        return octets

    def _without_pieces(self, octets: bytes) -> bytes:
        if len(octets) * len(self._joined) > _MOST_WORK:
            return PLACEHOLDER
        shown: list[bytes] = []
        last = -1  # where what was found last ends
        for begin, end in self._pieces(octets.translate(_FOLDED)):
            if begin > last:
                shown += octets[max(last, 0) : begin], PLACEHOLDER
            last = end
        return b"".join(shown) + octets[last:] if shown else octets

    def _pieces(self, folded: bytes) -> Iterator[tuple[int, int]]:
        """Yield where pieces of secrets begin and end, from left to right; they may overlap."""
        joined = self._joined
        low = at = 0  # what begins before `low` was looked at
        while at <= len(folded) - _GRAM:
            if folded[at : at + _GRAM] in joined:
                for begin in range(max(low, at + _GRAM - PIECE), at + 1):
                    if (length := self._length(folded, begin)) >= PIECE:
                        yield begin, begin + length
                        low = at = begin + length - PIECE + 1
                        break
                else:
                    at += _STRIDE
            else:
                at += _STRIDE

    def _length(self, folded: bytes, begin: int) -> int:
        """Return how much from here on is part of a secret, or 0 where it is less than a piece."""
        joined, most = self._joined, len(folded) - begin
        if most < PIECE or folded[begin : begin + PIECE] not in joined:
            return 0
        length = step = PIECE
        while step:
            if length + step <= most and folded[begin : begin + length + step] in joined:
                length += step
                step *= 2
            else:
                step //= 2
        return length


def _encoded(secret: bytes) -> Iterator[bytes]:
    """Yield a secret in base64, without the characters that what is around it has a part in."""
    for before in range(3):
        encoded = base64.b64encode(bytes(before) + secret)
        begin, end = -(-before * 8 // 6), (before + len(secret)) * 8 // 6
        # Up to its end, if nothing follows; what is too short to be cut must be found within more.
        yield encoded[begin : end if end - begin < PIECE else None]
