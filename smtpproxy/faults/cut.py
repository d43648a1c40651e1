"""Cut a reply in two at a chosen point, and let the second part come later, or never."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.actions import Action, Close, Reset, Send, Side, Wait
from smtpproxy.faults.base import (
    SEND,
    Fault,
    FaultError,
    Telling,
    Value,
    mapping_of,
    number_of,
    text_of,
)
from smtpproxy.faults.delay import duration_at

KEYS = ("at", "pause", "then")
CODE, CRLF, FINAL_LINE = "code", "crlf", "final-line"
POINTS = (CODE, CRLF, FINAL_LINE)
REST, DROP, RESET, SILENCE = "rest", "drop", "reset", "silence"
ENDS = (REST, DROP, RESET, SILENCE)
_WORDS = {
    REST: "then the rest comes",
    DROP: "then the connection is closed",
    RESET: "then the connection is reset",
    SILENCE: "then nothing more comes",
}


@dataclass(frozen=True, slots=True)
class Cut(Fault):
    """`cut: {at: crlf, pause: 1 s, then: rest}`: the reply comes in two parts.

    `at` is inside the `code` (behind its first digit), between CR and LF at the end (`crlf`),
    before the `final-line` of a reply of several, or a number of octets.
    """

    at: str | int
    pause: float  # seconds
    then: str = REST
    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["at"],
        "properties": {
            "at": {"anyOf": [{"enum": list(POINTS)}, {"type": "integer", "minimum": 1}]},
            "pause": {"type": "string"},
            "then": {"enum": list(ENDS)},
        },
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read where it is cut, for how long, and what comes then."""
        parts = mapping_of(value, KEYS)
        if "at" not in parts:
            raise FaultError("expected at: code, crlf, final-line, or a number of octets")
        then = text_of(parts.get("then", REST), "then")
        if then not in ENDS:
            words = f"{', '.join(ENDS[:-1])} or {ENDS[-1]}"
            raise FaultError(f"expected {words}, got {then!r}", then, ENDS, ("then",))
        pause = duration_at(parts["pause"], "pause") if "pause" in parts else 1.0
        return cls(_point(text_of(parts["at"], "at")), pause, then)

    def apply(self, telling: Telling) -> None:
        """Cut what is sent, and end what ends."""
        if telling.reply is None:
            return
        telling.pieces = self._pieces
        if self.then == SILENCE:
            telling.withheld = True
        elif self.then == DROP:
            telling.after = [Close(Side.CLIENT)]
        elif self.then == RESET:
            telling.after = [Reset(Side.CLIENT, in_turn=True)]

    def _pieces(self, octets: bytes) -> list[Action]:
        at = self._place(octets)
        pieces: list[Action] = [Send(Side.CLIENT, octets[:at])] if at else []
        pieces.append(Wait(Side.CLIENT, self.pause))
        if self.then == REST and octets[at:]:
            pieces.append(Send(Side.CLIENT, octets[at:]))
        return pieces

    def _place(self, octets: bytes) -> int:
        if isinstance(self.at, int):
            return self.at
        if self.at == CODE:
            return 1
        if self.at == CRLF:
            return len(octets) - 1 if octets.endswith(b"\r\n") else len(octets)
        return octets.rfind(b"\n", 0, -1) + 1  # 0 where there is but one

    @property
    def words(self) -> str:
        """Where it is cut, and what comes then."""
        place = f"behind {self.at} octets" if isinstance(self.at, int) else f"at {self.at}"
        return f"the reply is cut {place}, {self.pause:g} s pass, and {_WORDS[self.then]}"


def _point(text: str) -> str | int:
    if text in POINTS:
        return text
    if not text.isdecimal():
        problem = f"expected code, crlf, final-line, or a number of octets, got {text!r}"
        raise FaultError(problem, text, POINTS, ("at",))
    return number_of(text, 1, 1 << 20, "at")
