"""What is compared of a message: a digest of it without its noise, taken as it passes.

Owns what is equal in messages: header fields but for their folding and those that are ignored, and
the body but for the names of MIME boundaries. However long a message is, no more than a line of it
is held.
"""

from __future__ import annotations

import hashlib
import re
from typing import NamedTuple

from smtpproxy.cassette.matching import BOUNDARY, Matching
from smtpproxy.visible import visible

#: Octets of a line, or of a header field, that are looked at as one.
_LONGEST = 64 * 1024
_PIECE = 16 * 1024  # octets that are cut into lines at once
#: Header fields that are told of by name, and characters of each.
_MOST_FIELDS, _SHOWN = 100, 60
_MOST_BOUNDARIES = 100
_BOUNDARY = re.compile(rb"(boundary[ ]*=[ ]*)(?:\"([^\"]+)\"|([^;\"\s]+))", re.IGNORECASE)


class Fingerprint(NamedTuple):
    """The digest, what it is made of, by name and fit to be shown, and the digest of the body."""

    digest: bytes
    parts: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


NO_MESSAGE = Fingerprint(b"")


class Fingerprinter:
    """Takes one message, as its receiver understands it, in any pieces."""

    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._hash = hashlib.sha256()
        self._body = hashlib.sha256()
        self._octets = 0  # of the body
        self._rest = b""  # the beginning of a line
        self._cut = False  # of a line that was too long to be held
        self._top, self._in_header = True, True
        self._field = b""
        self._names = not matching.ignores(BOUNDARY)  # of boundaries count
        self._boundaries: dict[bytes, int] = {}
        self._parts: dict[str, str] = {}

    def add(self, octets: bytes) -> None:
        """Take what follows."""
        for at in range(0, len(octets), _PIECE):
            if not self._in_header and not self._boundaries:
                rest, self._rest = self._rest, b""
                self._take_body(rest)
                self._take_body(octets[at:])
                return
            self._take_lines(octets[at : at + _PIECE])

    def _take_lines(self, octets: bytes) -> None:
        *lines, rest = (self._rest + octets).split(b"\n")
        self._rest = b""
        for line in lines:
            self._line(line + b"\n")
        self._rest = rest
        if len(rest) > _LONGEST:
            self._line(rest)
            self._rest, self._cut = b"", True

    def finish(self) -> Fingerprint:
        """Return the fingerprint: the message is complete."""
        if self._rest:
            self._line(self._rest)
        self._end_field()
        body = self._body.digest()
        self._hash.update(b"\n" + body)
        told = f"{self._octets:,} octets, SHA-256 {body.hex()[:12]}…"
        return Fingerprint(self._hash.digest(), (*self._parts.items(), ("body", told)), body)

    def _take_body(self, octets: bytes) -> None:
        self._octets += len(octets)
        self._body.update(octets)

    def _line(self, line: bytes) -> None:
        """Take a line, or a part of one that is too long."""
        begins, self._cut = not self._cut, self._cut and not line.endswith(b"\n")
        if self._in_header and begins and line.strip(b"\r\n"):
            if line[:1] not in b" \t":
                self._end_field()
            self._field += line[: max(0, _LONGEST - len(self._field))]
        elif self._in_header and not begins:
            self._field += line[: max(0, _LONGEST - len(self._field))]
        elif self._in_header:
            self._end_field()
            self._in_header = self._top = False
        else:
            self._take_body(self._delimiter(line) if begins and line[:2] == b"--" else line)

    def _delimiter(self, line: bytes) -> bytes:
        """Return a line of the body; a boundary is known by its number alone."""
        name = line[2:].rstrip()
        number, closes = self._boundaries.get(name), False
        if number is None and name.endswith(b"--"):
            number, closes = self._boundaries.get(name[:-2]), True
        if number is None:
            return line
        self._in_header = not closes
        return line if self._names else b"--%d%s\r\n" % (number, b"--" if closes else b"")

    def _end_field(self) -> None:
        """A header field is complete: of the message, or of one of its parts."""
        field, self._field = b" ".join(self._field.split()), b""
        if not field:
            return
        name, _, value = field.partition(b":")
        shown = visible(name.strip()[:_SHOWN])
        if self._matching.ignores(shown):
            return
        if name.strip().lower() == b"content-type":
            value = _BOUNDARY.sub(self._numbered, value)
        field = name.strip().lower() + b": " + value.strip()
        (self._hash if self._top else self._body).update(field + b"\n")
        if self._top and len(self._parts) < _MOST_FIELDS:
            self._tell(f"header {shown}", value.strip())

    def _numbered(self, found: re.Match[bytes]) -> bytes:
        boundary = found[2] or found[3]
        if len(self._boundaries) < _MOST_BOUNDARIES:
            self._boundaries.setdefault(boundary, len(self._boundaries) + 1)
        number = self._boundaries.get(boundary, 0)
        return found[0] if self._names else found[1] + b"%d" % number

    def _tell(self, name: str, value: bytes) -> None:
        """Keep a value for people; where it is cut, its digest tells it from others."""
        told = visible(value)
        if len(told) > _SHOWN:
            told = f"{told[:_SHOWN]}… (SHA-256 {hashlib.sha256(value).hexdigest()[:12]}…)"
        before = self._parts.get(name)
        self._parts[name] = told if before is None else f"{before}; {told}"[: 4 * _SHOWN]
