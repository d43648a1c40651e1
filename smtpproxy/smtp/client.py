"""What a client sends, cut into facts.

Owns the framing of the client's stream. It depends on a verb and on the reply to it, never on the
phase of the session: what is sent behind DATA, AUTH, STARTTLS, XCLIENT, TURN or ATRN is held until
`answered` says how the command fared.
"""

from __future__ import annotations

import re
from enum import Enum, auto

from smtpproxy.smtp.facts import (
    Chunk,
    ClientFact,
    Command,
    Continuation,
    MailData,
    Opaque,
    Overlong,
)
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from smtpproxy.smtp.maildata import EndFinder

#: Commands whose reply decides how the octets behind them are to be read.
HOLDING = frozenset({"DATA", "AUTH", "STARTTLS", "XCLIENT", "TURN", "ATRN"})

#: The verb by which a line is known that begins with no word.
UNREADABLE = "?"

# By exact spelling, so that the usual verbs cost one look-up.
_USUAL = {
    verb.encode(): verb for verb in ("MAIL", "RCPT", "DATA", "EHLO", "HELO", "QUIT", "RSET", "NOOP")
}
_VERB = re.compile(rb"[ \t]*([A-Za-z][A-Za-z0-9-]{0,31})(?=[ \t\r\n]|$)")
_BDAT = re.compile(
    rb"[ \t]*[Bb][Dd][Aa][Tt][ \t]+([0-9]{1,19})(?:[ \t]+[Ll][Aa][Ss][Tt])?[ \t]*\r?\n"
)


class Framing(Enum):
    """How the next octets of the client are to be read."""

    COMMAND = auto()
    HELD = auto()
    CONTINUATION = auto()
    MAIL_DATA = auto()
    CHUNK = auto()
    OPAQUE = auto()
    CLOSED = auto()


# Looking a member up in its class costs as much as reading a command.
_COMMAND, _HELD, _CONTINUATION = Framing.COMMAND, Framing.HELD, Framing.CONTINUATION
_MAIL_DATA, _CHUNK, _OPAQUE, _CLOSED = (
    *(Framing.MAIL_DATA, Framing.CHUNK),
    *(Framing.OPAQUE, Framing.CLOSED),
)


def parse_command(wire: bytes) -> Command:
    """Return the command that a line holds."""
    verb = _USUAL.get(wire[:4])
    if verb is not None and wire[4:5] in (b" ", b"\r"):
        return Command(verb, wire)
    found = _VERB.match(wire)
    return Command(found[1].decode("ascii").upper() if found else UNREADABLE, wire)


class ClientReader:
    """Cuts a client's octets into facts, whatever the segments they came in."""

    __slots__ = ("_at", "_chunk", "_end", "_held_verb", "_limits", "_octets", "framing")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._limits = limits
        self.framing = _COMMAND
        self._octets = b""
        self._at = 0
        self._end = EndFinder()
        self._chunk = 0  # octets of a BDAT chunk that are still to come
        self._held_verb = ""

    @property
    def pending(self) -> int:
        """How many octets were received and are not yet part of a fact."""
        return len(self._octets) - self._at

    def receive(self, octets: bytes) -> None:
        """Take octets as they came from the network."""
        if self._at < len(self._octets):
            octets = self._octets[self._at :] + octets
        self._octets = octets
        self._at = 0

    def next(self) -> ClientFact | None:
        """Return the next fact, or None until more octets, or the awaited reply, are there."""
        framing = self.framing
        if self._at >= len(self._octets) and framing is not _CHUNK:
            return None
        if framing is _COMMAND:
            return self._command()
        if framing is _MAIL_DATA:
            return self._mail_data()
        if framing is _CONTINUATION:
            return self._continuation()
        if framing is _CHUNK:
            return self._chunk_octets()
        if framing is _OPAQUE:
            return Opaque(self._take(len(self._octets)))
        return None

    def answered(self, verb: str, code: int) -> None:
        """Say what the client heard in answer to `verb`, the last thing that it sent.

        A line that is no command may have been DATA to upstream: 354 tells.
        """
        held, self._held_verb = self._held_verb, ""
        if self.framing is _HELD:
            self.framing = _COMMAND
        if (held == "DATA" and 300 <= code < 400) or (verb == UNREADABLE and code == 354):
            self.framing = _MAIL_DATA
            self._end = EndFinder()
        elif held == "AUTH" and code == 334:
            self.framing = _CONTINUATION
        elif held in ("STARTTLS", "TURN", "ATRN") and 200 <= code < 300:
            self.framing = _OPAQUE

    def restart(self) -> None:
        """Read what follows as from a new client: its octets are encrypted from here on."""
        self.framing, self._octets, self._at, self._held_verb = _COMMAND, b"", 0, ""

    def rest(self) -> bytes:
        """Return, and forget, what was received and is not part of any fact."""
        return self._take(len(self._octets))

    def _take(self, end: int) -> bytes:
        octets = self._octets
        if self._at == 0 and end == len(octets):
            self._octets = b""  # the usual case: one segment, one fact, no copy
            return octets
        taken = octets[self._at : end]
        self._at = end
        return taken

    def _line(self, limit: int) -> bytes | None:
        """Return the next line, or None where its end, LF, is not there yet."""
        end = self._octets.find(b"\n", self._at) + 1
        length = (end or len(self._octets)) - self._at
        if length > limit and (length > self._limits.max_auth_line or not self._begins_auth()):
            self.framing = _CLOSED
            return None
        return self._take(end) if end else None

    def _begins_auth(self) -> bool:
        begin = self._octets[self._at : self._at + self._limits.max_command_line]
        return parse_command(begin).verb == "AUTH"

    def _command(self) -> ClientFact | None:
        wire = self._line(self._limits.max_command_line)
        if wire is None:
            return self._overlong()
        command = parse_command(wire)
        if command.verb in HOLDING:
            self.framing = _HELD
            self._held_verb = command.verb
        elif command.verb == "BDAT":
            size = _BDAT.match(wire)
            self._chunk = int(size[1]) if size else 0
            self.framing = _CHUNK
        return command

    def _overlong(self) -> Overlong | None:
        if self.framing is _CLOSED:
            return Overlong(self._take(len(self._octets)))
        return None

    def _continuation(self) -> ClientFact | None:
        wire = self._line(self._limits.max_auth_line)
        if wire is None:
            return self._overlong()
        self.framing = _HELD
        self._held_verb = "AUTH"
        return Continuation(wire)

    def _mail_data(self) -> MailData:
        found = self._end.find(self._octets[self._at :] if self._at else self._octets)
        if found < 0:
            return MailData(self._take(len(self._octets)), last=False)
        self.framing = _COMMAND
        return MailData(self._take(self._at + found), last=True)

    def _chunk_octets(self) -> Chunk | None:
        if self._chunk and not self.pending:
            return None
        end = min(len(self._octets), self._at + self._chunk)
        self._chunk -= end - self._at
        if not self._chunk:
            self.framing = _COMMAND
        return Chunk(self._take(end), last=not self._chunk)
