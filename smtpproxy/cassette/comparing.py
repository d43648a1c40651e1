"""How two cassettes differ: sessions are paired by what was said in them, then compared.

Owns the severity of each change; what is never one is listed in `noise`. Labels, times and the
order of sessions are not compared. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Sequence
from difflib import SequenceMatcher
from itertools import zip_longest
from typing import NamedTuple, TypeAlias

from smtpproxy.cassette.contents import message_changes
from smtpproxy.cassette.model import Cassette, Recorded, RecordedSession
from smtpproxy.cassette.noise import quiet_reply
from smtpproxy.cassette.pairs import keys_of, paired
from smtpproxy.cassette.replies import replies_in
from smtpproxy.smtp.ehlo import keyword_of
from smtpproxy.smtp.facts import Reply
from smtpproxy.visible import visible, visible_text

CLASS, CODE, TEXT = "class", "code", "text"
#: From the gravest on: another outcome, another reason, other words.
SEVERITIES = (CLASS, CODE, TEXT)

_EXTENDED = ("EHLO", "LHLO")
#: From so many exchanges on, those that come often no longer help to find what belongs together.
_LONG = 1000

#: Are they equal, and from where to where, in one dialogue and in the other.
_Span: TypeAlias = tuple[bool, int, int, int, int]


class Change(NamedTuple):
    """One difference. A line is 0 where the cassette has nothing of the kind."""

    severity: str
    what: str  # session, command, reply, code, enhanced, keywords, text, message or ended
    stage: str
    old: str
    new: str
    session: str  # its label in the old cassette, or in the new one
    old_line: int
    new_line: int


def compare(old: Cassette, new: Cassette) -> Iterator[Change]:
    """Yield what has changed, session by session."""
    for one, other in paired(old.sessions, new.sessions):
        if one is not None and other is not None:
            yield from _sessions(one, other)
        elif one is not None:
            yield Change(CLASS, "session", "", _told(one), "", one.label, one.line, 0)
        elif other is not None:
            yield Change(CLASS, "session", "", "", _told(other), other.label, 0, other.line)


def _told(session: RecordedSession) -> str:
    return f"{len(session.dialogue)} exchanges"


def _sessions(one: RecordedSession, other: RecordedSession) -> Iterator[Change]:
    label, a, b = one.label, one.dialogue, other.dialogue
    for equal, i, j, k, m in _aligned(keys_of(one), keys_of(other)):
        if equal:
            for x, y in zip(a[i:j], b[k:m], strict=True):
                yield from _exchanges(label, x, y)
        else:
            yield from _replaced(label, a[i:j], b[k:m])
    if one.ended != other.ended:
        last = [(s.dialogue[-1].line if s.dialogue else s.line) for s in (one, other)]
        was, has = visible_text(one.ended), visible_text(other.ended)
        yield Change(CODE, "ended", "", was, has, label, *last)


def _aligned(a: Sequence[Hashable], b: Sequence[Hashable]) -> Iterator[_Span]:
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


def _replaced(label: str, a: list[Recorded], b: list[Recorded]) -> Iterator[Change]:
    """Yield commands that differ; those of one stage, in order, are told as one that changed."""
    for equal, i, j, k, m in _aligned([x.stage for x in a], [y.stage for y in b]):
        if equal:
            for x, y in zip(a[i:j], b[k:m], strict=True):
                yield _command(label, x, y)
                yield from _exchanges(label, x, y)
        else:
            yield from (_command(label, x, None) for x in a[i:j])
            yield from (_command(label, None, y) for y in b[k:m])


def _command(label: str, old: Recorded | None, new: Recorded | None) -> Change:
    stage = (old or new or Recorded("")).stage
    texts = ["" if one is None else visible(one.sent.strip()) or one.stage for one in (old, new)]
    lines = [0 if one is None else one.line for one in (old, new)]
    return Change(CLASS, "command", stage, texts[0], texts[1], label, lines[0], lines[1])


def _exchanges(label: str, old: Recorded, new: Recorded) -> Iterator[Change]:
    place = (label, old.line, new.line)
    if old.kept is not None or new.kept is not None:
        for was, has in message_changes(old.kept, new.kept):
            yield Change(CODE, "message", old.stage, was, has, *place)
    if old.heard == new.heard:
        return
    for x, y in zip_longest(replies_in(old.heard), replies_in(new.heard)):
        if x is None or y is None:
            yield Change(CLASS, "reply", old.stage, _shown(x), _shown(y), *place)
        else:
            for severity, what, was, has in _replies(old.stage, x, y):
                yield Change(severity, what, old.stage, was, has, *place)


def _replies(stage: str, old: Reply, new: Reply) -> Iterator[tuple[str, str, str, str]]:
    if old.code != new.code:
        graver = CLASS if old.code // 100 != new.code // 100 else CODE
        yield graver, "code", _shown(old), _shown(new)
    elif old.enhanced != new.enhanced:
        yield CODE, "enhanced", _shown(old), _shown(new)
    elif stage in _EXTENDED and old.code == 250:
        yield from _keywords(old, new)
    elif quiet_reply(old.wire) != quiet_reply(new.wire):
        yield TEXT, "text", _shown(old), _shown(new)


def _keywords(old: Reply, new: Reply) -> Iterator[tuple[str, str, str, str]]:
    before, after = ({keyword_of(line): line for line in one.lines[1:]} for one in (old, new))
    for keyword in dict.fromkeys((*before, *after)):
        was, is_ = before.get(keyword, b""), after.get(keyword, b"")
        if sorted(was.upper().split()) != sorted(is_.upper().split()):
            yield CODE, "keywords", visible(was), visible(is_)
    if quiet_reply(old.lines[0]) != quiet_reply(new.lines[0]):
        yield TEXT, "text", visible(old.lines[0]), visible(new.lines[0])


def _shown(reply: Reply | None) -> str:
    return "" if reply is None else visible(reply.wire.strip().replace(b"\r\n", b" / "))
