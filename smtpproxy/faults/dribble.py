"""Send a reply in small pieces, with a pause between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.actions import Action, Send, Side, Wait
from smtpproxy.faults.base import SEND, Fault, FaultError, Telling, Value, mapping_of, number_of
from smtpproxy.faults.delay import duration_at, parse_duration

#: Pieces that one reply is cut into: what is left goes in the last one.
MOST = 10_000


@dataclass(frozen=True, slots=True)
class Dribble(Fault):
    """`dribble: 100 ms`: the reply comes octet by octet, with so much time between them.

    `dribble: {octets: 10, every: 1 s}` sends so many octets at a time.
    """

    octets: int
    every: float  # seconds
    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string"},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["every"],
                "properties": {
                    "octets": {"type": "integer", "minimum": 1},
                    "every": {"type": "string"},
                },
            },
        ]
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the time, and how many octets go at a time."""
        if isinstance(value, str):
            return cls(1, parse_duration(value))
        parts = mapping_of(value, ("octets", "every"))
        if "every" not in parts:
            raise FaultError("expected every: and a time, such as {octets: 10, every: 1 s}")
        octets = number_of(parts["octets"], 1, 1 << 20, "octets") if "octets" in parts else 1
        return cls(octets, duration_at(parts["every"], "every"))

    def apply(self, telling: Telling) -> None:
        """Cut what is sent into pieces."""
        telling.pieces = self._pieces

    def _pieces(self, octets: bytes) -> list[Action]:
        cuts = list(range(0, len(octets), self.octets))[:MOST]
        actions: list[Action] = []
        for at, end in zip(cuts, [*cuts[1:], len(octets)], strict=True):
            actions += [Send(Side.CLIENT, octets[at:end]), Wait(Side.CLIENT, self.every)]
        return actions[:-1]

    @property
    def words(self) -> str:
        """How slowly the reply comes."""
        many = "octet by octet" if self.octets == 1 else f"{self.octets} octets at a time"
        return f"the reply comes {many}, {self.every:g} s apart"
