"""The dialogue tree: all recorded exchanges, and which of them were replayed.

Sessions are cut into prologues and mail transactions; equal beginnings share a path, so that a
claim on a transaction stays open until an exchange tells it from its likes. What makes an exchange
the recorded one is the affair of `matching`.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable
from typing import NamedTuple, TypeAlias

from smtpproxy.cassette.fingerprint import NO_MESSAGE, Fingerprint
from smtpproxy.cassette.matching import (
    ANY,
    FREE,
    PROLOGUE,
    STARTTLS,
    STRICT,
    USUAL,
    Key,
    Matching,
    begins_tls,
    ends_transaction,
    key_of,
    opens_transaction,
    reply_key,
)
from smtpproxy.cassette.model import (
    STRAY,
    UNSOLICITED,
    Cassette,
    Kept,
    Recorded,
)
from smtpproxy.cassette.pace import AT_ONCE, waits
from smtpproxy.cassette.recordedmessages import RecordedMessages

#: Exchanges, each with the seconds that its reply is late.
_Dialogue: TypeAlias = list[tuple[Recorded, float]]


class Point:
    """A place in the recorded dialogues, reached by commands and their replies."""

    __slots__ = ("_repeat", "after", "branches", "endings", "followed", "left", "pool")

    def __init__(self, repeat: bool = False) -> None:
        self._repeat = repeat
        self.branches: dict[Key, Branch] = {}
        self.left = 0  # ways on from here that are unused
        self.endings = 0  # transactions that were left unfinished here, and not yet replayed
        self.followed = False  # TLS began on the way here, and what came behind it was read
        self.pool: Point | None = None  # where transactions begin, after a prologue
        self.after: Point | None = None  # where a session goes on behind that one transaction

    def follow(self, one: Recorded, wait: float = 0.0) -> Point:
        """Return the place behind a recorded exchange, which is noted as one more way there."""
        return self.branch(one, USUAL, NO_MESSAGE).add(one, wait)

    def branch(self, one: Recorded, matching: Matching, message: Fingerprint) -> Branch:
        """Return the branch of a recorded exchange, which is made where there is none."""
        key = key_of(one.stage, one.sent, matching, message.digest)
        branch = self.branches.get(key)
        if branch is None:
            branch = self.branches[key] = Branch(one, self, self._repeat, message)
        return branch

    def transactions(self) -> Point:
        """Return the place where the transactions after this prologue begin."""
        if self.pool is None:
            self.pool = Point(self._repeat)
        return self.pool

    def behind(self) -> Point:
        """Return the place behind the one transaction that begins here."""
        self.after = Point(self._repeat)
        return self.after

    def left_here(self) -> bool:
        """A transaction is left here unfinished: was one recorded that was?"""
        if not self.endings:
            return False
        self.endings -= not self._repeat
        return True

    def unused(self) -> int:
        """Return how many transactions of this prologue, and of longer ones, are unused."""
        left = 0
        points = [self]  # prologues may be long: no recursion
        while points:
            point = points.pop()
            left += point.pool.left if point.pool is not None else 0
            for branch in point.branches.values():
                points.extend(way.point for way in branch.ways())
        return left


class Branch:
    """One command at one place, and each time that it was recorded there."""

    __slots__ = ("_owner", "_points", "_repeat", "example", "free", "message", "slots", "uses")

    def __init__(
        self, example: Recorded, owner: Point, repeat: bool, message: Fingerprint = NO_MESSAGE
    ) -> None:
        self._owner = owner
        self._repeat = repeat
        self.example = example._replace(kept=None)  # a message may be large
        self.message = message  # that ends here, where messages are compared
        self.uses: list[int] = []  # by slot: how many claims were not taken back
        self.slots: list[Way] = []  # what follows, and what was heard
        self.free: list[int] = []  # a heap: the first recorded is the first replayed
        self._points: dict[Key, Way] = {}

    def add(self, one: Recorded, wait: float = 0.0) -> Point:
        """Note one more time that it was recorded, with a reply so many seconds late."""
        heard = one.heard
        key = reply_key(one.stage, heard)
        if key not in self._points:
            self._points[key] = Way(Point(self._repeat), heard, wait)
        point = self._points[key].point
        heapq.heappush(self.free, len(self.slots))
        self._owner.left += 1
        self.slots.append(Way(point, heard, wait))
        self.uses.append(0)
        return point

    def ways(self) -> list[Way]:
        """Return the places behind this command, each with the first reply that led there.

        A STARTTLS whose octets passed unread leads nowhere.
        """
        return [
            way for way in self._points.values() if self.example.stage != STARTTLS or _leads(way)
        ]

    def claim(self) -> int | None:
        """Return the first unused slot, which is used from now on, or None."""
        if self._repeat and not self.free:
            self.free = list(range(len(self.slots)))
            self._owner.left += len(self.slots)
        if not self.free:
            return None
        self._owner.left -= 1
        slot = heapq.heappop(self.free)
        self.uses[slot] += 1
        return slot

    def release(self, slot: int) -> None:
        """Take a claim back."""
        self.uses[slot] -= 1
        if not self._repeat:
            self._owner.left += 1
            heapq.heappush(self.free, slot)


class Way(NamedTuple):
    """A place, and what was heard on the way there, so many seconds late."""

    point: Point
    heard: bytes | None
    wait: float = 0.0


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


def _leads(way: Way) -> bool:
    return way.point.followed or not begins_tls(STARTTLS, way.heard)


def _in_plain_text(dialogue: _Dialogue, followed: bool) -> _Dialogue:
    """Return a dialogue as of a client that never asks for TLS.

    What was said under TLS follows the greeting; what came before is left out, as it was forgotten.
    """
    begins = [at for at, (one, _) in enumerate(dialogue) if begins_tls(one.stage, one.heard)]
    if followed and begins:
        greeting = [timed for timed in dialogue[: begins[0]] if timed[0].stage == "CONNECT"]
        dialogue = greeting + dialogue[begins[-1] + 1 :]
    return [timed for timed in dialogue if timed[0].stage != STARTTLS]
