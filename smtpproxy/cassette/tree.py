"""The dialogue tree: all recorded exchanges, and which of them were replayed.

Sessions are cut into prologues and mail transactions; equal beginnings share a path, so that a
claim on a transaction stays open until an exchange tells it from its likes. What makes an exchange
the recorded one is the affair of `matching`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from smtpproxy.cassette.matching import (
    ANY,
    FREE,
    PROLOGUE,
    STARTTLS,
    STRICT,
    USUAL,
    Matching,
    begins_tls,
    ends_transaction,
    opens_transaction,
)
from smtpproxy.cassette.model import (
    STRAY,
    UNSOLICITED,
    Cassette,
    Kept,
    Recorded,
)
from smtpproxy.cassette.pace import AT_ONCE, waits
from smtpproxy.cassette.points import Branch, Point
from smtpproxy.cassette.recordedmessages import RecordedMessages

#: Exchanges, each with the seconds that its reply is late.
_Dialogue: TypeAlias = list[tuple[Recorded, float]]


class Transaction(NamedTuple):
    """A recorded transaction: where it begins, and the last of its exchanges.

    Those before the last are claimed for others, too, as long as nothing tells them apart.
    """

    session: str  # the label
    first: Recorded
    branch: Branch
    slot: int

    @property
    def used(self) -> bool:
        """Was it replayed?"""
        return self.branch.uses[self.slot] > 0


class Start:
    """Where a connection begins, and what is said there to commands that use up nothing."""

    __slots__ = ("asks", "free", "number", "root")

    def __init__(self, number: int, repeat: bool) -> None:
        self.number = number  # from 0 on, in the order of the file
        self.root = Point(repeat)
        self.free: dict[str, tuple[bytes, float]] = {}  # with how late it is
        self.asks = False  # something was recorded that can be used up


class Tree:
    """All dialogues of a cassette. `repeat`: nothing is ever used up.

    `plain`: what was recorded under TLS is for clients without it. `octets_of` reads kept mail
    data from its file, as it was on the wire. In `order` STRICT a connection follows one session.
    Replies come `times` as fast as recorded, or at once.
    """

    def __init__(
        self,
        cassette: Cassette,
        repeat: bool = False,
        plain: bool = False,
        matching: Matching = USUAL,
        octets_of: Callable[[Kept], bytes] | None = None,
        order: str = ANY,
        times: float = AT_ONCE,
    ) -> None:
        self.matching = matching
        self._repeat = repeat
        self.order = order
        self._strict = order == STRICT
        self.starts: list[Start] = []
        self._unused: list[int] = []  # a heap of the starts that may be taken
        self.pools: list[Point] = []
        self.transactions: list[Transaction] = []
        self._octets_of = octets_of
        for session in cassette.sessions:
            if session.behind:
                continue  # nobody hears it: a server closes behind its 221
            dialogue = list(zip(session.dialogue, waits(session, times), strict=True))
            if plain:
                dialogue = _in_plain_text(dialogue, session.followed)
            self._add(session.label, dialogue, session.followed)
        if not self.starts:
            self._start()
        self._all = [start.number for start in self.starts if start.root.branches]
        self._unused = self._all.copy()

    @property
    def root(self) -> Point:
        """Where the first connection begins; in the usual order, where all do."""
        return self.starts[0].root

    def take(self) -> Start | None:
        """Return where the next connection begins, or None where no session is left."""
        if not self._strict:
            return self.starts[0]
        if not self._unused and self._repeat:
            self._unused = self._all.copy()
        return self.starts[heapq.heappop(self._unused)] if self._unused else None

    def give_back(self, start: Start) -> None:
        """Nothing was used of what was taken: the next connection may have it."""
        if self._strict and start.asks and start.number not in self._unused:
            heapq.heappush(self._unused, start.number)

    def _start(self) -> Start:
        """Return where a recorded session begins."""
        if self._strict or not self.starts:
            self.starts.append(Start(len(self.starts), self._repeat))
        return self.starts[-1]

    def _add(self, label: str, dialogue: _Dialogue, followed: bool) -> None:
        start = self._start()
        prologue = start.root
        point: Point | None = None  # in the open transaction
        messages = RecordedMessages(self.matching, self._octets_of)
        for one, wait in dialogue:
            stage = one.stage
            if stage in (UNSOLICITED, STRAY):
                continue
            if point is not None and (stage in PROLOGUE or stage in ("MAIL", "QUIT")):
                point.endings += 1
                point, prologue = None, self._behind(prologue)
            start.asks |= stage not in FREE and stage != "CONNECT"
            if stage in PROLOGUE:
                prologue = prologue.follow(one, wait)
                prologue.followed |= followed and begins_tls(stage, one.heard)
            elif stage == "NOOP" or (point is None and stage in FREE):
                if one.heard:
                    start.free.setdefault(stage, (one.heard, wait))
            else:
                message = messages.of(one, point is None)
                branch = (point or self._pool(prologue)).branch(one, self.matching, message)
                self._take_note(label, one, branch, point is None)
                point = branch.add(one, wait)
                if ends_transaction(stage, one.sent) or not opens_transaction(stage):
                    point, prologue = None, self._behind(prologue)
        if point is not None:
            point.endings += 1

    def _behind(self, prologue: Point) -> Point:
        """Return where the session goes on behind a transaction: where that began, or further."""
        return prologue.behind() if self._strict else prologue

    def _take_note(self, label: str, one: Recorded, branch: Branch, begins: bool) -> None:
        """Take note of a transaction, as far as it is known."""
        slot = len(branch.slots)
        if begins:
            first = one._replace(kept=None)
            self.transactions.append(Transaction(label, first, branch, slot))
        else:
            self.transactions[-1] = self.transactions[-1]._replace(branch=branch, slot=slot)

    def _pool(self, prologue: Point) -> Point:
        if prologue.pool is None:
            self.pools.append(prologue.transactions())
        return prologue.transactions()

    def unused(self) -> list[Recorded]:
        """Return the first exchange of each transaction, once a kind, that nobody replayed."""
        return [
            branch.example
            for pool in self.pools
            for branch in pool.branches.values()
            if branch.free
        ]

    def unused_count(self) -> int:
        """Return how many transactions nobody replayed."""
        return sum(pool.left for pool in self.pools)


def _in_plain_text(dialogue: _Dialogue, followed: bool) -> _Dialogue:
    """Return a dialogue as of a client that never asks for TLS.

    What was said under TLS follows the greeting; what came before is left out, as it was forgotten.
    """
    begins = [at for at, (one, _) in enumerate(dialogue) if begins_tls(one.stage, one.heard)]
    if followed and begins:
        greeting = [timed for timed in dialogue[: begins[0]] if timed[0].stage == "CONNECT"]
        dialogue = greeting + dialogue[begins[-1] + 1 :]
    return [timed for timed in dialogue if timed[0].stage != STARTTLS]
