"""A draw, which the seed of the run decides."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import Condition, ConditionError
from smtpproxy.rules.occasion import Occasion

_SHARE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(%?)")
SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "number", "exclusiveMinimum": 0, "maximum": 1},
        {"type": "string", "pattern": "^[0-9]+(\\.[0-9]+)? *%?$"},
    ]
}


@dataclass(frozen=True, slots=True)
class Chance(Condition):
    """`chance: 0.3`, or `chance: "30 %"`."""

    share: float
    schema: ClassVar[dict[str, Any]] = SCHEMA

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read a share of all."""
        return cls(share_of(value))

    def matches(self, occasion: Occasion) -> bool:
        """Is it drawn?"""
        return occasion.draw() < self.share

    @property
    def draws(self) -> bool:
        """It does nothing else."""
        return True

    @property
    def words(self) -> str:
        """How likely it is."""
        return f"chance has it ({self.share:.10g})"


def share_of(value: Value, *path: str) -> float:
    """Return a share above 0 and up to 1. Raises ConditionError."""
    text = text_of(value, *path)
    found = _SHARE.fullmatch(text.strip())
    share = float(found[1]) / (100 if found[2] else 1) if found else 0.0
    if not 0 < share <= 1:
        problem = "expected a share above 0 and up to 1, such as 0.3 or '30 %'"
        raise ConditionError(f"{problem}, got {text!r}", path=path)
    return share
