"""How it is written what replay compares, and in which order: `match:`, `ignore:` and `order:`.

--match, --ignore and --order take the same words. What the words mean is the affair of `matching`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from smtpproxy.cassette.matching import COMPARED, NOISE, ORDERS, Matching
from smtpproxy.documents import nearest

NONE = "none"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,99}\*?|\*")


class MatchError(ValueError):
    """A word can't be used. One line, with the nearest right one."""


def read_match(words: Iterable[str]) -> tuple[str, ...]:
    """Return what is to be compared. Raises MatchError."""
    found = tuple(words)
    for word in found:
        if word not in COMPARED:
            raise MatchError(
                f"match: there are {', '.join(COMPARED[:-1])} and {COMPARED[-1]}, got {word!r}"
                f"{nearest(word, COMPARED)}"
            )
    return found


def read_order(words: Iterable[str]) -> str:
    """Return in which order to replay, or "" where no word says so. Raises MatchError."""
    found = tuple(words)
    for word in found:
        if word not in ORDERS or len(found) > 1:
            shown = ", ".join(found)[:80]
            told = f"order: expected {' or '.join(ORDERS)}, got {shown!r}{nearest(word, ORDERS)}"
            raise MatchError(told)
    return "".join(found)


def read_ignored(words: Iterable[str]) -> tuple[str, ...]:
    """Return names of what is to be ignored. Raises MatchError."""
    found = tuple(words)
    for word in found:
        if not _NAME.fullmatch(word):
            raise MatchError(
                "ignore: expected a parameter or a header field, such as NOTIFY or X-*, or sender, "
                f"recipient or none, got {word[:80]!r}"
            )
    return found


def matching_of(
    match: Iterable[str], ignored: Iterable[str], usual: tuple[str, ...] = COMPARED[:-1]
) -> Matching:
    """Return what words ask for; no `match` is the `usual`, and `none` forgets what is before it.

    Raises MatchError.
    """
    compared, names = read_match(match) or usual, list(NOISE)
    for word in read_ignored(ignored):
        names = [] if word == NONE else [*names, word]
    return Matching(
        "envelope" in compared, "parameters" in compared, "message" in compared, tuple(names)
    )
