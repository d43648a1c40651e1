"""What rules remember across sessions: how often each matched and fired, in which scope, and when.

Owns the counts and their bounds. Takes the time as an argument, and decides nothing. A rule is
known by its key, so that what it remembers outlives a reload.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from hashlib import blake2b

#: Scopes, such as recipients, that are remembered of one rule; the one that was not asked about for
#: the longest is forgotten first. A hostile client can invent scopes without end.
MOST_SCOPES = 20_000
#: Moments that are remembered of one rule, in all of its scopes.
MOST_MARKS = 2_000_000
#: Rules whose firings are kept once they are no longer in force.
MOST_RULES = 1000
_LONGEST_SCOPE = 64


class Account:
    """What one rule remembers of one scope. Times are in seconds."""

    __slots__ = ("began", "fired", "last", "marks", "matches")

    def __init__(self, now: float) -> None:
        self.began = now  # the first match
        self.last = now
        self.matches = 0
        self.fired = 0
        self.marks: deque[float] = deque()  # matches that passed, where a rate is limited


class _Tally:
    """The firings of one rule."""

    __slots__ = ("fired", "first", "number")

    def __init__(self, first: float) -> None:
        self.fired = 0
        self.number = 0  # of the last one: numbers are never given twice
        self.first: float | None = first


class Ledger:
    """The accounts of all rules of one run."""

    def __init__(self, most: int = MOST_SCOPES) -> None:
        self._most = most
        self._accounts: dict[str, OrderedDict[str, Account]] = {}
        self._ordinals: dict[str, OrderedDict[str, int]] = {}
        self._tallies: dict[str, _Tally] = {}

    def account(
        self, key: str, scope: str, now: float, forget: float = 0.0, marks: int = 1
    ) -> Account:
        """Return a rule's account of a scope: a new one after `forget` seconds, if that is not 0.

        `marks` is how many moments each account may hold.
        """
        accounts = self._accounts.setdefault(key, OrderedDict())
        scope = _short(scope)
        account = accounts.get(scope)
        if account is None or (forget and now - account.last >= forget):
            account = accounts[scope] = Account(now)
            most = max(1, min(self._most, MOST_MARKS // max(1, marks)))
            if len(accounts) > most:
                accounts.popitem(last=False)
        accounts.move_to_end(scope)
        account.last = now
        return account

    def ordinal(self, key: str, scope: str) -> int:
        """Return the how-manieth draw of a rule in a scope this is, from 1."""
        ordinals = self._ordinals.setdefault(key, OrderedDict())
        scope = _short(scope)
        number = ordinals[scope] = ordinals.get(scope, 0) + 1
        ordinals.move_to_end(scope)
        if len(ordinals) > self._most:
            ordinals.popitem(last=False)
        return number

    def fire(self, key: str, elapsed: float) -> int:
        """Count a firing, so many seconds after the run began; return its number, from 1."""
        tally = self._tallies.get(key)
        if tally is None:
            tally = self._tallies[key] = _Tally(elapsed)
        if not tally.fired:
            tally.first = elapsed
        tally.fired += 1
        tally.number += 1
        return tally.number

    def withdraw(self, key: str) -> None:
        """A firing came to nothing."""
        if (tally := self._tallies.get(key)) is not None and tally.fired:
            tally.fired -= 1

    def restore(self, key: str) -> None:
        """A firing that was withdrawn came to something after all."""
        if (tally := self._tallies.get(key)) is not None:
            tally.fired += 1

    def keep(self, keys: Iterable[str]) -> None:
        """Forget what rules remember that are not among these. How often they fired is kept."""
        known = set(keys)
        former = [key for key in self._tallies if key not in known]
        for key in former[:-MOST_RULES]:
            del self._tallies[key]
        for kept in (self._accounts, self._ordinals):
            for gone in kept.keys() - known:
                del kept[gone]

    def fired(self, key: str) -> tuple[int, float | None]:
        """Return how often a rule fired, and when first: seconds since the run began."""
        tally = self._tallies.get(key)
        return (tally.fired, tally.first) if tally is not None and tally.fired else (0, None)

    def ever_fired(self) -> list[str]:
        """Return the keys of all rules that have fired."""
        return [key for key, tally in self._tallies.items() if tally.fired]


def _short(scope: str) -> str:
    """Return a name of a scope that takes little room, however long the scope is."""
    if len(scope) <= _LONGEST_SCOPE:
        return scope
    return blake2b(scope.encode("utf-8", "surrogatepass"), digest_size=24).hexdigest()
