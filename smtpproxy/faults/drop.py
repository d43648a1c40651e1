"""End the client's connection instead of answering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from smtpproxy.actions import Close, Reset, Side
from smtpproxy.faults.base import FaultError, Telling

WAYS = ("drop", "reset")


@dataclass(frozen=True, slots=True)
class Drop:
    """`client: drop` closes the connection in order; `client: reset` by TCP RST."""

    reset: bool
    answers: ClassVar[bool] = True

    @classmethod
    def parse(cls, value: str, stage: str) -> Self:
        """Read `drop` or `reset`."""
        if value not in WAYS:
            raise FaultError(f"expected drop or reset, got {value!r}")
        return cls(value == "reset")

    def apply(self, telling: Telling, domain: str, forward_path: str) -> None:
        """Say nothing, and close."""
        telling.reply = None
        telling.after.append(Reset(Side.CLIENT) if self.reset else Close(Side.CLIENT))
