"""Let nobody connect for a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.actions import Refuse, Reset, Side
from smtpproxy.faults.base import ANSWER, Fault, FaultError, Telling, Value, text_of
from smtpproxy.faults.delay import parse_duration

STAGE = "CONNECT"


@dataclass(frozen=True, slots=True)
class RefuseConnections(Fault):
    """`refuse: 30 s`: this connection is reset, and for that time nobody listens at its port."""

    seconds: float
    answers: ClassVar[bool] = True
    order: ClassVar[int] = ANSWER
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the time."""
        if stage != STAGE:
            raise FaultError(f"expected at {STAGE} alone: at {stage} the client is connected")
        return cls(parse_duration(text_of(value)))

    def apply(self, telling: Telling) -> None:
        """Close the port, and reset what came through it."""
        telling.reply = None
        telling.after += [Refuse(Side.CLIENT, self.seconds), Reset(Side.CLIENT)]

    @property
    def words(self) -> str:
        """Who can't connect, and for how long."""
        return f"the connection is reset, and for {self.seconds:g} s no other is taken"
