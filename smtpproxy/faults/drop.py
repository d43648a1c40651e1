"""End the client's connection instead of answering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from smtpproxy.actions import Close, Reset, Side
from smtpproxy.faults.base import FaultError, Telling, Value, text_of

DROP, RESET, NO_CLOSE_NOTIFY = "drop", "reset", "no-close-notify"
WAYS = (DROP, RESET, NO_CLOSE_NOTIFY)


@dataclass(frozen=True, slots=True)
class Drop:
    """`client: drop` closes in order, `client: reset` by TCP RST.

    `client: no-close-notify` closes by TCP FIN alone: under TLS a client can't tell whether what it
    has heard was all. In plain text that is an end in order.
    """

    reset: bool = False
    notify: bool = True
    answers: ClassVar[bool] = True

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read `drop`, `reset` or `no-close-notify`."""
        way = text_of(value)
        if way not in WAYS:
            raise FaultError(f"expected drop, reset or no-close-notify, got {way!r}", way, WAYS)
        return cls(way == RESET, way != NO_CLOSE_NOTIFY)

    def apply(self, telling: Telling, domain: str, forward_path: str) -> None:
        """Say nothing, and close."""
        telling.reply = None
        telling.after.append(Reset(Side.CLIENT) if self.reset else Close(Side.CLIENT, self.notify))
