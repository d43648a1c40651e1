"""End the client's connection, or one half of it, or let it wait for ever, instead of answering."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.actions import Close, HalfClose, Reset, Side
from smtpproxy.faults.base import ANSWER, Fault, FaultError, Telling, Value, text_of

DROP, RESET, NO_CLOSE_NOTIFY = "drop", "reset", "no-close-notify"
SILENCE, HALF_CLOSE = "silence", "half-close"
_WORDS = {
    DROP: "the client's connection is closed without an answer",
    RESET: "the client's connection is reset",
    NO_CLOSE_NOTIFY: "the client's connection is closed without an answer, "
    "without close_notify under TLS",
    SILENCE: "the client hears nothing more, and its connection stays open",
    HALF_CLOSE: "the client is told that nothing more will be said, and is still read",
}
WAYS = tuple(_WORDS)


@dataclass(frozen=True, slots=True)
class Drop(Fault):
    """`client: drop` closes in order, `client: reset` by TCP RST.

    `client: no-close-notify` closes by TCP FIN alone: under TLS a client can't tell whether what it
    has heard was all. In plain text that is an end in order. `client: silence` says nothing more,
    ever, and reads on for nothing; `client: half-close` says by FIN that nothing more will be said,
    and what the client sends goes to upstream as before.
    """

    way: str = DROP
    answers: ClassVar[bool] = True
    order: ClassVar[int] = ANSWER
    schema: ClassVar[dict[str, Any]] = {"enum": list(WAYS)}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read how it ends."""
        way = text_of(value)
        if way not in WAYS:
            words = f"{', '.join(WAYS[:-1])} or {WAYS[-1]}"
            raise FaultError(f"expected {words}, got {way!r}", way, WAYS)
        return cls(way)

    @property
    def relays(self) -> bool:
        """Does upstream still hear the client?"""
        return self.way == HALF_CLOSE

    def apply(self, telling: Telling) -> None:
        """Say nothing, and close."""
        telling.reply = None
        if self.way == SILENCE:
            telling.withheld = True
        elif self.way == HALF_CLOSE:
            telling.after.append(HalfClose(Side.CLIENT))
        elif self.way == RESET:
            telling.after.append(Reset(Side.CLIENT))
        else:
            telling.after.append(Close(Side.CLIENT, self.way != NO_CLOSE_NOTIFY))

    @property
    def words(self) -> str:
        """How the connection ends."""
        return _WORDS[self.way]
