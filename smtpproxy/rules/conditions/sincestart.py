"""How long the run has been going on."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import FaultError, Value, text_of
from smtpproxy.faults.delay import parse_duration
from smtpproxy.rules.conditions.base import Condition, ConditionError
from smtpproxy.rules.occasion import Occasion

_KEYS = ("from", "to")


@dataclass(frozen=True, slots=True)
class SinceStart(Condition):
    """`since-start: {from: 10 s, to: 30 s}`: the run began so many seconds ago."""

    start: float
    end: float
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "properties": {key: {"type": "string"} for key in _KEYS},
        "additionalProperties": False,
        "minProperties": 1,
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read one time, or both."""
        if not isinstance(value, dict) or not value:
            raise ConditionError("expected a mapping such as {from: 10 s, to: 30 s}")
        for key in value:
            if key not in _KEYS:
                raise ConditionError(f"unknown key {key!r}", key, _KEYS, (key,))
        start, end = span_of(value)
        return cls(start, end)

    def matches(self, occasion: Occasion) -> bool:
        """Is it the time?"""
        return self.start <= occasion.elapsed < self.end

    @property
    def words(self) -> str:
        """When."""
        return f"the run has been going on {span_words(self.start, self.end)}"


def span_of(value: dict[str, Value]) -> tuple[float, float]:
    """Return the seconds under `from` and `to`. Raises FaultError."""
    start = seconds_of(value["from"], "from") if "from" in value else 0.0
    end = seconds_of(value["to"], "to") if "to" in value else inf
    if end <= start:
        raise ConditionError("expected from: to be before to:", path=("to",))
    return start, end


def seconds_of(value: Value, *path: str) -> float:
    """Return a time in seconds. Raises ConditionError."""
    try:
        return parse_duration(text_of(value, *path))
    except FaultError as error:
        raise ConditionError(str(error), path=path) from None


def span_words(start: float, end: float) -> str:
    """Return a span of seconds in words."""
    if end == inf:
        return f"for {start:g} s or more"
    return f"for {start:g} s to {end:g} s" if start else f"for less than {end:g} s"
