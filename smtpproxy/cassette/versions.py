"""Versions of the format: which are read, and how an older one becomes today's.

Owns the steps. What was ever written is read for ever: a change that today's reader would not take,
or would take for something else, is a new version, with a step from the one before; nothing else
knows that there were others.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, TypeAlias

from smtpproxy.cassette.model import MAGIC
from smtpproxy.documents import MOST_QUOTED, DocumentError, Node, Text
from smtpproxy.documents import Mapping as Entries

OLDEST = 1

#: Makes one document, header or session, of a version one of the next. Lines stay as they are.
Step: TypeAlias = Callable[[Node], Node]
#: By the version that each begins from.
STEPS: Final[Mapping[int, Step]] = MappingProxyType({})


def newest(steps: Mapping[int, Step] = STEPS) -> int:
    """Return the version that the steps lead to, which is the one that is written."""
    return OLDEST + len(steps)


def version_of(header: Node | None, source: str, steps: Mapping[int, Step] = STEPS) -> int:
    """Return the version of a cassette by its first document. Raises DocumentError."""
    if not isinstance(header, Entries) or MAGIC not in header.entries:
        line = header.line if header else 1
        raise DocumentError(source, line, f"is not a cassette: expected '{MAGIC}: {newest(steps)}'")
    said = header.entries[MAGIC]
    if not isinstance(said, Text):
        raise DocumentError(source, said.line, "expected a text")
    known = {str(version): version for version in range(OLDEST, newest(steps) + 1)}
    if said.value not in known:
        raise DocumentError(source, said.line, _unknown(said.value, list(known)))
    return known[said.value]


def upgraded(document: Node, version: int, steps: Mapping[int, Step] = STEPS) -> Node:
    """Return a document of a version as one of the newest."""
    for at in range(version, newest(steps)):
        document = steps[at](document)
    return document


def _unknown(said: str, known: list[str]) -> str:
    """Say what a cassette of this version needs."""
    named = f"is a cassette of version {said[:MOST_QUOTED]}"
    read = f"this release reads version {' and '.join(known)}"
    newer = said.isdecimal() and len(said) < 10 and int(said) > int(known[-1])
    return (
        f"{named}, which needs a newer release of smtpproxy; {read}"
        if newer
        else f"{named}; {read}"
    )
