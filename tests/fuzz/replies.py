"""Fuzz target: what a server says."""

from __future__ import annotations

from smtpproxy.smtp.anomalies import reply_anomalies
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.server import final_code
from tests.fuzz.drawn import drawn
from tests.smtp.reading import octets_of, read_server
from tests.smtp.reference_oddities import odd_in_reply
from tests.smtp.reference_replies import replies_in


def check(octets: bytes) -> None:
    """The reader agrees with the reference for every cut, and what a reply says is in it."""
    given = drawn(octets)
    expected = replies_in(given.body, given.limits)
    for pieces in given.pieces(given.body):
        assert read_server(pieces, given.limits) == expected, pieces
    assert octets_of(expected) == given.body
    for fact in expected:
        if isinstance(fact, Reply):
            _check_reply(fact)


def _check_reply(reply: Reply) -> None:
    """Its code is that of its last line; its texts, and its enhanced code, are in its lines."""
    lines = reply.wire.removesuffix(b"\n").split(b"\n")
    assert reply.code == int(lines[-1][:3]) == final_code(reply.wire)
    assert len(reply.lines) == len(lines)
    for text, line in zip(reply.lines, lines, strict=True):
        assert line.startswith(line[:4] + text)
        assert not line[4 + len(text) :].strip(b"\r")
    if reply.enhanced:
        assert lines[0][4:].startswith(reply.enhanced.encode())
        assert all(1 <= len(part) <= 3 for part in reply.enhanced.split("."))
    found = reply_anomalies(reply)
    assert set(found) == odd_in_reply(reply)
    assert len(found) == len(set(found))
