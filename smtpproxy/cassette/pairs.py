"""Which part of one cassette is which of another: by what was said in it, not by its label.

Knows nothing of how the two differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import islice, zip_longest
from typing import TypeAlias

from smtpproxy.cassette.matching import Key
from smtpproxy.cassette.noise import quiet_reply
from smtpproxy.cassette.parts import Part

#: With so many of the other cassette's parts a part without its like is compared.
_CANDIDATES = 50
#: So much of two dialogues must be common for them to be the same part.
_LIKE = 0.4
#: Octets of a reply that hold its codes.
_CODES = len("250 2.1.5")

Pair: TypeAlias = tuple[Part | None, Part | None]
NO_PART = Part("", 0, [], [])


def pairs(old: list[Part], new: list[Part]) -> list[Pair]:
    """Return what is to be compared, in the order of the old parts; new ones come last."""
    sides = old, new
    frames = _frames(*([part for part in side if part.frame] for side in sides))
    transactions = _transactions(*([part for part in side if not part.frame] for side in sides))
    return sorted([*frames, *transactions], key=_place)


def _place(pair: Pair) -> tuple[bool, int]:
    one, other = pair
    return one is None, (one or other or NO_PART).line


def _frames(old: list[Part], new: list[Part]) -> Iterator[Pair]:
    """Yield frames with their likes: of those that are equal, each kind of answers once.

    How many sessions there were says nothing, since clients reuse connections as they like.
    """
    a, b = _kinds(old), _kinds(new)
    for keys in a.keys() & b.keys():
        yield from _variants(a[keys], b[keys])
    yield from paired(
        [parts[0] for keys, parts in a.items() if keys not in b],
        [parts[0] for keys, parts in b.items() if keys not in a],
    )


def _kinds(frames: list[Part]) -> dict[Hashable, list[Part]]:
    kinds: dict[Hashable, list[Part]] = {}
    for frame in frames:
        kinds.setdefault(tuple(frame.keys), []).append(frame)
    return kinds


def _variants(old: list[Part], new: list[Part]) -> Iterator[Pair]:
    """Yield frames of which the other side has none that was answered alike, beside the nearest."""
    a, b = ({_answers(one): one for one in reversed(side)} for side in (old, new))
    mine, theirs = ([one for key, one in x.items() if key not in y] for x, y in ((a, b), (b, a)))
    for one, other in zip_longest(reversed(mine), reversed(theirs)):
        yield one or old[0], other or new[0]


def _answers(frame: Part) -> Hashable:
    return frame.ended, tuple(quiet_reply(one.heard or b"") for one in frame.dialogue)


def _transactions(old: list[Part], new: list[Part]) -> Iterator[Pair]:
    """Yield transactions with their likes, under equal prologues where the other side has those."""
    common = {one.prologue for one in old} & {one.prologue for one in new}
    groups: dict[int, tuple[list[Part], list[Part]]] = {}
    for at, side in enumerate((old, new)):
        for one in side:
            prologue = one.prologue if one.prologue in common else 0
            groups.setdefault(prologue, ([], []))[at].append(one)
    for group in groups.values():
        yield from paired(*group)


def paired(old: Sequence[Part], new: Sequence[Part]) -> Iterator[Pair]:
    """Yield each part with its like: one of an equal dialogue, or else the most alike.

    Of equal ones that which was answered alike, and of those that of the same label.
    """
    found: dict[int, Part] = {}  # by place in `old`
    left: dict[int, Part] = dict(enumerate(new))
    for identity in (_answered, _asked):
        _pair_equals(old, left, identity, found)
    counts = {at: Counter(part.keys) for at, part in left.items()}
    for at, part in enumerate(old):
        other = found.get(at)
        if other is None and (like := _most_alike(part, left, counts)) is not None:
            other = left.pop(like)
        yield part, other
    for part in left.values():
        yield None, part


def _asked(part: Part) -> Hashable:
    return tuple(part.keys)


def _answered(part: Part) -> Hashable:
    return tuple(part.keys), tuple((one.heard or b"")[:_CODES] for one in part.dialogue)


def _pair_equals(
    old: Sequence[Part],
    left: dict[int, Part],
    identity: Callable[[Part], Hashable],
    found: dict[int, Part],
) -> None:
    """Move those that have an equal from `left` to `found`."""
    equals: dict[Hashable, dict[int, Part]] = {}
    for at, part in left.items():
        equals.setdefault(identity(part), {})[at] = part
    for at, part in enumerate(old):
        if at in found or not (group := equals.get(identity(part))):
            continue
        place = _of_label(part.label, group.items())
        found[at] = left.pop(place)
        del group[place]


def _of_label(label: str, group: Iterable[tuple[int, Part]]) -> int:
    """Return the place of the first part that has this label, if it is near, or else the first."""
    near = list(islice(group, _CANDIDATES))
    return next((at for at, part in near if part.label == label), near[0][0])


def _most_alike(part: Part, left: dict[int, Part], counts: dict[int, Counter[Key]]) -> int | None:
    """Return the place of the part that has most in common with this one."""
    own = Counter(part.keys)

    def likeness(at: int) -> tuple[float, bool]:
        theirs = counts[at]
        common = 2 * (own & theirs).total() / max(1, own.total() + theirs.total())
        return common, left[at].label == part.label

    best = max(islice(left, _CANDIDATES), key=likeness, default=None)
    return best if best is not None and likeness(best)[0] >= _LIKE else None
