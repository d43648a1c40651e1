"""How it is written what replay compares: `match:` and `ignore:`, or --match and --ignore.

What the words mean is the affair of `matching`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from smtpproxy.cassette.matching import COMPARED, NOISE, Matching
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


def matching_of(match: Iterable[str], ignored: Iterable[str]) -> Matching:
    """Return what words ask for; no `match` is the usual, and `none` forgets what is before it.

    Raises MatchError.
    """
    compared, names = read_match(match) or COMPARED[:-1], list(NOISE)
    for word in read_ignored(ignored):
        names = [] if word == NONE else [*names, word]
    return Matching(
        "envelope" in compared, "parameters" in compared, "message" in compared, tuple(names)
    )
