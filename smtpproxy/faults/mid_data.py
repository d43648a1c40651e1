"""End the session in the middle of a message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Fault, FaultError, Value, text_of
from smtpproxy.faults.reply import SayReply
from smtpproxy.sizes import parse_size

DROP, RESET, SILENCE = "drop", "reset", "silence"
WAYS = (DROP, RESET, SILENCE)
KEYS = ("after", "reply", "client")
#: RFC 5321 §3.8: the one reply that may come at any time.
_GOING = 421
#: Where mail data befall: whatever the client sends them by.
STAGE = "DATA"


@dataclass(frozen=True, slots=True)
class MidData(Fault):
    """`mid-data: {after: 10 KiB, reply: "421 4.3.2 Going down"}`, or `client: drop`.

    After so many octets of mail data the client is told 421, dropped, reset, or hears nothing for
    ever, and upstream's connection ends: it never sees the end of the message.
    """

    after: int
    reply: SayReply | None
    way: str
    in_data: ClassVar[bool] = True
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["after"],
        "properties": {
            "after": {"type": ["integer", "string"]},
            "reply": SayReply.schema,
            "client": {"enum": list(WAYS)},
        },
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read after how many octets, and what then."""
        if not isinstance(value, dict):
            raise FaultError("expected a mapping such as {after: 10 KiB, reply: 421}")
        at_data(stage)
        for key in value:
            if key not in KEYS:
                raise FaultError(f"expected {', '.join(KEYS)}, got {key!r}", key, KEYS, (key,))
        if "after" not in value:
            raise FaultError("expected after: and a number of octets, such as 10 KiB")
        if ("reply" in value) is ("client" in value):
            raise FaultError("expected either reply: or client:")
        after = octets_in(value["after"], "after")
        if "reply" in value:
            return cls(after, _reply(value["reply"]), "")
        way = text_of(value["client"], "client")
        if way not in WAYS:
            problem = f"expected drop, reset or silence, got {way!r}"
            raise FaultError(problem, way, WAYS, ("client",))
        return cls(after, None, way)

    @property
    def words(self) -> str:
        """When, and how it ends."""
        told = {
            DROP: "the client's connection is closed",
            RESET: "the client's connection is reset",
            SILENCE: "the client hears nothing any more",
        }
        end = self.reply.words if self.reply else told[self.way]
        return f"after {self.after} octets of mail data {end}, and upstream's connection ends"


def _reply(value: Value) -> SayReply:
    try:
        reply = SayReply.parse(value, STAGE)
    except FaultError as error:
        raise FaultError(str(error), path=("reply",)) from None
    if reply.code != _GOING:
        raise FaultError(f"expected 421, got {reply.code}: no other comes unasked", path=("reply",))
    return reply


def at_data(stage: str) -> None:
    """Refuse any stage but the one at which mail data are told of. Raises FaultError."""
    if stage != STAGE:
        problem = f"expected at {STAGE} alone, which is for mail data by BDAT, too"
        raise FaultError(problem, stage, (STAGE,))


def octets_in(value: Value, *path: str | int) -> int:
    """Return the octets in a value such as 10 KiB. Raises FaultError."""
    octets = parse_size(value) if isinstance(value, str) else None
    if octets is None:
        raise FaultError(f"expected a size such as 10 KiB, got {value!r}", path=path)
    return octets
