"""Transactions and sessions taken out of a cassette's text; what stays, stays as it was written.

Owns which lines belong to a transaction. What was sent in one go with what stays is left in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import replace
from typing import NamedTuple

from smtpproxy.cassette.matching import FREE, PROLOGUE, ends_transaction
from smtpproxy.cassette.model import STRAY, UNSOLICITED, Recorded, RecordedSession
from smtpproxy.cassette.replies import replies_in
from smtpproxy.cassette.script import Script, checked, ended
from smtpproxy.documents import Mapping, Sequence

_BEGINS_OTHER = PROLOGUE | {"MAIL", "QUIT"}
_GOES_ON = frozenset({"MAIL", "RCPT", "SEND", "SOML", "SAML", "DATA", "BDAT"})
_ITEM = re.compile(r"( *)- ")
_TIMES = re.compile(r"(timing-ms: \[)[0-9, ]*(\][ \t]*\n?)")


class Pruned(NamedTuple):
    """What is left of a cassette, and what of what was asked for could not be taken out."""

    octets: bytes
    transactions: int
    sessions: int
    left: tuple[int, ...]  # the lines of what stays all the same, or is no transaction


def pruned(script: Script, lines: Collection[int], labels: Collection[str]) -> Pruned:
    """Take out transactions by the line of their first command, and sessions by label.

    Raises DocumentError.
    """
    parts = [ended(script.head)]
    expected: list[RecordedSession] = []
    gone: set[int] = set()  # lines
    transactions_out = sessions_out = 0
    for number, session in enumerate(script.cassette.sessions):
        cut = _Cut(script, number, lines)
        if session.label in labels or cut.everything:
            sessions_out += 1
            gone |= {one.line for one in session.dialogue}
            continue
        gone |= cut.begins
        transactions_out += len(cut.begins)
        parts.append(cut.text())
        expected.append(cut.session())
    octets = checked("".join(parts), expected, script.source)
    left = tuple(sorted(set(lines) - gone))
    return Pruned(octets, transactions_out, sessions_out, left)


def transactions(dialogue: list[Recorded]) -> Iterator[range]:
    """Yield the places of each mail transaction, as replay cuts a dialogue."""
    begin: int | None = None
    for at, one in enumerate(dialogue):
        stage = one.stage
        if stage in (UNSOLICITED, STRAY):
            continue
        if begin is not None and stage in _BEGINS_OTHER:
            yield range(begin, at)
            begin = None
        if stage in PROLOGUE or stage == "NOOP" or (begin is None and stage in FREE):
            continue
        begin = at if begin is None else begin
        if ends_transaction(stage, one.sent) or stage not in _GOES_ON:
            yield range(begin, at + 1)
            begin = None
    if begin is not None:
        yield range(begin, len(dialogue))


class _Cut:
    """What is taken out of one session."""

    def __init__(self, script: Script, number: int, lines: Collection[int]) -> None:
        self._script = script
        self._session = script.cassette.sessions[number]
        self._span = script.spans[number]
        self._node = script.nodes[number]
        dialogue = self._node.entries["dialogue"]
        self._items = dialogue.items if isinstance(dialogue, Sequence) else []
        self._item_of = [at for at, item in enumerate(self._items) for _ in range(_width(item))]
        wanted = self._wanted(lines)
        self._out = {self._item_of[at] for places in wanted for at in places}
        self._places = {at for places in wanted for at in places}
        self.begins = {self._session.dialogue[places[0]].line for places in wanted}

    @property
    def everything(self) -> bool:
        """Is nothing of the dialogue left?"""
        return bool(self._items) and len(self._out) == len(self._items)

    def _wanted(self, lines: Collection[int]) -> list[range]:
        """Return the transactions that can be taken out without anything else."""
        dialogue = self._session.dialogue
        found = list(transactions(dialogue))
        often = Counter(dialogue[places[0]].line for places in found)
        wanted = [p for p in found if (line := dialogue[p[0]].line) in lines and often[line] == 1]
        wanted = [p for p in wanted if all(self._is_item(self._item_of[at]) for at in p)]
        while True:
            out = {at for places in wanted for at in places}
            shared = {self._item_of[at] for at in range(len(dialogue)) if at not in out}
            clean = [p for p in wanted if not any(self._item_of[at] in shared for at in p)]
            if len(clean) == len(wanted):
                return clean
            wanted = clean

    def _is_item(self, at: int) -> bool:
        """Does an item of the list begin its line?"""
        return _ITEM.match(self._script.lines[self._items[at].line - 1]) is not None

    def text(self) -> str:
        begin, end = self._span
        lines = self._script.lines
        without = {at for item in self._out for at in range(*self._lines_of(item))}
        kept = [line for at, line in enumerate(lines[begin:end], begin) if at not in without]
        return ended("".join(map(self._timed, kept) if self._timing_is_whole else kept))

    def _lines_of(self, item: int) -> tuple[int, int]:
        """Return from which line to which an item goes, with the comments right before it."""
        if item + 1 < len(self._items):
            return self._begin(item), self._begin(item + 1)
        line = self._items[item].line
        below = [other - 1 for other in self._node.key_lines.values() if other > line]
        return self._begin(item), self._above(min(below, default=self._span[1]), line, 0)

    def _begin(self, item: int) -> int:
        line = self._items[item].line
        found = _ITEM.match(self._script.lines[line - 1])
        first = self._items[item - 1].line if item else self._span[0]
        return self._above(line - 1, first, len(found[1]) if found else 0)

    def _above(self, at: int, first: int, column: int) -> int:
        """Return where the comments begin that end at a line, not before the line `first`."""
        while at > first and _is_comment(self._script.lines[at - 1], column):
            at -= 1
        return at

    @property
    def _timing_is_whole(self) -> bool:
        """Is there one time for each reply, so that it is known which go?"""
        times = self._session.timing_ms
        return bool(self._out) and sum(map(_replies, self._session.dialogue)) == len(times)

    def _times(self) -> list[int]:
        times = iter(self._session.timing_ms)
        taken = [[next(times) for _ in range(_replies(one))] for one in self._session.dialogue]
        return [time for at, own in enumerate(taken) if at not in self._places for time in own]

    def _timed(self, line: str) -> str:
        found = _TIMES.fullmatch(line)
        return f"{found[1]}{', '.join(map(str, self._times()))}{found[2]}" if found else line

    def session(self) -> RecordedSession:
        """Return what the text is to say."""
        dialogue = self._session.dialogue
        return replace(
            self._session,
            dialogue=[one for at, one in enumerate(dialogue) if at not in self._places],
            timing_ms=self._times() if self._timing_is_whole else self._session.timing_ms,
        )


def _width(item: object) -> int:
    """Return how many exchanges an item of a dialogue holds."""
    command = item.entries.get("C") if isinstance(item, Mapping) else None
    return len(command.items) if isinstance(command, Sequence) else 1


def _replies(one: Recorded) -> int:
    if one.stage in (UNSOLICITED, STRAY):
        return 0
    return len(replies_in(one.heard)) if one.changed else len(one.said)


def _is_comment(line: str, column: int) -> bool:
    """Is this a comment of the list, and no line of a message that looks like one?"""
    stripped = line.lstrip(" ")
    return stripped.startswith("#") and len(line) - len(stripped) <= column
