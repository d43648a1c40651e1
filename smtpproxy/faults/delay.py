"""Hold a reply back without losing or reordering octets."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any, ClassVar, Self

from smtpproxy.actions import Side, Wait
from smtpproxy.faults.base import SEND, Draw, Fault, FaultError, Telling, Value, mapping_of, text_of

_UNITS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "day": 86400.0, "days": 86400.0}
_DURATION = re.compile(r"\s*([0-9]+(?:\.[0-9]+)?)\s*([a-z]+)\s*")
#: Seconds beyond which nobody waits, and a clock may not reckon: a year.
LONGEST = 365 * 86400.0

FIXED, UNIFORM, NORMAL, LOG_NORMAL = "", "uniform", "normal", "log-normal"
#: The two times that describe each distribution, as they are named in a rule.
_TIMES = {
    UNIFORM: ("from", "to"),
    NORMAL: ("mean", "deviation"),
    LOG_NORMAL: ("median", "p95"),
}
_KEYS = tuple(key for keys in _TIMES.values() for key in keys)
#: Draws are kept from the ends, which a normal distribution reaches nowhere.
_EDGE = 1e-9
_STANDARD = NormalDist()
_AT_95 = _STANDARD.inv_cdf(0.95)


def parse_duration(value: str) -> float:
    """Return the seconds in a text such as "30 s", "250 ms" or "5 min". Raises FaultError."""
    found = _DURATION.fullmatch(value)
    if not found or found[2] not in _UNITS:
        raise FaultError(f"expected a time such as '30 s', '250 ms' or '5 min', got {value!r}")
    seconds = float(found[1]) * _UNITS[found[2]]
    if seconds > LONGEST:
        raise FaultError(f"expected a time of no more than 365 days, got {value!r}")
    return seconds


def duration_at(value: Value, *path: str | int) -> float:
    """Return the seconds of a time within a fault's value. Raises FaultError."""
    try:
        return parse_duration(text_of(value, *path))
    except FaultError as error:
        raise FaultError(str(error), path=path) from None


@dataclass(frozen=True, slots=True)
class Delay(Fault):
    """`delay: 30 s`: the reply reaches the client that much later.

    `delay: {from: 1 s, to: 3 s}` draws evenly between two times, `{mean: 2 s, deviation: 500 ms}`
    normally, and `{median: 1 s, p95: 10 s}` log-normally: as a busy server takes its time. `first`
    and `second` are the two times that describe it.
    """

    first: float
    second: float = 0.0
    distribution: str = FIXED
    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string"},
            *(
                {
                    "type": "object",
                    "additionalProperties": False,
                    "required": list(keys),
                    "properties": {key: {"type": "string"} for key in keys},
                }
                for keys in _TIMES.values()
            ),
        ]
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read a time with its unit, or the two times of a distribution."""
        if not isinstance(value, dict):
            return cls(parse_duration(text_of(value)))
        keys = mapping_of(value, _KEYS).keys()
        for distribution, (one, other) in _TIMES.items():
            if keys == {one, other}:
                first, second = (duration_at(value[key], key) for key in (one, other))
                _check(distribution, first, second)
                return cls(first, second, distribution)
        pairs = ", ".join(f"{{{one}: …, {other}: …}}" for one, other in _TIMES.values())
        raise FaultError(f"expected a time such as '30 s', or one of {pairs}")

    def seconds(self, draw: Draw) -> float:
        """Return how long it takes this time."""
        if self.distribution == FIXED:
            return self.first
        drawn = draw()
        if self.distribution == UNIFORM:
            return self.first + (self.second - self.first) * drawn
        deviations = _STANDARD.inv_cdf(min(max(drawn, _EDGE), 1 - _EDGE))
        if self.distribution == NORMAL:
            return min(max(0.0, self.first + self.second * deviations), LONGEST)
        spread = math.log(self.second / self.first) / _AT_95
        return self.first * math.exp(min(spread * deviations, math.log(LONGEST / self.first)))

    def apply(self, telling: Telling) -> None:
        """Wait before anything is said."""
        telling.before.append(Wait(Side.CLIENT, self.seconds(telling.draw)))

    @property
    def words(self) -> str:
        """How late the reply is."""
        first, second = f"{self.first:g} s", f"{self.second:g} s"
        late = {
            FIXED: first,
            UNIFORM: f"between {first} and {second}",
            NORMAL: f"about {first} (deviation {second})",
            LOG_NORMAL: f"mostly {first}, and one time in twenty more than {second},",
        }
        return f"the reply comes {late[self.distribution]} later"


def _check(distribution: str, first: float, second: float) -> None:
    """Refuse two times that describe no distribution. Raises FaultError."""
    if distribution == UNIFORM and first > second:
        raise FaultError("expected from: to be no more than to:", path=("from",))
    if distribution == LOG_NORMAL and not 0 < first <= second:
        raise FaultError("expected median: to be over 0, and no more than p95:", path=("median",))
