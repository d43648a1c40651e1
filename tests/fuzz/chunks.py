"""Fuzz target: BDAT (RFC 3030).

The body is sent twice: once as a message in chunks, of sizes that the head says, and once as it is,
behind the verb.
"""

from __future__ import annotations

from smtpproxy.responder import Answer, LocalServer
from smtpproxy.smtp.facts import Chunk, Command, Continuation
from tests.fuzz.drawn import Drawn, drawn
from tests.smtp.choosing import choosing, cut
from tests.smtp.reading import Facts, octets_of, read_client
from tests.smtp.reference import Reference


def check(octets: bytes) -> None:
    """A chunk is exactly its octets, whatever they look like; odd sizes are the reference's."""
    given = drawn(octets)
    _check_chunks(given)
    choices = list(given.head[3:])
    raw = b"BDAT " + given.body
    expected = Reference(raw, choosing(choices), given.limits).read()
    assert octets_of(expected.facts) + expected.rest == raw
    for pieces in given.pieces(raw):
        assert read_client(pieces, choosing(choices), limits=given.limits) == expected, pieces
        assert _said(pieces) == _said([raw]), pieces


def _check_chunks(given: Drawn) -> None:
    chunks = list(cut(given.body, [1 + size % 32 for size in given.head[3:]])) or [b""]
    expected = Facts()
    for at, chunk in enumerate(chunks, start=1):
        last = b" LAST" if at == len(chunks) else b""
        line = b"BDAT %d%s\r\n" % (len(chunk), last)
        expected += [Command("BDAT", line), Chunk(chunk, last=True)]
    expected.append(Command("NOOP", b"NOOP\r\n"))
    refused = choosing([*given.head[3:], *given.head])
    for pieces in given.pieces(octets_of(expected)):
        read = read_client(pieces, refused)
        assert read.facts == expected, pieces
        assert read.rest == b"", pieces


class _Echo:
    """A server that says what it was asked."""

    def greeting(self) -> Answer:
        return Answer(b"220 ready\r\n")

    def command(self, command: Command) -> Answer:
        return Answer(b"250 %b" % command.wire)

    def continuation(self, line: Continuation) -> Answer:
        return Answer(b"235 %b" % line.wire)

    def end_of_mail_data(self) -> Answer:
        return Answer(b"250 .\r\n")

    def gone(self) -> None:
        """Nothing to clear away."""


def _said(pieces: list[bytes]) -> bytes:
    server = LocalServer(_Echo())
    return server.connected() + b"".join([server.receive(piece) for piece in pieces])
