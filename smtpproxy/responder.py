"""A server in the place of upstream, without I/O: it is sent octets and answers with octets.

Owns the framing; what is said is up to a `Responder`, such as the built-in sink or a cassette.
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

from smtpproxy.smtp.client import ClientReader
from smtpproxy.smtp.facts import Chunk, Command, Continuation, MailData
from smtpproxy.smtp.server import final_code


class Answer(NamedTuple):
    """What the server says, octets as on the wire, and whether it then closes."""

    octets: bytes
    close: bool = False


class Responder(Protocol):
    """Decides what a server says."""

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

    __slots__ = ("_bdat", "_reader", "_responder", "closed")

    def __init__(self, responder: Responder) -> None:
        self._responder = responder
        self._reader = ClientReader()
        self._bdat: Command | None = None
        self.closed = False

    def connected(self) -> bytes:
        """Return the greeting."""
        return self._said(self._responder.greeting())

    def receive(self, octets: bytes) -> bytes:
        """Return what is said in answer to these octets."""
        reader = self._reader
        reader.receive(octets)
        said: list[bytes] = []
        while not self.closed and (fact := reader.next()) is not None:
            stage, answer = "", None
            if type(fact) is Command:
                if fact.verb == "BDAT":
                    self._bdat = fact
                else:
                    stage, answer = fact.verb, self._responder.command(fact)
            elif type(fact) is MailData:
                if fact.last:
                    answer = self._responder.end_of_mail_data()
            elif type(fact) is Chunk:
                if fact.last and self._bdat is not None:
                    answer = self._responder.command(self._bdat)
            elif type(fact) is Continuation:
                stage, answer = "AUTH", self._responder.continuation(fact)
            else:
                answer = Answer(b"500 5.5.2 Line too long\r\n", close=True)
            if answer is not None:
                said.append(self._said(answer))
                reader.answered(stage, final_code(answer.octets))
        return b"".join(said)

    def gone(self) -> None:
        """The client has left."""
        self._responder.gone()

    def _said(self, answer: Answer) -> bytes:
        self.closed = self.closed or answer.close
        return answer.octets
