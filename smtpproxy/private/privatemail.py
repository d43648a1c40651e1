"""Mail data as they may be kept, by the user's rules: a stream, whatever the segments it comes in.

Owns the way from header to body and through the parts of a MIME message. A body that is replaced
keeps its octets' number, its line endings, the dots that lines begin with and the lines between
parts; each other octet becomes an x. So a message stays a message, and its end stays its end.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TypeAlias

from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatefields import Fields
from smtpproxy.private.spotting import NO_WORDS

#: Octets of a field of a header that are held until it is complete; of what is longer, nothing is
#: kept but its name. Lines that are looked at for patterns are as long at the most.
LONGEST_FIELD = 64 * 1024
#: RFC 2046 §5.1.1: a boundary has 70 characters at the most; blanks may follow.
_LONGEST_DELIMITER = 256
_MOST_BOUNDARIES = 64

_WITHOUT_NUL = bytes([ord("x"), *range(1, 256)])
_MASK = bytes(
    {0: ord("."), 10: 10, 13: 13}.get(octet, ord("x")) for octet in range(256)
)  # NUL stands for a dot that is kept


#: Takes octets, and whether they are the last; returns what is shown, and what is left of them.
_Way: TypeAlias = Callable[[bytes, bool], tuple[bytes, bytes]]


class PrivateMail:
    """One message, with or without dot-stuffing."""

    __slots__ = ("_boundaries", "_feed", "_fields", "_lead", "_looked", "_pending", "_privacy")

    def __init__(self, privacy: Privacy, words: Mapping[bytes, bytes] = NO_WORDS) -> None:
        """`words`: names that were said before, in lower case."""
        self._privacy = privacy
        self._fields = Fields(privacy, words)
        self._pending = b""
        self._looked = 0  # octets of what is pending in which no field ends
        self._lead = 0  # octets of this line so far, of which all are dots; more than two: 2
        self._boundaries: dict[bytes, bytes] = {}  # as they are, and as they are shown
        self._feed: _Way = self._header

    def feed(self, octets: bytes, last: bool = False) -> bytes:
        """Return what may be kept and is certain by now; with the `last` octets, all of it."""
        pieces: list[bytes] = []
        octets, self._pending = self._pending + octets, b""
        while octets:
            way, left = self._feed, len(octets)
            piece, octets = way(octets, last)
            pieces.append(piece)
            if len(octets) == left and self._feed == way:
                break  # the rest waits for more
        self._pending = octets
        return b"".join(pieces)

    def _header(self, octets: bytes, last: bool) -> tuple[bytes, bytes]:
        """Take fields, and return what is shown of them and what is left."""
        shown: list[bytes] = []
        at, self._looked, looked = 0, 0, self._looked
        for end in _ends_of_fields(octets, last, looked):
            field = octets[at:end]
            if field in (b"\r\n", b"\n") or not self._fields.is_field(field):
                # RFC 5322 §2.1: an empty line; or a body without one before it.
                self._feed = self._body_way()
                if field.strip(b"\r\n"):
                    return b"".join(shown), octets[at:]
                return b"".join([*shown, field]), octets[end:]
            shown.append(self._field(field))
            at = end
        if len(octets) - at > LONGEST_FIELD:
            name = self._fields.name_of(octets[at : at + LONGEST_FIELD])
            self._feed = self._rest_of_field if name else self._body_way()
            shown.append(name + b" " + self._fields.HIDDEN if name else b"")
        else:
            # What follows its last line end is not known yet.
            self._looked = max(0, len(octets) - at - octets.endswith(b"\n"))
        return b"".join(shown), octets[at:]

    def _field(self, field: bytes) -> bytes:
        boundary = self._fields.boundary_of(field)
        if boundary and len(self._boundaries) < _MOST_BOUNDARIES:
            self._boundaries[boundary] = self._fields.shown_boundary(boundary)
        return self._fields.shown(field)

    def _rest_of_field(self, octets: bytes, last: bool) -> tuple[bytes, bytes]:
        """Leave out the rest of a field that is too long."""
        end = next(_ends_of_fields(octets, last, inside=True), 0)
        if end:
            self._feed = self._header
            return b"\r\n", octets[end:]
        # What could be the end of the field, or not, is all that must stay.
        kept = octets[-2:] if octets.endswith(b"\n") else octets[-1:]
        return b"", kept

    def _body_way(self) -> _Way:
        privacy = self._privacy
        if privacy.bodies:
            return self._masked
        return self._lines if privacy.patterns else self._kept

    def _kept(self, octets: bytes, last: bool) -> tuple[bytes, bytes]:
        return octets, b""

    def _lines(self, octets: bytes, last: bool) -> tuple[bytes, bytes]:
        """Look at each line of a body that is kept."""
        lines = octets.split(b"\n")
        rest = lines.pop()
        unmatched = self._privacy.unmatched
        shown = b"".join((line if line == b".\r" else unmatched(line)) + b"\n" for line in lines)
        if last:
            return shown + unmatched(rest), b""
        if len(rest) > LONGEST_FIELD:
            self._feed = self._rest_of_line
        return shown, rest

    def _rest_of_line(self, octets: bytes, last: bool) -> tuple[bytes, bytes]:
        """Mask the rest of a line that is too long to be looked at."""
        end = octets.find(b"\n") + 1
        if end:
            self._feed = self._lines
        end = end or len(octets)
        return self._mask(octets[:end]), octets[end:]

    def _masked(self, octets: bytes, last: bool) -> tuple[bytes, bytes]:
        """Mask a body up to the next line that stands between parts."""
        if not self._boundaries:
            return self._mask(octets), b""
        at = 0 if not self._lead else octets.find(b"\n") + 1 or len(octets)
        while at < len(octets):
            end = octets.find(b"\n", at) + 1
            if octets[at : at + 2] == b"--"[: len(octets) - at]:
                if not (end or last) and len(octets) - at <= _LONGEST_DELIMITER:
                    return self._mask(octets[:at]), octets[at:]
                if end and (delimiter := self._delimiter(octets[at:end])):
                    masked = self._mask(octets[:at])
                    self._lead = 0
                    return masked + delimiter, octets[end:]
            following = octets.find(b"\n--", at)
            # A line may begin as one with its last octets here.
            at = following + 1 if following >= 0 else _begun_line(octets, at)
        return self._mask(octets), b""

    def _delimiter(self, line: bytes) -> bytes:
        """Return a line as it may be kept, if it stands between parts; else b""."""
        bare = line.rstrip(b" \t\r\n")
        name, end = bare[2:], b""
        if name not in self._boundaries and name.endswith(b"--"):
            name, end = name[:-2], b"--"
        if name not in self._boundaries:
            return b""
        if not end:
            self._feed, self._fields.of_part = self._header, True
        return b"--" + self._boundaries[name] + end + line[len(bare) :]

    def _mask(self, octets: bytes) -> bytes:
        if not octets:
            return octets
        plain = octets.translate(_WITHOUT_NUL)
        dots = min(len(plain) - len(plain.lstrip(b".")), 2 - self._lead)
        plain = b"\0" * dots + plain[dots:]
        plain = plain.replace(b"\n..", b"\n\0\0").replace(b"\n.", b"\n\0")
        begun = octets[octets.rfind(b"\n") + 1 :]
        lead = self._lead if begun is octets else 0
        self._lead = min(lead + len(begun), 2) if begun in (b"", b".", b"..") else 2
        return plain.translate(_MASK)


def _ends_of_fields(
    octets: bytes, last: bool, looked: int = 0, inside: bool = False
) -> Iterator[int]:
    """Yield where each field, or an empty line, ends; `inside` one, nothing is an empty line.

    Before `looked` nothing ends.
    """
    start, at = 0, looked
    while end := octets.find(b"\n", at) + 1:
        empty = not inside and octets[start : min(end, start + 3)] in (b"\r\n", b"\n")
        if end == len(octets) and not (last or empty):
            return
        at = end
        if empty or octets[end : end + 1] not in (b" ", b"\t"):
            start, inside = end, False
            yield end
    if last and start < len(octets):
        yield len(octets)


def _begun_line(octets: bytes, at: int) -> int:
    """Return where a line begins that may yet stand between parts, or the end."""
    begun = len(octets) - 1
    return begun if begun > at and octets.endswith(b"\n-") else len(octets)
