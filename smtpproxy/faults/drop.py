"""End the client's connection instead of answering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.actions import Close, Reset, Side
from smtpproxy.faults.base import ANSWER, Fault, FaultError, Telling, Value, text_of

DROP, RESET, NO_CLOSE_NOTIFY = "drop", "reset", "no-close-notify"
WAYS = (DROP, RESET, NO_CLOSE_NOTIFY)


@dataclass(frozen=True, slots=True)
class Drop(Fault):
    """`client: drop` closes in order, `client: reset` by TCP RST.

    `client: no-close-notify` closes by TCP FIN alone: under TLS a client can't tell whether what it
    has heard was all. In plain text that is an end in order.
    """

    reset: bool = False
    notify: bool = True
    answers: ClassVar[bool] = True
    order: ClassVar[int] = ANSWER
    schema: ClassVar[dict[str, Any]] = {"enum": list(WAYS)}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read `drop`, `reset` or `no-close-notify`."""
        way = text_of(value)
        if way not in WAYS:
            raise FaultError(f"expected drop, reset or no-close-notify, got {way!r}", way, WAYS)
        return cls(way == RESET, way != NO_CLOSE_NOTIFY)

    def apply(self, telling: Telling) -> None:
        """Say nothing, and close."""
        telling.reply = None
        telling.after.append(Reset(Side.CLIENT) if self.reset else Close(Side.CLIENT, self.notify))

    @property
    def words(self) -> str:
        """How the connection ends."""
        if self.reset:
            return "the client's connection is reset"
        untold = "" if self.notify else ", without close_notify under TLS"
        return f"the client's connection is closed without an answer{untold}"
