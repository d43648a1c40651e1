"""Drives the readers under test, and brings their facts into a form that no cut can change."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from smtpproxy.smtp.client import ClientReader, Framing
from smtpproxy.smtp.facts import (
    Chunk,
    ClientFact,
    Command,
    Continuation,
    MailData,
    Opaque,
    Overlong,
    Reply,
    ServerFact,
    Stray,
)
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from smtpproxy.smtp.server import ServerReader

#: Says which reply code answers a stage, or None where it is never answered.
Answer = Callable[[str], int | None]


class Facts(list[ClientFact | ServerFact]):
    """Facts that equal others only of the same kinds: to Python all named tuples are tuples."""

    def __eq__(self, other: object) -> bool:
        return super().__eq__(other) and [*map(type, self)] == [*map(type, other)]  # type: ignore[call-overload]

    def __ne__(self, other: object) -> bool:
        return not self == other


class ClientReading(NamedTuple):
    """What a client's octets were read as; streams are joined, and an Overlong holds the rest."""

    facts: Facts
    rest: bytes


def in_turn(codes: Iterable[int]) -> Answer:
    """Answer whatever comes with the next of these codes, and with nothing after the last."""
    left = iter(codes)
    return lambda stage: next(left, None)


def read_client(
    pieces: Iterable[bytes],
    answer: Answer,
    late: bool = False,
    limits: Limits = DEFAULT_LIMITS,
) -> ClientReading:
    """Read a client's octets, each command answered as soon as it is seen.

    If `late`, a reply that decides about the octets behind its command comes one piece later.
    """
    client = _Client(answer, limits)
    for piece in pieces:
        client.reader.receive(piece)
        client.go_on()
        while client.waits and not late:
            client.go_on()
    while client.waits:
        client.go_on()
    return client.reading()


class _Client:
    """A reader whose commands are answered, save one that may still wait for its reply."""

    def __init__(self, answer: Answer, limits: Limits) -> None:
        self.reader = ClientReader(limits)
        self._answer = answer
        self._facts = Facts()
        self._owed: tuple[str, int] | None = None

    @property
    def waits(self) -> bool:
        """Is there a command that was read, and held what follows, and is not yet answered?"""
        return self._owed is not None

    def go_on(self) -> None:
        """Give the reply that is owed, if any, and read as far as that leads."""
        if self._owed:
            assert self.reader.next() is None, f"read on before the reply to {self._owed[0]}"
            self.reader.answered(*self._owed)
            self._owed = None
        while not self._owed and (fact := self.reader.next()) is not None:
            _join(self._facts, fact)
            stage = _stage(fact)
            code = self._answer(stage) if stage else None
            if code is not None and self.reader.framing is Framing.HELD:
                self._owed = (stage, code)
            elif code is not None:
                self.reader.answered(stage, code)

    def reading(self) -> ClientReading:
        pending = self.reader.pending
        rest = self.reader.rest()
        assert (pending, self.reader.pending) == (len(rest), 0), "rest() gives all, and forgets it"
        if self._facts and isinstance(last := self._facts[-1], Overlong):
            self._facts[-1], rest = Overlong(last.octets + rest), b""
        return ClientReading(self._facts, rest)


def read_on(reader: ClientReader | ServerReader) -> Facts:
    """Return the facts that a reader has by now."""
    facts = Facts()
    while (fact := reader.next()) is not None:
        facts.append(fact)
    return facts


def read_server(pieces: Iterable[bytes], limits: Limits = DEFAULT_LIMITS) -> Facts:
    """Read a server's octets; an Overlong holds the rest, and an unfinished reply is a Stray."""
    reader = ServerReader(limits)
    facts = Facts()
    for piece in pieces:
        reader.receive(piece)
        facts += read_on(reader)
    rest = reader.rest()
    assert reader.rest() == b"", "rest() forgets what it gave"
    if facts and isinstance(facts[-1], Overlong):
        facts[-1] = Overlong(facts[-1].octets + rest)
    elif rest:
        facts.append(Stray(rest))
    return facts


def octets_of(facts: Iterable[ClientFact | ServerFact]) -> bytes:
    """Return the octets of all facts, joined."""
    return b"".join(
        fact.wire if isinstance(fact, Command | Continuation | Reply | Stray) else fact.octets
        for fact in facts
    )


def _stage(fact: ClientFact) -> str:
    """Return the stage to which a reply is now due, or ""."""
    match fact:
        case Command(verb="BDAT"):
            return ""  # answered behind its chunk
        case Command(verb=verb):
            return verb
        case Continuation():
            return "AUTH"
        case MailData(last=True):
            return "END-OF-DATA"
        case Chunk(last=True):
            return "BDAT"
    return ""


def _join(facts: Facts, fact: ClientFact) -> None:
    """Append a fact, joined with the last one where both are of one stream."""
    last = facts[-1] if facts else None
    match last, fact:
        case MailData(head, last=False), MailData(tail, last=ended):
            facts[-1] = MailData(head + tail, ended)
        case Chunk(head, last=False), Chunk(tail, last=ended):
            facts[-1] = Chunk(head + tail, ended)
        case Opaque(head), Opaque(tail):
            facts[-1] = Opaque(head + tail)
        case _:
            facts.append(fact)
