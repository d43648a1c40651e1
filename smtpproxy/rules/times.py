"""How often a rule fires, of the times that it matches.

Owns `times:` in a rule: its words, and what they mean. What is counted is in an account of the
ledger, which is given.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, Final

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import ConditionError
from smtpproxy.rules.conditions.chance import SCHEMA as CHANCE_SCHEMA
from smtpproxy.rules.conditions.chance import share_of
from smtpproxy.rules.conditions.sincestart import seconds_of, span_of, span_words
from smtpproxy.rules.ledger import Account
from smtpproxy.rules.scopes import KNOWN_AT, RUN, SCOPES, looks_back

KEYS = (
    *("first", "every", "after", "until", "from", "to", "above", "within", "chance"),
    *("per", "forget"),
)
#: Most of what may be asked for by `above:`: so many moments are remembered of each scope.
MOST_ABOVE = 10_000
_MOST_DIGITS = 9
_COUNT = re.compile(rf"[0-9]{{1,{_MOST_DIGITS}}}")
_AFTER_FIRST = re.compile(r"(.+?)\s+after\s+first")
_NUMBER: Final[dict[str, Any]] = {"type": "integer", "minimum": 1}
SCHEMA: Final[dict[str, Any]] = {
    "anyOf": [
        _NUMBER,
        {
            "type": "object",
            "properties": {
                "first": _NUMBER,
                "every": _NUMBER,
                "after": _NUMBER,
                "until": {
                    "anyOf": [
                        {"type": "integer", "minimum": 2},
                        {"type": "string", "pattern": "^([0-9]+|.+ after first)$"},
                    ]
                },
                "from": {"type": "string"},
                "to": {"type": "string"},
                "above": {**_NUMBER, "maximum": MOST_ABOVE},
                "within": {"type": "string"},
                "chance": CHANCE_SCHEMA,
                "per": {"enum": list(SCOPES)},
                "forget": {"type": "string"},
            },
            "additionalProperties": False,
            "minProperties": 1,
            "dependentRequired": {"above": ["within"], "within": ["above"]},
        },
    ]
}


@dataclass(frozen=True, slots=True)
class Times:
    """What `times:` says. Each part that is given must let a match fire. Times are in seconds."""

    first: int = 0  # no more firings than these; 0: no bound
    every: int = 1
    after: int = 0  # so many matches pass before any fires
    until: int = 0  # with this match it is over; 0: never
    span: float = inf  # after the first match
    start: float = 0.0  # since the run began
    end: float = inf
    above: int = 0  # so many pass within the time, and the others fire; 0: no such bound
    within: float = 0.0
    chance: float = 1.0
    per: str = ""  # "": not said, which is the run
    forget: float = 0.0  # 0: never

    def let(self, account: Account, now: float, elapsed: float, draw: Callable[[], float]) -> bool:
        """Count a match; does it fire? Outside of `from` and `to` it is not counted."""
        if not self.start <= elapsed < self.end:
            return False
        account.matches += 1
        number = account.matches - self.after
        if number < 1 or number % self.every:
            return False
        if (self.until and account.matches >= self.until) or now >= account.began + self.span:
            return False
        if self.above and not self._above(account, now):
            return False
        if self.first and account.fired >= self.first:
            return False
        if self.chance < 1 and draw() >= self.chance:
            return False
        account.fired += 1
        return True

    def _above(self, account: Account, now: float) -> bool:
        """Have enough passed of late? Else this one passes, and is remembered."""
        marks = account.marks
        while marks and marks[0] <= now - self.within:
            marks.popleft()
        if len(marks) >= self.above:
            return True
        marks.append(now)
        return False

    def looks_back(self, stage: str) -> bool:
        """Is what it counts by known only from earlier replies?"""
        return looks_back(self.per, stage)

    @property
    def words(self) -> str:
        """How often, as the end of a sentence; "" where it is always."""
        told = [*self._counted(), *self._timed()]
        if self.chance < 1:
            told.append(f"with a chance of {self.chance:.10g}")
        if self.per and self.per != RUN:
            told.append(f"counted for each {self.per}")
        if self.forget:
            told.append(f"and forgotten after {self.forget:g} s")
        return ", ".join(told)

    def _counted(self) -> list[str]:
        told = []
        if self.after:
            told.append(f"after {self.after} that pass")
        if self.every > 1:
            told.append(f"one of every {self.every}")
        if self.first:
            told.append(f"the first {self.first} times" if self.first > 1 else "once")
        if self.until:
            told.append(f"until number {self.until}, which passes")
        return told

    def _timed(self) -> list[str]:
        told = []
        if self.span < inf:
            told.append(f"until {self.span:g} s after the first")
        if self.start or self.end < inf:
            told.append(f"while the run has been going on {span_words(self.start, self.end)}")
        if self.above:
            told.append(f"once {self.above} have passed within {self.within:g} s")
        return told


ALWAYS = Times()


def parse_times(value: Value, stage: str) -> Times:
    """Read `times:` of a rule for `stage`. Raises FaultError."""
    if isinstance(value, str):
        return Times(first=_count(value))
    if not isinstance(value, dict) or not value:
        raise ConditionError("expected a number of times, or a mapping such as {first: 2}")
    for key in value:
        if key not in KEYS:
            raise ConditionError(f"unknown key {key!r}", key, KEYS, (key,))
    counts = {key: _count(value[key], key) for key in ("first", "every", "after") if key in value}
    until, span = _until(value["until"]) if "until" in value else (0, inf)
    if until and until <= counts.get("after", 0) + 1:
        raise ConditionError("expected until: to be later: it would never fire", path=("until",))
    start, end = span_of(value)
    above, within = _rate(value)
    return Times(
        **counts,
        until=until,
        span=span,
        start=start,
        end=end,
        above=above,
        within=within,
        chance=share_of(value["chance"], "chance") if "chance" in value else 1.0,
        per=_per(value["per"], stage) if "per" in value else "",
        forget=_some_time(value["forget"], "forget") if "forget" in value else 0.0,
    )


def _count(value: Value, *path: str) -> int:
    text = text_of(value, *path)
    if text.isascii() and text.isdecimal() and len(text) > _MOST_DIGITS:
        raise ConditionError(f"expected no more than {_MOST_DIGITS} digits, got {text}", path=path)
    number = int(text) if _COUNT.fullmatch(text) else 0
    if not number:
        raise ConditionError(f"expected a whole number from 1 on, got {text!r}", path=path)
    return number


def _until(value: Value) -> tuple[int, float]:
    text = text_of(value, "until")
    if _COUNT.fullmatch(text):
        return _count(text, "until"), inf
    found = _AFTER_FIRST.fullmatch(text.strip())
    if not found:
        problem = f"expected a number, or a time such as '5 min after first', got {text!r}"
        raise ConditionError(problem, path=("until",))
    return 0, _some_time(found[1], "until")


def _rate(value: dict[str, Value]) -> tuple[int, float]:
    given = [key for key in ("above", "within") if key in value]
    if not given:
        return 0, 0.0
    if len(given) == 1:
        other = "within: 1 min" if given == ["above"] else "above: 10"
        raise ConditionError(f"expected {other} beside it", path=(given[0],))
    above = _count(value["above"], "above")
    if above > MOST_ABOVE:
        raise ConditionError(f"expected no more than {MOST_ABOVE:,}, got {above}", path=("above",))
    return above, _some_time(value["within"], "within")


def _per(value: Value, stage: str) -> str:
    per = text_of(value, "per")
    if per not in SCOPES:
        problem = f"expected {', '.join(SCOPES[:-1])} or {SCOPES[-1]}, got {per!r}"
        raise ConditionError(problem, per, SCOPES, ("per",))
    if stage not in KNOWN_AT.get(per, (stage,)):
        raise ConditionError(f"at {stage} no {per} is known yet", path=("per",))
    return per


def _some_time(value: Value, *path: str) -> float:
    seconds = seconds_of(value, *path)
    if not seconds:
        raise ConditionError("expected more than no time", path=path)
    return seconds
