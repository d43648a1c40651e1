"""The how-manieth it is: command of its stage, message, or session."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Self

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import IN_TRANSACTION, Condition, ConditionError
from smtpproxy.rules.occasion import Occasion

_FORM = re.compile(r"(?:every\s+([0-9]{1,9})|([0-9]{1,9})(\s*-\s*([0-9]{1,9})?)?)")
_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "string", "pattern": "^(every +[0-9]+|[0-9]+( *- *([0-9]+)?)?)$"},
    ]
}


class Nth(NamedTuple):
    """Which of a row: from `low` to `high`, or every `step`th."""

    low: int
    high: int | None
    step: int = 1

    @classmethod
    def parse(cls, value: Value) -> Nth:
        """Read `3`, `3-5`, `3-` or `every 2`. Raises FaultError."""
        text = text_of(value)
        found = _FORM.fullmatch(text.strip())
        if not found:
            raise ConditionError(f"expected a number, or '3-5', '3-' or 'every 2', got {text!r}")
        if found[1]:
            step = int(found[1])
            nth = cls(step, None, step)
        else:
            low = int(found[2])
            high = low if found[3] is None else int(found[4]) if found[4] else None
            nth = cls(low, high)
        if not nth.low or (nth.high is not None and nth.high < nth.low):
            raise ConditionError(f"expected numbers from 1 on, the lower one first, got {text!r}")
        return nth

    def holds(self, number: int) -> bool:
        """Is the number one of them? None is 0."""
        if number < self.low or (self.high is not None and number > self.high):
            return False
        return self.step == 1 or number % self.step == 0

    def __str__(self) -> str:
        """Such as 3, 3 to 5, or every 2."""
        if self.step > 1:
            return f"every {self.step}"
        if self.high is None:
            return f"number {self.low} or a later one"
        return (
            f"number {self.low}" if self.high == self.low else f"number {self.low} to {self.high}"
        )


@dataclass(frozen=True, slots=True)
class _Ordinal(Condition):
    """A condition on the how-manieth something is that kinds of it count."""

    nth: Nth
    schema: ClassVar[dict[str, Any]] = _SCHEMA

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read which."""
        return cls(Nth.parse(value))


@dataclass(frozen=True, slots=True)
class NthCommand(_Ordinal):
    """`command: 3`: the third of this stage in the session."""

    def matches(self, occasion: Occasion) -> bool:
        """Is it one of those?"""
        return self.nth.holds(occasion.ordinal)

    @property
    def words(self) -> str:
        """Which of the stage."""
        return _words(self.nth, "it", "of its stage in the session")


@dataclass(frozen=True, slots=True)
class NthMessage(_Ordinal):
    """`message: every 2`: each second mail transaction of the session.

    At MAIL it is the one that this MAIL asks for: those that were refused do not count.
    """

    stages: ClassVar[tuple[str, ...]] = IN_TRANSACTION

    def matches(self, occasion: Occasion) -> bool:
        """Is it one of those?"""
        return self.nth.holds(occasion.message_number)

    def looks_back(self, stage: str) -> bool:
        """It takes what became of the MAIL before."""
        return True

    @property
    def words(self) -> str:
        """Which message."""
        return _words(self.nth, "the message", "of the session")


@dataclass(frozen=True, slots=True)
class NthSession(_Ordinal):
    """`session: 1-3`: the first three sessions of the run."""

    def matches(self, occasion: Occasion) -> bool:
        """Is it one of those?"""
        return self.nth.holds(occasion.session_number)

    @property
    def words(self) -> str:
        """Which session."""
        return _words(self.nth, "the session", "of the run")


def _words(nth: Nth, what: str, where: str) -> str:
    if nth.step > 1:
        return f"{what} is one of every {nth.step} {where}"
    return f"{what} is {nth} {where}"
