"""The messages that every client sends to every server, and who is to have them in the end."""

import secrets
from dataclasses import dataclass

from tests.peers.messages import hard_message
from tests.peers.pairs import Extension, Pair

BOB, CAROL = "bob@example.net", "carol@example.net"
UNKNOWN, OVERFULL, UMLAUT = "nobody@example.net", "full@example.net", "grüße@example.net"
LARGE = 1 << 20  # octets


@dataclass(frozen=True)
class Mail:
    """A message and its envelope; `refused` are those of its recipients whom the server refuses."""

    sender: str
    recipients: tuple[str, ...]
    octets: bytes
    refused: tuple[str, ...] = ()
    options: tuple[str, ...] = ()

    @property
    def identity(self) -> bytes:
        """Its Message-ID, which no other message has."""
        return self.octets.partition(b"Message-ID: ")[2].partition(b"\r\n")[0]


def hard_mail() -> Mail:
    """A message that is hard to carry, to two recipients, and like no other."""
    token = secrets.token_hex(8)
    return Mail(sender_of(token), (BOB, CAROL), hard_message(f"hard.{token}"))


def large_mail() -> Mail:
    """A large message with lines of all lengths, like no other."""
    token = secrets.token_hex(8)
    return Mail(sender_of(token), (BOB,), _message(f"large.{token}", _many_lines()))


def mails(pair: Pair, token: str) -> list[Mail]:
    """The messages for this pair; `token` is in each reverse-path and Message-ID."""
    sender = sender_of(token)
    found = [
        Mail(sender, (BOB, CAROL), hard_message(f"hard.{token}")),
        Mail(sender, (BOB,), _message(f"large.{token}", _many_lines())),
        Mail(sender, (BOB,), _message(f"empty.{token}", b"")),
    ]
    if pair.server.refuses:
        small = _message(f"refused.{token}", b"One of two.\r\n")
        found.append(Mail(sender, (UNKNOWN, BOB), small, refused=(UNKNOWN,)))
    if pair.overfull:
        small = _message(f"overfull.{token}", b"Two of three.\r\n")
        found.append(Mail(sender, (BOB, OVERFULL, CAROL), small, refused=(OVERFULL,)))
    if Extension.SMTPUTF8 in pair.exercised:
        greeting = _message(f"utf8.{token}", "Grüße\r\n".encode(), subject="Grüße, Ω")
        options = pair.client.uses[Extension.SMTPUTF8]
        found.append(Mail(sender, (UMLAUT, BOB), greeting, options=options))
    return found


def sender_of(token: str) -> str:
    """The reverse-path of all messages with this token."""
    return f"alice+{token}@example.org"


def taken(mail: Mail, pair: Pair) -> tuple[str, ...]:
    """The recipients who get a message by this client and server."""
    if pair.client.stops and UNKNOWN in mail.refused:
        return ()
    return tuple(one for one in mail.recipients if one not in mail.refused)


def transactions(mail: Mail, pair: Pair) -> int:
    """How many mail transactions a message takes."""
    return len(mail.recipients) if pair.client.singly else 1


def _message(identity: str, body: bytes, subject: str = "Matrix") -> bytes:
    head = (
        "From: Alice <alice@example.org>",
        "To: Bob <bob@example.net>",
        "Date: Mon, 23 Nov 2026 12:00:00 +0000",
        f"Message-ID: <{identity}@client.example.org>",
        f"Subject: {subject}",
    )
    return "".join(f"{line}\r\n" for line in (*head, "")).encode() + body


def _many_lines() -> bytes:
    """Lines of all lengths up to the longest (RFC 5321 §4.5.3.1.6), many with dots in front."""
    lines = [b"." * (length % 4) + b"x" * (length % 995) + b"\r\n" for length in range(2200)]
    return b"".join(lines)[:LARGE].rpartition(b"\r\n")[0] + b"\r\n"
