"""A reference model of a whole session: what each side must be sent, and what answered what.

It is given all that either side ever said, at once, and knows nothing of time: the first reply
greets, and each other one answers the next thing that the client sent.
"""

from __future__ import annotations

from itertools import zip_longest
from typing import NamedTuple

from smtpproxy.smtp.facts import Chunk, Command, Continuation, MailData, Reply, Stray
from tests.smtp.reading import Facts, in_turn, octets_of
from tests.smtp.reference import Reference
from tests.smtp.reference_replies import replies_in


class Story(NamedTuple):
    """What a session comes to."""

    upward: bytes  # what upstream must be sent
    rest: bytes  # a line that the client did not end, or what waits for a reply
    held: bool  # it waits for a reply
    exchanges: list[tuple[str, bytes, bytes | None]]  # stage, what was sent, and the reply
    mail: bytes
    strays: int
    unasked: int  # replies to nothing


def story(client: bytes, upstream: bytes) -> Story:
    """Return what a session comes to in which this was said."""
    said = replies_in(upstream)
    at = [at for at, fact in enumerate(said) if isinstance(fact, Reply)]
    replies = [fact for fact in said if isinstance(fact, Reply)]
    reference = Reference(client, in_turn(reply.code for reply in replies[1:]))
    facts, rest = reference.read()
    sent = [("CONNECT", b""), *_answerable(facts)]
    if reference.opaque:
        # Nothing that upstream says behind its answer is read.
        said, replies = Facts(said[: at[len(sent) - 1]]), replies[: len(sent)]
    wires = [reply.wire for reply in replies[: len(sent)]]
    return Story(
        octets_of(facts),
        rest,
        reference.waits,
        [(*one, wire) for one, wire in zip_longest(sent, wires)],
        b"".join(fact.octets for fact in facts if isinstance(fact, MailData | Chunk)),
        sum(isinstance(fact, Stray) and fact.wire.endswith(b"\n") for fact in said),
        len(replies) - len(wires),
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
