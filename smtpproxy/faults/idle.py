"""Say a reply that nobody has asked for, once the client is idle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import SEND, Fault, FaultError, Telling, Value, mapping_of
from smtpproxy.faults.delay import duration_at
from smtpproxy.faults.reply import SayReply
from smtpproxy.smtp.facts import Reply

_TIMEOUT = "421 4.4.2 <domain> Timeout exceeded"


@dataclass(frozen=True, slots=True)
class Idle(Fault):
    """`idle: {after: 5 s, reply: 421}`: said unasked, so long after the reply.

    Whatever the client sends before that keeps it from being said. Behind a 421 or 221 the
    connection is closed.
    """

    after: float  # seconds
    reply: SayReply
    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "required": ["after"],
        "properties": {"after": {"type": "string"}, "reply": SayReply.schema},
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the time, and what is said then: 421 unless something else is."""
        parts = mapping_of(value, ("after", "reply"))
        if "after" not in parts:
            raise FaultError("expected after: and a time, such as {after: 5 s, reply: 421}")
        after = duration_at(parts["after"], "after")
        try:
            return cls(after, SayReply.parse(parts.get("reply", _TIMEOUT), stage))
        except FaultError as error:
            raise FaultError(str(error), path=("reply",)) from None

    def apply(self, telling: Telling) -> None:
        """Let it be said later."""
        wire = self.reply.octets(telling.domain, telling.forward_path)
        telling.later = (self.after, Reply(self.reply.code, wire))

    @property
    def words(self) -> str:
        """What a client that is idle hears."""
        return f"if the client then is idle for {self.after:g} s, {self.reply.words}, unasked"
