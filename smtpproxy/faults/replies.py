"""Give too few replies to a message, or too many."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import SEND, Fault, FaultError, Telling, Value, mapping_of, number_of

STAGES = ("END-OF-DATA", "BDAT")
KEYS = ("short", "extra")
#: More are nothing that the client would take for replies.
MOST = 1000


@dataclass(frozen=True, slots=True)
class Replies(Fault):
    """`replies: {short: 1}`: so many of the replies to a message are never said.

    `replies: {extra: 1}` says the last of them so many times again. RFC 2033 §4.2: in LMTP there is
    one for each accepted recipient.
    """

    short: int = 0
    extra: int = 0
    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {key: {"type": "integer", "minimum": 1, "maximum": MOST} for key in KEYS},
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read how many are missing, or are too many."""
        if stage not in STAGES:
            problem = f"expected at {' or '.join(STAGES)} alone"
            raise FaultError(f"{problem}: at {stage} there is one reply, and always will be")
        parts = mapping_of(value, KEYS)
        if len(parts) > 1:
            raise FaultError("expected short: or extra:, not both")
        ((key, number),) = parts.items()
        return cls(**{key: number_of(number, 1, MOST, key)})

    def apply(self, telling: Telling) -> None:
        """Say what is said fewer times, or more often."""
        telling.short, telling.extra = self.short, self.extra

    @property
    def words(self) -> str:
        """How many replies the message has."""
        if self.short:
            return f"the message has {self.short} replies too few"
        return f"the message has {self.extra} replies too many"
