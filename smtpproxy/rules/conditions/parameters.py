"""The parameters of MAIL and RCPT (RFC 5321 §4.1.1.11)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import (
    BEHIND_RCPT,
    IN_TRANSACTION,
    Condition,
    ConditionError,
    fits,
    pattern_of,
)
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.pattern import Pattern

MOST = 100
_EXPECTED = 'expected a mapping such as {SIZE: "*", SMTPUTF8: ""}, or a list of keywords'


@dataclass(frozen=True, slots=True)
class Parameters(Condition):
    """`parameters: {BODY: 8BITMIME}`: those of this MAIL or RCPT; later, those of MAIL.

    A list of keywords asks for no more than that they are there.
    """

    wanted: tuple[tuple[str, Pattern | None], ...]
    stages: ClassVar[tuple[str, ...]] = IN_TRANSACTION
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string"},
            {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": MOST},
            {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "null"]},
                "minProperties": 1,
                "maxProperties": MOST,
            },
        ]
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read keywords, each with a pattern for its value where that counts."""
        if isinstance(value, str):
            value = [value]
        if not 0 < len(value) <= MOST or value == [""]:
            raise ConditionError(_EXPECTED)
        if isinstance(value, dict):
            return cls(tuple((word.upper(), pattern_of(of, word)) for word, of in value.items()))
        return cls(tuple((text_of(word, at).upper(), None) for at, word in enumerate(value)))

    def matches(self, occasion: Occasion) -> bool:
        """Is each of them there, and does its pattern fit?"""
        given = occasion.parameters
        return all(
            any(word == key and (pattern is None or pattern.matches(of)) for key, of in given)
            for word, pattern in self.wanted
        )

    def looks_back(self, stage: str) -> bool:
        """Behind RCPT it is those of a MAIL that was accepted."""
        return stage in BEHIND_RCPT

    @property
    def words(self) -> str:
        """Which parameters."""
        told = (
            f"the parameter {word} is there" if pattern is None else f"{word}= {fits(pattern)}"
            for word, pattern in self.wanted
        )
        return " and ".join(told)
