"""The facts that octets turn into: what a peer sent, as it was sent.

Owns the vocabulary between the readers and whoever has opinions. A fact keeps its octets, so that a
relay never rebuilds what it can pass on. Knows nothing of connections, rules or cassettes.
"""

from __future__ import annotations

import re
from typing import NamedTuple, TypeAlias

_ENHANCED = re.compile(rb"[0-9]{3}[ -]([245]\.[0-9]{1,3}\.[0-9]{1,3})(?=[ \t\r\n]|$)")


class Command(NamedTuple):
    """One command line (RFC 5321 §2.4).

    `verb` is upper-case, or "?" where the line does not begin with a word; `wire` is the line as it
    was sent, line ending included.
    """

    verb: str
    wire: bytes

    @property
    def argument(self) -> bytes:
        """What follows the verb, without surrounding blanks and line ending."""
        return self.wire.strip()[len(self.verb) :].strip() if self.verb != "?" else b""


class Continuation(NamedTuple):
    """A client's line in answer to a 334 (RFC 4954 §4): always a secret, or `*` to cancel."""

    wire: bytes


class MailData(NamedTuple):
    """Octets of mail data after DATA, as sent: dot-stuffed, final dot included.

    `last` says that the end of mail data has been seen (RFC 5321 §4.1.1.4).
    """

    octets: bytes
    last: bool


class Chunk(NamedTuple):
    """Octets of a BDAT chunk, as sent (RFC 3030 §2); `last` says that the chunk is complete.

    Every BDAT is followed by one whose `last` is true, if only of no octets.
    """

    octets: bytes
    last: bool


class Opaque(NamedTuple):
    """Octets that nobody reads any more: what follows STARTTLS or TURN."""

    octets: bytes


class Overlong(NamedTuple):
    """More octets than a line may have came without a line ending. Nothing is read after it."""

    octets: bytes


class Reply(NamedTuple):
    """One complete reply, all of its lines, as the server sent them (RFC 5321 §4.2).

    `code` is that of its last line, from 0 to 999.
    """

    code: int
    wire: bytes

    @property
    def lines(self) -> list[bytes]:
        """The text of each line, without code, separator and line ending."""
        if self.wire.count(b"\n") == 1:
            return [self.wire[4:].rstrip(b"\r\n")]
        return [line.rstrip(b"\r\n")[4:] for line in self.wire.removesuffix(b"\n").split(b"\n")]

    @property
    def enhanced(self) -> str:
        """The enhanced status code (RFC 3463) such as "5.1.1", or "" where there is none."""
        if self.wire[5:6] != b".":
            return ""
        found = _ENHANCED.match(self.wire)
        return found[1].decode("ascii") if found else ""


class Stray(NamedTuple):
    """A line from a server that is not part of any reply. It is relayed and answers nothing."""

    wire: bytes


def is_last_chunk(wire: bytes) -> bool:
    """Is this BDAT's line that of a last chunk (RFC 3030 §2)?"""
    return wire.upper().split()[-1:] == [b"LAST"]


ClientFact: TypeAlias = Command | Continuation | MailData | Chunk | Opaque | Overlong
ServerFact: TypeAlias = Reply | Stray | Opaque | Overlong
