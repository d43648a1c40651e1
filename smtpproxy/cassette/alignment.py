"""What belongs together in two dialogues that are alike.

Knows nothing of what is in them.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from typing import TypeAlias

#: From so many on, those that come often no longer help to find what belongs together.
_LONG = 1000

#: Are they equal, and from where to where, in one dialogue and in the other.
Span: TypeAlias = tuple[bool, int, int, int, int]


def aligned(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterator[Span]:
    """Yield what belongs together. Most of two dialogues is equal, and found at once."""
    begin = _common(a, b)
    end = min(_common(a[::-1], b[::-1]), len(a) - begin, len(b) - begin)
    middle = a[begin : len(a) - end], b[begin : len(b) - end]
    yield True, 0, begin, 0, begin
    matcher = SequenceMatcher(None, *middle, autojunk=max(map(len, middle)) > _LONG)
    for how, i, j, k, m in matcher.get_opcodes():
        yield how == "equal", begin + i, begin + j, begin + k, begin + m
    yield True, len(a) - end, len(a), len(b) - end, len(b)


def _common(a: Sequence[Hashable], b: Sequence[Hashable]) -> int:
    """Return how many are equal at the beginning."""
    same = (at for at, (x, y) in enumerate(zip(a, b, strict=False)) if x != y)
    return next(same, min(len(a), len(b)))
