"""Let no more than so many octets a second go by a session's connections."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self, TypeVar

from smtpproxy.actions import Shape, Side
from smtpproxy.faults.base import SEND, Fault, FaultError, Telling, Value, mapping_of, text_of

STAGE: Final = "CONNECT"
WAYS: Final = ("to-client", "to-upstream")

_UNITS: Final = {
    "GiB/s": 1 << 30,
    "GB/s": 10**9,
    "MiB/s": 1 << 20,
    "MB/s": 10**6,
    "KiB/s": 1 << 10,
    "kB/s": 10**3,
    "B/s": 1,
}
_RATE: Final = re.compile(r"\s*([0-9]{1,12}(?:\.[0-9]{1,12})?)\s*(\S{1,64})\s*")
#: Octets a second beyond which no line is slow.
MOST: Final = 1 << 30

_Read = TypeVar("_Read")


def parse_rate(value: str) -> int:
    """Return the octets a second in a text such as "8 KiB/s" or "1.5 MB/s". Raises FaultError."""
    found = _RATE.fullmatch(value)
    if not found:
        raise FaultError(f"expected a rate such as '8 KiB/s' or '1.5 MB/s', got {value!r}")
    number, unit = found.groups()
    if unit not in _UNITS:
        units = ", ".join(reversed(_UNITS))
        raise FaultError(f"expected one of {units}, got {unit!r}", unit, tuple(_UNITS))
    rate = int(float(number) * _UNITS[unit])
    if not 1 <= rate <= MOST:
        raise FaultError(f"expected a rate from 1 B/s to 1 GiB/s, got {value!r}")
    return rate


def each_way(
    value: Value, stage: str, read: Callable[[str], _Read]
) -> tuple[_Read | None, _Read | None]:
    """Read what a line is to the client and to upstream, or what it is each way.

    None: nothing is said of that way. Raises FaultError.
    """
    if stage != STAGE:
        raise FaultError(f"expected at {STAGE} alone: it is for all of a session")
    if not isinstance(value, dict):
        both = read(text_of(value))
        return both, both
    parts = mapping_of(value, WAYS)
    client, upstream = (_read_at(parts[way], way, read) if way in parts else None for way in WAYS)
    return client, upstream


def _read_at(value: Value, way: str, read: Callable[[str], _Read]) -> _Read:
    try:
        return read(text_of(value))
    except FaultError as error:
        raise FaultError(str(error), error.word, error.known, (way,)) from None


#: The JSON Schema of what `each_way` reads.
EACH_WAY: Final[dict[str, Any]] = {
    "anyOf": [
        {"type": "string"},
        {
            "type": "object",
            "additionalProperties": False,
            "minProperties": 1,
            "properties": {way: {"type": "string"} for way in WAYS},
        },
    ]
}


@dataclass(frozen=True, slots=True)
class Bandwidth(Fault):
    """`bandwidth: {to-client: 8 KiB/s, to-upstream: 16 KiB/s}`: the lines take no more than that.

    One of them is enough, and `bandwidth: 8 KiB/s` is each way.
    """

    to_client: int  # octets a second; 0: any number of them
    to_upstream: int
    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = EACH_WAY

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the rates with their units."""
        client, upstream = each_way(value, stage, parse_rate)
        return cls(client or 0, upstream or 0)

    def apply(self, telling: Telling) -> None:
        """Let the lines be slow, from the greeting on."""
        if self.to_client:
            telling.before.append(Shape(Side.CLIENT, self.to_client))
        if self.to_upstream:
            telling.before.append(Shape(Side.UPSTREAM, self.to_upstream))

    @property
    def words(self) -> str:
        """How much goes, and where."""
        ways = ((self.to_client, "the client"), (self.to_upstream, "upstream"))
        told = [f"{_worded(rate)} to {whom}" for rate, whom in ways if rate]
        return f"from here on no more than {' and '.join(told)} goes over the line"


def _worded(rate: int) -> str:
    """Return a rate in the largest unit of which it is a whole number."""
    unit = next(unit for unit, octets in _UNITS.items() if rate % octets == 0)
    return f"{rate // _UNITS[unit]} {unit}"
