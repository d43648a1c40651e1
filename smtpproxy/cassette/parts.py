"""Sessions cut into what is compared: the mail transactions, and the frame that they stand in.

Owns the cut, which is that of replay. A frame is what is left of a session without them: greeting,
EHLO and its like, NOOP, RSET and QUIT outside of transactions, and how it ended.
"""

from __future__ import annotations

from typing import NamedTuple

from smtpproxy.cassette.matching import (
    FREE,
    PROLOGUE,
    Key,
    Matching,
    ends_transaction,
    key_of,
    opens_transaction,
)
from smtpproxy.cassette.model import STRAY, UNSOLICITED, Recorded, RecordedSession

_OUTSIDE = PROLOGUE | FREE | {UNSOLICITED, STRAY}


class Part(NamedTuple):
    """A transaction, or a frame. `prologue` is equal where equal commands came before it."""

    label: str  # of its session
    line: int
    dialogue: list[Recorded]
    keys: list[Key]  # what identifies each exchange
    prologue: int = 0
    frame: bool = False
    ended: str = ""  # of a frame


class Cutter:
    """Cuts the sessions that are compared with one another."""

    def __init__(self, matching: Matching) -> None:
        self._matching = matching
        self._prologues: dict[tuple[int, Key], int] = {}

    def cut(self, session: RecordedSession) -> list[Part]:
        """Return a session's frame, and then its transactions."""
        frame = Part(session.label, session.line, [], [], frame=True, ended=session.ended)
        transactions: list[Part] = []
        part: Part | None = None  # the open transaction
        prologue = 0
        for one in session.dialogue:
            stage, key = one.stage, key_of(one.stage, one.sent, self._matching)
            if stage in PROLOGUE or stage in ("MAIL", "QUIT"):
                part = None
            if stage in PROLOGUE:
                prologue = self._prologues.setdefault((prologue, key), len(self._prologues) + 1)
            if stage in PROLOGUE or stage == "NOOP" or (part is None and stage in _OUTSIDE):
                _add(frame, one, key)
                continue
            if part is None:
                part = Part(session.label, one.line, [], [], prologue)
                transactions.append(part)
                alone = not opens_transaction(stage)
            _add(part, one, key)
            if alone or ends_transaction(stage, one.sent):
                part = None
        return [frame, *transactions]


def _add(part: Part, one: Recorded, key: Key) -> None:
    part.dialogue.append(one)
    part.keys.append(key)
