"""A server in the place of upstream, without I/O: it is sent octets and answers with octets.

Owns the framing; what is said is up to a `Responder`, such as the built-in sink or a cassette.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from smtpproxy.pairing import END_OF_DATA, ends_message
from smtpproxy.smtp.client import UNREADABLE, ClientReader
from smtpproxy.smtp.facts import Chunk, ClientFact, Command, Continuation, MailData, Opaque
from smtpproxy.smtp.server import final_code
from smtpproxy.smtp.state import State


class Answer(NamedTuple):
    """What the server says, octets as on the wire, and whether it then closes.

    `each`: it is about a message, and holds for each of its recipients alike. `wait`: seconds that
    it is to be late, where that is minded.
    """

    octets: bytes
    close: bool = False
    each: bool = False
    wait: float = 0.0


class Responder(Protocol):
    """Decides what a server says.

    One that has a callable `mail_data` is told of mail data and chunks as they come, and one that
    has `announced`, of the BDAT before a chunk.
    """

    def greeting(self) -> Answer:
        """The client has connected."""

    def command(self, command: Command) -> Answer:
        """A command, complete with its chunk where it is BDAT."""

    def continuation(self, line: Continuation) -> Answer:
        """A line in answer to a 334."""

    def end_of_mail_data(self) -> Answer:
        """The final dot."""

    def gone(self) -> None:
        """The client has left."""


class LocalServer:
    """Reads what a client sends and lets a responder answer."""

    __slots__ = (
        *("_announce", "_bdat", "_reader", "_responder", "_state", "_take"),
        *("closed", "spoken"),
    )

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._take: Callable[[MailData | Chunk], None] | None = getattr(
            responder, "mail_data", None
        )
        self._announce: Callable[[Command], None] | None = getattr(responder, "announced", None)
        self._reader = ClientReader()
        self._state = State()
        self._bdat: Command | None = None
        self.closed = False
        #: Where this is a list, each answer is put there with its wait, for who minds that.
        self.spoken: list[tuple[float, bytes]] | None = None

    def connected(self) -> bytes:
        """Return the greeting."""
        return self._said("CONNECT", None, self._responder.greeting())

    def receive(self, octets: bytes) -> bytes:
        """Return what is said in answer to these octets."""
        reader = self._reader
        reader.receive(octets)
        said: list[bytes] = []
        while not self.closed and (fact := reader.next()) is not None:
            if type(fact) is Command and fact.verb != "BDAT":
                said.append(self._said(fact.verb, fact, self._responder.command(fact)))
            elif type(fact) is not MailData:
                said.append(self._other(fact))
            else:
                if self._take is not None:
                    self._take(fact)
                if fact.last:
                    said.append(self._said(END_OF_DATA, None, self._responder.end_of_mail_data()))
        return b"".join(said)

    def secured(self) -> None:
        """TLS has begun behind its 220: framing and envelope begin anew (RFC 3207 §4.2)."""
        self._reader, self._state, self._bdat = ClientReader(), State(), None

    def gone(self) -> None:
        """The client has left."""
        self._responder.gone()

    def _other(self, fact: ClientFact) -> bytes:
        """Return what is said in answer to anything but mail data and usual commands."""
        if self._take is not None and type(fact) is Chunk:
            self._take(fact)
        match fact:
            case Command():
                self._bdat = fact
                if self._announce is not None:
                    self._announce(fact)
                return b""
            case Chunk(last=False):
                return b""
            case Chunk() if self._bdat is not None:
                return self._said("BDAT", self._bdat, self._responder.command(self._bdat))
            case Opaque():
                self.closed = True  # behind the 220 to STARTTLS nothing is said in plain text
                return b""
            case Continuation():
                return self._said("AUTH", None, self._responder.continuation(fact))
        return self._said(UNREADABLE, None, Answer(b"500 5.5.2 Line too long\r\n", close=True))

    def _said(self, stage: str, command: Command | None, answer: Answer) -> bytes:
        """Take note of an answer, and return it as often as it is due."""
        octets = answer.octets * self._replies(stage, command) if answer.each else answer.octets
        code = final_code(octets)
        self._state.observe(stage, command, code)
        self._reader.answered(stage, code)
        self.closed = self.closed or answer.close
        if self.spoken is not None:
            self.spoken.append((answer.wait, octets))
        return octets

    def _replies(self, stage: str, command: Command | None) -> int:
        """Return how many replies are due: RFC 2033 §4.2 and §4.3, one for each recipient."""
        state = self._state
        return max(1, state.recipients) if state.lmtp and ends_message(stage, command) else 1
