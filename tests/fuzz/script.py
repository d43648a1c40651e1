"""What happens in a session, as octets that a fuzzer can change.

An event is two octets, FE and what happens, and then what is sent. What stands before the first is
sent by the client. FE and a digit, at the very beginning, are the terms on which it is relayed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tests.fuzz.terms import TERMS
from tests.relaying import (
    CLIENT,
    CLIENT_ENDS,
    CLIENT_RESETS,
    PLAIN,
    SHUTDOWN,
    UNREACHABLE,
    UPSTREAM,
    UPSTREAM_ENDS,
    UPSTREAM_RESETS,
    Event,
    Terms,
)

MARK = b"\xfe"
_SENDS = CLIENT + UPSTREAM
_ENDS = CLIENT_ENDS + UPSTREAM_ENDS + CLIENT_RESETS + UPSTREAM_RESETS + UNREACHABLE + SHUTDOWN
_MARKED = re.compile(MARK + rb"([%b])" % (_SENDS + _ENDS).encode())


def written(events: Iterable[Event]) -> bytes:
    """Return events as octets."""
    return b"".join(MARK + what.encode() + octets for what, octets in events)


def terms_of(octets: bytes) -> tuple[Terms, bytes]:
    """Return the terms that any octets begin with, and the events behind them."""
    terms = TERMS.get(octets[1:2]) if octets.startswith(MARK) else None
    return (PLAIN, octets) if terms is None else (terms, octets[2:])


def read(octets: bytes) -> Iterator[Event]:
    """Yield the events that any octets stand for."""
    first, *rest = _MARKED.split(octets)
    if first:
        yield Event(CLIENT, first)
    for what, sent in zip(rest[::2], rest[1::2], strict=True):
        if what.decode() in _SENDS:
            if sent:
                yield Event(what.decode(), sent)
            continue
        yield Event(what.decode())
        if sent:
            yield Event(CLIENT, sent)
