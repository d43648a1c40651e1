"""Messages for faults that befall mail data: how they are cut, and how they come to upstream."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import pytest

from smtpproxy.faults.base import DataFilter
from smtpproxy.smtp.maildata import stuff
from tests.dialogue import rules_in
from tests.strictserver import Between, StrictServer, by_chunks, by_data, envelope

PEOPLE = ("b@example.net", "c@example.net")
WAYS: dict[str, Callable[[bytes], list[bytes]]] = {
    "DATA": lambda message: by_data(stuff(message)),
    "one chunk": lambda message: by_chunks(message),
    "chunks": lambda message: by_chunks(message[:7], message[7:17], message[17:]),
    "empty last chunk": lambda message: by_chunks(message, b""),
}
every_way = pytest.mark.parametrize("way", WAYS)
both_protocols = pytest.mark.parametrize("lmtp", [False, True], ids=["SMTP", "LMTP"])


def through(one: DataFilter, pieces: Iterable[bytes]) -> bytes:
    """Return what a filter makes of a message that comes in pieces."""
    return b"".join([one.feed(piece) for piece in pieces]) + one.finish()


def outcomes(make: Callable[[], DataFilter], message: bytes) -> set[tuple[bytes, str]]:
    """Return what becomes of a message, and what is told, over all cuts; one, if all is well."""
    pieces = [[message[:at], message[at:]] for at in range(len(message) + 1)]
    pieces += [[message[at : at + n] for at in range(0, len(message), n)] for n in (1, 2, 3, 7)]
    found = set()
    for cut in pieces:
        one = make()
        found.add((through(one, cut), one.told))
    return found


def talking(rule: str, lmtp: bool = False) -> Between:
    """Return a session under one rule, before a strict server."""
    return Between(rules_in(rule), StrictServer(lmtp=lmtp))


def sends(talk: Between, way: str, message: bytes) -> None:
    """Let the client send a message to two; it hears what a success is answered by."""
    heard = [
        code for octets in [*envelope(*PEOPLE), *WAYS[way](message)] for code in talk.codes(octets)
    ]
    before = {"DATA": [354], "chunks": [250, 250], "empty last chunk": [250]}.get(way, [])
    assert heard[3:] == before + [250] * (1 + talk.server.lmtp)


def delivered(talk: Between) -> list[bytes]:
    """Return the messages that upstream has."""
    return [one.message for one in talk.server.delivered]
