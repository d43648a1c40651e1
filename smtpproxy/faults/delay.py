"""Hold a reply back without losing or reordering octets."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.actions import Side, Wait
from smtpproxy.faults.base import Fault, FaultError, Telling, Value, text_of

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0, "days": 86400.0}
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*")


def parse_duration(value: str) -> float:
    """Return the seconds in a text such as "30 s", "250 ms" or "5 min". Raises FaultError."""
    found = _DURATION.fullmatch(value)
    if not found or found[2] not in _UNITS:
        raise FaultError(f"expected a time such as '30 s', '250 ms' or '5 min', got {value!r}")
    return float(found[1]) * _UNITS[found[2]]


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """`delay: 30 s`: the reply reaches the client that much later."""

    seconds: float
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read a time with its unit."""
        return cls(parse_duration(text_of(value)))

    def apply(self, telling: Telling) -> None:
        """Wait before anything is said."""
        telling.before.append(Wait(Side.CLIENT, self.seconds))

    @property
    def words(self) -> str:
        """How late the reply is."""
        return f"the reply comes {self.seconds:g} s later"
