"""Hold the replies to pipelined commands back, and send them in one piece."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import SEND, Fault, FaultError, Telling, Value, text_of


@dataclass(frozen=True, slots=True)
class Coalesce(Fault):
    """`coalesce: true`: replies wait for the one to the last command of the group.

    A group is what the client has sent without waiting (RFC 2920), from the rule's command on.
    """

    order: ClassVar[int] = SEND
    schema: ClassVar[dict[str, Any]] = {"const": True}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read `true`: nothing else can be said of it."""
        word = text_of(value)
        if word != "true":
            raise FaultError(f"expected true, got {word!r}")
        return cls()

    def apply(self, telling: Telling) -> None:
        """Tell it together with what follows."""
        telling.together = True

    @property
    def words(self) -> str:
        """How the replies come."""
        return "the replies to the commands of one group come together, in one piece"
