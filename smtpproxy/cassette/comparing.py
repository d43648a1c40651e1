"""How two cassettes differ: transactions are paired by what was said in them, then compared.

Owns the severity of each change; what is never one is known to `matching` and `noise`. Labels,
times, orders, and on which connection something was said, are not compared. Prints nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from typing import NamedTuple

from smtpproxy.cassette.alignment import aligned
from smtpproxy.cassette.contents import Letter, message_changes
from smtpproxy.cassette.matching import COMPARED, Matching, ends_transaction
from smtpproxy.cassette.matchwords import matching_of
from smtpproxy.cassette.model import Cassette, Kept, Recorded
from smtpproxy.cassette.noise import quiet_reply
from smtpproxy.cassette.pairs import NO_PART, pairs
from smtpproxy.cassette.parts import Cutter, Part
from smtpproxy.cassette.replies import replies_in
from smtpproxy.smtp.ehlo import keyword_of
from smtpproxy.smtp.facts import Reply
from smtpproxy.visible import visible, visible_text

CLASS, CODE, TEXT = "class", "code", "text"
#: From the gravest on: another outcome, another reason, other words.
SEVERITIES = (CLASS, CODE, TEXT)

_EXTENDED = ("EHLO", "LHLO")


class Change(NamedTuple):
    """One difference. A line is 0 where the cassette has nothing of the kind."""

    severity: str
    what: str  # from session and transaction down to keywords and text
    stage: str
    old: str
    new: str
    session: str  # its label in the old cassette, or in the new one
    old_line: int
    new_line: int


class _Told(NamedTuple):
    """An exchange, and the message that ends with it: its mail data, or all of its chunks."""

    one: Recorded
    kept: tuple[Kept, ...] = ()


def compare(old: Cassette, new: Cassette, matching: Matching | None = None) -> Iterator[Change]:
    """Yield what has changed, in the order of the old cassette; what is new comes last.

    `matching`: what is compared, where that is not what the old cassette says, or else everything.
    """
    matching = matching or matching_of(old.match, old.ignore, usual=COMPARED)
    comparing = _Comparing(matching, Path(old.source), Path(new.source))
    cutter = Cutter(matching)
    sides = [
        [part for one in it.sessions if not one.behind for part in cutter.cut(one)]
        for it in (old, new)
    ]
    for one, other in pairs(*sides):
        yield from comparing.parts(one, other)


class _Comparing:
    """Compares parts of two cassettes, which are in these files."""

    def __init__(self, matching: Matching, old: Path, new: Path) -> None:
        self._matching = matching
        self._files = old, new

    def parts(self, one: Part | None, other: Part | None) -> Iterator[Change]:
        """Yield what differs in two parts, or that there is only one."""
        if one is None or other is None:
            yield _alone(one, other)
            return
        label, a, b = one.label, _told(one.dialogue), _told(other.dialogue)
        for equal, i, j, k, m in aligned(one.keys, other.keys):
            if equal:
                for x, y in zip(a[i:j], b[k:m], strict=True):
                    yield from self._exchanges(label, x, y)
            else:
                yield from self._replaced(label, a[i:j], b[k:m])
        if one.ended != other.ended:
            last = [(s.dialogue[-1].line if s.dialogue else s.line) for s in (one, other)]
            was, has = visible_text(one.ended), visible_text(other.ended)
            yield Change(CODE, "ended", "", was, has, label, *last)

    def _replaced(self, label: str, a: list[_Told], b: list[_Told]) -> Iterator[Change]:
        """Yield commands that differ; those of one stage are told as one that changed."""
        for equal, i, j, k, m in aligned([x.one.stage for x in a], [y.one.stage for y in b]):
            if equal:
                for x, y in zip(a[i:j], b[k:m], strict=True):
                    yield _command(label, x.one, y.one)
                    yield from self._exchanges(label, x, y)
            else:
                yield from (_command(label, x.one, None) for x in a[i:j])
                yield from (_command(label, None, y.one) for y in b[k:m])

    def _exchanges(self, label: str, x: _Told, y: _Told) -> Iterator[Change]:
        old, new = x.one, y.one
        place = (label, old.line, new.line)
        if self._matching.message and (x.kept or y.kept):
            letters = [
                Letter(told.kept, file) if told.kept else None
                for told, file in zip((x, y), self._files, strict=True)
            ]
            for was, has in message_changes(letters[0], letters[1], self._matching):
                yield Change(CODE, "message", old.stage, was, has, *place)
        if old.heard != new.heard:
            yield from _answers_differ(old, new, place)


def _told(dialogue: list[Recorded]) -> list[_Told]:
    """Return exchanges, each with the message that ends there; a BDAT before the last has none."""
    told, chunks = [], list[Kept]()
    for one in dialogue:
        chunks += [one.kept] if one.kept is not None else []
        if one.stage == "BDAT" and not ends_transaction(one.stage, one.sent):
            told.append(_Told(one))
        else:
            told.append(_Told(one, tuple(chunks)))
            chunks = []
    return told


def _alone(old: Part | None, new: Part | None) -> Change:
    """Return the change that is a part which the other cassette has not."""
    part = old or new or NO_PART
    one = part.dialogue[0] if part.dialogue else Recorded("")
    many = len(part.dialogue)
    words = f"{many} exchange{'' if many == 1 else 's'}"
    shown = words if part.frame else f"{visible(one.sent.strip()) or one.stage} ({words})"
    what, stage = ("session", "") if part.frame else ("transaction", one.stage)
    if old is not None:
        return Change(CLASS, what, stage, shown, "", part.label, part.line, 0)
    return Change(CLASS, what, stage, "", shown, part.label, 0, part.line)


def _command(label: str, old: Recorded | None, new: Recorded | None) -> Change:
    stage = (old or new or Recorded("")).stage
    texts = ["" if one is None else visible(one.sent.strip()) or one.stage for one in (old, new)]
    lines = [0 if one is None else one.line for one in (old, new)]
    return Change(CLASS, "command", stage, texts[0], texts[1], label, lines[0], lines[1])


def _answers_differ(old: Recorded, new: Recorded, place: tuple[str, int, int]) -> Iterator[Change]:
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
