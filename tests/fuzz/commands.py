"""Fuzz target: what a client sends, and any replies to it.

The head's choices are the reply codes, the body is what the client sends.
"""

from __future__ import annotations

from smtpproxy.smtp.anomalies import command_anomalies
from smtpproxy.smtp.client import ClientReader, Framing
from smtpproxy.smtp.facts import Command, is_last_chunk
from tests.fuzz.drawn import Drawn, drawn
from tests.smtp.choosing import choosing
from tests.smtp.reading import octets_of, read_client
from tests.smtp.reference import Reference
from tests.smtp.reference_oddities import odd_in_line


def check(octets: bytes) -> None:
    """The reader agrees with the reference for every cut, and keeps no more than it may."""
    given = drawn(octets)
    choices = list(given.head[3:])
    expected = Reference(given.body, choosing(choices), given.limits).read()
    for pieces in given.pieces(given.body):
        for late in (False, True):
            read = read_client(pieces, choosing(choices), late, given.limits)
            assert read == expected, pieces
    assert octets_of(expected.facts) + expected.rest == given.body
    for fact in expected.facts:
        if isinstance(fact, Command):
            _check_command(fact)
    _check_pending(given)


def _check_command(command: Command) -> None:
    """What is read from a line agrees with it, and never raises."""
    assert command.argument in command.wire
    found = command_anomalies(command.wire)
    assert set(found) == odd_in_line(command.wire)
    assert len(found) == len(set(found))
    last = command.wire.upper().replace(b"\t", b" ").rstrip().endswith(b" LAST")
    if command.verb == "BDAT" and command.wire.isascii():
        assert is_last_chunk(command.wire) is last, command.wire


def _check_pending(given: Drawn) -> None:
    """Octets wait for no more than the end of a line, unless a reply must be known first."""
    reader = ClientReader(given.limits)
    for piece in next(given.pieces(given.body)):
        reader.receive(piece)
        while reader.next() is not None:
            pass
    if reader.framing is not Framing.HELD:
        assert reader.pending <= given.limits.max_auth_line
