"""Which session of one cassette is which of another: by what was said in it, not by its label.

Knows nothing of how the two differ.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice
from typing import TypeAlias

from smtpproxy.cassette.matching import Key, key_of
from smtpproxy.cassette.model import RecordedSession

#: With so many of the other cassette's sessions a session without its like is compared.
_CANDIDATES = 50
#: So much of two dialogues must be common for them to be the same session.
_LIKE = 0.4

Pair: TypeAlias = tuple[RecordedSession | None, RecordedSession | None]


def keys_of(session: RecordedSession) -> list[Key]:
    """Return what identifies each exchange of a session."""
    return [key_of(one.stage, one.sent) for one in session.dialogue]


def paired(old: list[RecordedSession], new: list[RecordedSession]) -> Iterator[Pair]:
    """Yield each session with its like: one of an equal dialogue, or else the most alike."""
    equals: dict[tuple[Key, ...], list[RecordedSession]] = {}
    for session in reversed(new):
        equals.setdefault(tuple(keys_of(session)), []).append(session)
    same = {session.label: _pop(equals, session) for session in old}
    rest = (session for group in equals.values() for session in group)
    left = {one.label: one for one in sorted(rest, key=lambda one: one.line)}
    counts = {label: Counter(keys_of(session)) for label, session in left.items()}
    for session in old:
        other = same[session.label]
        if other is None and (label := _most_alike(session, left, counts)) is not None:
            other = left.pop(label)
        yield session, other
    for session in left.values():
        yield None, session


def _pop(
    equals: dict[tuple[Key, ...], list[RecordedSession]], session: RecordedSession
) -> RecordedSession | None:
    """Take a session of an equal dialogue: the first, or that of the same label if it is near."""
    found = equals.get(tuple(keys_of(session)))
    if not found:
        return None
    near = range(len(found) - 1, max(-1, len(found) - 1 - _CANDIDATES), -1)
    return found.pop(next((at for at in near if found[at].label == session.label), -1))


def _most_alike(
    session: RecordedSession, left: dict[str, RecordedSession], counts: dict[str, Counter[Key]]
) -> str | None:
    """Return the label of the session that has most in common with this one."""
    own = Counter(keys_of(session))

    def likeness(label: str) -> float:
        theirs = counts[label]
        return 2 * (own & theirs).total() / max(1, own.total() + theirs.total())

    near = [*([session.label] if session.label in left else []), *islice(left, _CANDIDATES)]
    best = max(near, key=likeness, default=None)
    return best if best is not None and likeness(best) >= _LIKE else None
