"""Places in the recorded dialogues, the commands that lead on from each, and what of them is used.

Owns claims, which may be taken back. How dialogues are laid out in them is the affair of `tree`.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

from smtpproxy.cassette.fingerprint import NO_MESSAGE, Fingerprint
from smtpproxy.cassette.matching import (
    STARTTLS,
    USUAL,
    Key,
    Matching,
    begins_tls,
    key_of,
    reply_key,
)
from smtpproxy.cassette.model import Recorded


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


def _leads(way: Way) -> bool:
    return way.point.followed or not begins_tls(STARTTLS, way.heard)
