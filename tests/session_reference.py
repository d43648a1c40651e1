"""A reference model of a whole session: what each side must be sent, and what answered what.

It is given all that either side ever said, at once, and knows nothing of time: the first reply
greets, and each other one answers the next thing that the client sent.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import NamedTuple

from smtpproxy.smtp.facts import Chunk, Command, Continuation, MailData, Reply, Stray
from tests.smtp.reading import Facts, octets_of
from tests.smtp.reference import Reference
from tests.smtp.reference_replies import replies_in

HELLO = ("HELO", "EHLO", "LHLO")
BEGIN = ("MAIL", "SEND", "SOML", "SAML")
ENDS_MESSAGE = ("END-OF-DATA", "BDAT LAST")


class Story(NamedTuple):
    """What a session comes to."""

    upward: bytes  # what upstream must be sent
    rest: bytes  # a line that the client did not end, or what waits for a reply
    held: bool  # it waits for a reply
    exchanges: list[tuple[str, bytes, bytes | None]]  # stage, what was sent, and the reply
    mail: bytes
    strays: int


class Envelope:
    """How many recipients a message has, and so how many replies."""

    def __init__(self) -> None:
        self._recipients = 0
        self._lmtp = False

    def more_replies(self, stage: str, code: int) -> int:
        """Return how many replies follow the first one, with this code, to a message."""
        if stage in ENDS_MESSAGE and code == 353:
            return self._recipients + 1  # PRDR: one for each, and one for all
        if stage == "BDAT LAST" and code in (500, 502, 503):
            return 0  # upstream does not know it, or has no envelope
        if stage in ENDS_MESSAGE and self._lmtp:
            return max(self._recipients, 1) - 1  # RFC 2033 §4.2
        return 0

    def observe(self, stage: str, code: int) -> None:
        """Take note of the last reply to something."""
        accepted = 200 <= code <= 299
        if stage == "RCPT" and accepted:
            self._recipients += 1
        ended = stage in ENDS_MESSAGE and code // 100 in (2, 4, 5)
        if ended or (accepted and stage in (*HELLO, *BEGIN, "RSET", "XCLIENT")):
            self._recipients = 0
        if accepted and stage in HELLO:
            self._lmtp = stage == "LHLO"


class _Upstream:
    """Answers with one reply after the other."""

    def __init__(self, said: Facts) -> None:
        self._left = list(said)
        self._envelope = Envelope()
        self.answers: list[list[Reply | None]] = []  # for each thing that was sent
        self.strays = 0

    def answer(self, stage: str) -> int | None:
        """Say all that is due at this stage, and return the first code."""
        first = self._next()
        self.answers.append([first])
        if first is None:
            return None
        more = [self._next() for _ in range(self._envelope.more_replies(stage, first.code))]
        self.answers[-1] += more
        last = [first, *more][-1]
        if last is not None:
            self._envelope.observe(stage, last.code)
        return first.code

    def rest(self) -> None:
        """Say what nobody asked for."""
        while self._next() is not None:
            pass

    def _next(self) -> Reply | None:
        while self._left:
            fact = self._left.pop(0)
            if isinstance(fact, Reply):
                return fact
            self.strays += isinstance(fact, Stray) and fact.wire.endswith(b"\n")
        return None


def story(client: bytes, upstream: bytes) -> Story:
    """Return what a session comes to in which this was said."""
    server = _Upstream(replies_in(upstream))
    server.answer("CONNECT")
    reference = Reference(client, server.answer)
    facts, rest = reference.read()
    if reference.unfinished:
        server.answer(reference.unfinished)
    if not reference.opaque:
        server.rest()
    sent = [("CONNECT", b""), *_answerable(facts)]
    return Story(
        octets_of(facts),
        rest,
        reference.waits,
        [
            (stage, wire, reply.wire if reply is not None else None)
            for (stage, wire), replies in zip_longest(sent, server.answers)
            for reply in replies
        ],
        b"".join(fact.octets for fact in facts if isinstance(fact, MailData | Chunk)),
        server.strays,
    )


def _answerable(facts: Facts) -> list[tuple[str, bytes]]:
    """Return the stage and the octets of all that a reply is due to, in order."""
    found = []
    for fact in facts:
        if isinstance(fact, Command):
            found.append((fact.verb, fact.wire))
        elif isinstance(fact, Continuation):
            found.append(("AUTH", fact.wire))
        elif isinstance(fact, MailData) and fact.last:
            found.append(("END-OF-DATA", b""))
    return found
