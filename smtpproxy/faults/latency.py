"""Let all octets of a session be under way for a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.actions import Shape, Side
from smtpproxy.faults.bandwidth import EACH_WAY, each_way
from smtpproxy.faults.base import SEND, Fault, FaultError, Telling, Value
from smtpproxy.faults.delay import parse_duration

#: Seconds beyond which no peer waits for anything (RFC 5321 §4.5.3.2).
MOST = 600.0


@dataclass(frozen=True, slots=True)
class Latency(Fault):
    """`latency: 200 ms`: each octet arrives that much later, in either direction.

    `latency: {to-client: 200 ms, to-upstream: 1 s}` says it of each way, or of one of them. Octets
    keep their order, and those that follow do not wait for those before.
    """

    to_client: float  # seconds
    to_upstream: float
    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = EACH_WAY

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the times with their units."""
        client, upstream = each_way(value, stage, _parse_latency)
        return cls(client or 0.0, upstream or 0.0)

    def apply(self, telling: Telling) -> None:
        """Let the lines be long, from the greeting on."""
        if self.to_client:
            telling.before.append(Shape(Side.CLIENT, latency_seconds=self.to_client))
        if self.to_upstream:
            telling.before.append(Shape(Side.UPSTREAM, latency_seconds=self.to_upstream))

    @property
    def words(self) -> str:
        """How long octets are under way."""
        ways = ((self.to_client, "to the client"), (self.to_upstream, "to upstream"))
        told = [f"{seconds:g} s later {way}" for seconds, way in ways if seconds]
        return f"from here on each octet comes {' and '.join(told)}"


def _parse_latency(value: str) -> float:
    seconds = parse_duration(value)
    if not 0 < seconds <= MOST:
        raise FaultError(f"expected a time over 0, and of no more than 10 min, got {value!r}")
    return seconds
