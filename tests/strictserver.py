"""A relay between a client and a server that keeps to the letter, without sockets.

The server is strict where real ones are: MAIL within a transaction, RCPT before MAIL, DATA and BDAT
without a recipient are 503. What it has delivered is the oracle of tests on mail data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from smtpproxy.actions import Side
from smtpproxy.rules.model import RuleBook
from smtpproxy.smtp.client import ClientReader
from smtpproxy.smtp.facts import Chunk, Command, MailData, is_last_chunk
from smtpproxy.smtp.maildata import FINAL_DOT, unstuff
from smtpproxy.smtp.path import parse_path
from smtpproxy.spooling import Spool
from tests.dialogue import Conversation

HELLO = b"250-mail.example.org\r\n250-PIPELINING\r\n250-CHUNKING\r\n250 SIZE\r\n"


class Delivered(NamedTuple):
    """A message that the server took responsibility for."""

    sender: str
    recipients: tuple[str, ...]
    message: bytes


class StrictServer:
    """One session of the server. `says` has replies by verb, or by END-OF-DATA, in place of 250."""

    def __init__(self, lmtp: bool = False, says: dict[str, bytes] | None = None) -> None:
        self.lmtp = lmtp
        self.says = says or {}
        self.seen: list[str] = []  # verbs, and END-OF-DATA
        self.wires: list[bytes] = []  # of the commands
        self.delivered: list[Delivered] = []
        self._reader = ClientReader()
        self._mail: str | None = None
        self._recipients: list[str] = []
        self._octets = b""
        self._chunk: bytes | None = None  # the BDAT that the chunk belongs to

    def receive(self, octets: bytes) -> bytes:
        """Return the replies to what the client sent."""
        reader, said = self._reader, b""
        reader.receive(octets)
        while (fact := reader.next()) is not None:
            if isinstance(fact, Command):
                reply = self._command(fact)
                said += reply
                if reply:
                    reader.answered(fact.verb, int(reply[:3]))
            elif isinstance(fact, MailData):
                said += self._mail_data(fact)
            elif isinstance(fact, Chunk):
                said += self._take_chunk(fact)
        return said

    def _command(self, command: Command) -> bytes:
        verb = command.verb
        self.seen.append(verb)
        self.wires.append(command.wire)
        path = parse_path(command.argument)
        if verb == "BDAT":
            self._chunk = command.wire
            return b""
        if verb in self.says:
            return self.says[verb]
        if verb in ("EHLO", "LHLO"):
            self._begin(None)
            return HELLO
        if verb == "MAIL":
            if self._mail is not None:
                return b"503 5.5.1 Nested MAIL\r\n"
            self._begin(path.address if path else "")
        elif verb == "RCPT":
            if self._mail is None:
                return b"503 5.5.1 MAIL first\r\n"
            if path and path.address.startswith("bad@"):
                return b"550 5.1.1 No such user\r\n"
            self._recipients.append(path.address if path else "")
        elif verb == "RSET":
            self._begin(None)
        elif verb == "DATA":
            self._octets = b""
            return b"354 Go on\r\n" if self._recipients else b"503 5.5.1 RCPT first\r\n"
        elif verb == "QUIT":
            return b"221 2.0.0 Bye\r\n"
        return b"250 2.0.0 Ok\r\n"

    def _mail_data(self, data: MailData) -> bytes:
        self._octets += data.octets
        return self._end(unstuff(self._octets.removesuffix(FINAL_DOT))) if data.last else b""

    def _take_chunk(self, chunk: Chunk) -> bytes:
        self._octets += chunk.octets
        if not chunk.last or self._chunk is None:
            return b""
        wire, self._chunk = self._chunk, None
        if not self._recipients:
            self._octets = b""
            return b"503 5.5.1 RCPT first\r\n"
        if "BDAT" in self.says:
            return self.says["BDAT"]
        return self._end(self._octets) if is_last_chunk(wire) else b"250 2.0.0 Chunk taken\r\n"

    def _end(self, message: bytes) -> bytes:
        self.seen.append("END-OF-DATA")
        reply = self.says.get("END-OF-DATA", b"250 2.0.0 Queued\r\n")
        if reply[:1] == b"2":
            self.delivered.append(Delivered(self._mail or "", tuple(self._recipients), message))
        replies = reply * len(self._recipients) if self.lmtp else reply
        self._begin(None)
        return replies

    def _begin(self, mail: str | None) -> None:
        self._mail, self._recipients, self._octets = mail, [], b""


class Between(Conversation):
    """A relay between a client and that server, which answers at once."""

    def __init__(
        self,
        book: RuleBook,
        server: StrictServer | None = None,
        hello: bool = True,
        spool: Callable[[], Spool] = Spool,
    ) -> None:
        super().__init__(book=book, connected=False, spool=spool)
        self.server = server or StrictServer()
        self._connected = False
        self.take(self.relay.connected())
        self.heard = self._flow()
        if hello:
            self.say((b"LHLO" if self.server.lmtp else b"EHLO") + b" app.example.org\r\n")

    @property
    def closed(self) -> bool:
        """Was the client's connection ended?"""
        return bool({"client: close", "client: reset", "client: half-close"} & set(self.done))

    def say(self, octets: bytes) -> bytes:
        """Let the client send octets; return what it hears to them."""
        self.client(octets)
        heard = self._flow()
        self.heard += heard
        return heard

    def codes(self, octets: bytes) -> list[int]:
        """Let the client send octets; return the codes of the replies that it hears."""
        return codes_in(self.say(octets))

    def _flow(self) -> bytes:
        """Let upstream hear and answer until nobody has anything to say."""
        if not self._connected and "upstream: connect" in self.done:
            self._connected = True
            self.upstream(b"220 mail.example.org ESMTP\r\n")
        while octets := self.unread(Side.UPSTREAM):
            if not self._connected:
                break
            if said := self.server.receive(octets):
                self.upstream(said)
        return self.unread(Side.CLIENT)


def codes_in(octets: bytes) -> list[int]:
    """Return the codes of the replies in these octets."""
    return [int(line[:3]) for line in octets.splitlines() if line[3:4] != b"-"]


def by_data(message: bytes) -> list[bytes]:
    """Return what a client that waits sends for a message, behind the envelope."""
    return [b"DATA\r\n", message + b".\r\n"]


def by_chunks(*chunks: bytes) -> list[bytes]:
    """Return what a client that waits sends for a message in chunks."""
    last = len(chunks) - 1
    return [
        b"BDAT %d%b\r\n%b" % (len(chunk), b" LAST" if at == last else b"", chunk)
        for at, chunk in enumerate(chunks)
    ]


def envelope(*recipients: str, sender: str = "a@example.org") -> list[bytes]:
    """Return the commands of an envelope."""
    paths = recipients or ("b@example.net",)
    return [
        f"MAIL FROM:<{sender}>\r\n".encode(),
        *(f"RCPT TO:<{path}>\r\n".encode() for path in paths),
    ]


def together(said: Iterable[bytes]) -> list[bytes]:
    """Return the same, sent at once: what follows DATA waits for its reply (RFC 2920 §3.1)."""
    groups = [b""]
    for octets in said:
        groups[-1] += octets
        if octets == b"DATA\r\n":
            groups.append(b"")
    return groups
