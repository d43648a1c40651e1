"""Whether the client's leg has TLS."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import Condition, ConditionError
from smtpproxy.rules.occasion import Occasion


@dataclass(frozen=True, slots=True)
class Tls(Condition):
    """`tls: true`: the client's leg is encrypted."""

    secure: bool
    schema: ClassVar[dict[str, Any]] = {"type": "boolean"}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read true or false."""
        word = text_of(value)
        if word not in ("true", "false"):
            raise ConditionError(f"expected true or false, got {word!r}")
        return cls(word == "true")

    def matches(self, occasion: Occasion) -> bool:
        """Is it so?"""
        return occasion.secure is self.secure

    @property
    def words(self) -> str:
        """Whether there is TLS."""
        return f"the client's connection has {'' if self.secure else 'no '}TLS"
