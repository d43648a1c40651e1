"""The message: its header, and its size."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import (
    IN_TRANSACTION,
    SENDING,
    Condition,
    ConditionError,
    fits,
    pattern_of,
)
from smtpproxy.rules.occasion import END_OF_DATA, Occasion
from smtpproxy.rules.pattern import Pattern
from smtpproxy.sizes import parse_size

MOST = 100
_SIZE = re.compile(r"(over|under)\s+([0-9].*)", re.DOTALL)
_FIELD = re.compile(r"[!-9;-~]{1,200}")


@dataclass(frozen=True, slots=True)
class Header(Condition):
    """`header: {Subject: "*invoice*"}`: there are such header fields.

    A list of names asks for no more than that they are there. What RFC 2047 encodes is decoded.
    """

    wanted: tuple[tuple[str, Pattern | None], ...]
    stages: ClassVar[tuple[str, ...]] = (END_OF_DATA,)
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
        """Read names, each with a pattern for the field's body where that counts."""
        if isinstance(value, str):
            value = [value]
        if not 0 < len(value) <= MOST:
            raise ConditionError('expected a mapping such as {Subject: "*invoice*"}')
        if isinstance(value, dict):
            return cls(
                tuple((_name(word, word), pattern_of(of, word)) for word, of in value.items())
            )
        return cls(tuple((_name(text_of(word, at), at), None) for at, word in enumerate(value)))

    def matches(self, occasion: Occasion) -> bool:
        """Is there a field of each name whom its pattern fits?"""
        fields = occasion.fields
        return all(
            any(name == key and (pattern is None or pattern.matches(of)) for key, of in fields)
            for name, pattern in self.wanted
        )

    @property
    def needs_message(self) -> bool:
        """It is in the message."""
        return True

    @property
    def words(self) -> str:
        """What the header has."""
        told = (
            f"the header has {name}:" if pattern is None else f"{name}: {fits(pattern)}"
            for name, pattern in self.wanted
        )
        return " and ".join(told)


@dataclass(frozen=True, slots=True)
class Size(Condition):
    """`size: over 1 MiB`: of the message; before it is there, what MAIL says by SIZE=."""

    over: bool
    octets: int
    stage: str
    text: str
    stages: ClassVar[tuple[str, ...]] = IN_TRANSACTION
    schema: ClassVar[dict[str, Any]] = {
        "type": "string",
        "pattern": "^(over|under) +[0-9]+ *[A-Za-z]*$",
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read over or under, and a number of octets."""
        text = text_of(value)
        found = _SIZE.fullmatch(text.strip())
        octets = parse_size(found[2]) if found else None
        if not found or octets is None:
            raise ConditionError(
                f"expected a size such as 'over 1 MiB' or 'under 10 kB', got {text!r}"
            )
        over = found[1] == "over"
        if not over and not octets:
            raise ConditionError("no message is under 0 octets")
        return cls(over, octets, stage, text.strip())

    def matches(self, occasion: Occasion) -> bool:
        """Is it known, and so large, or so small?"""
        size = occasion.size if self.needs_message else occasion.declared
        if size is None:
            return False
        return size > self.octets if self.over else size < self.octets

    def looks_back(self, stage: str) -> bool:
        """Behind MAIL it takes the MAIL that was accepted."""
        return stage not in SENDING

    @property
    def needs_message(self) -> bool:
        """At its end nobody needs to believe what was said before."""
        return self.stage == END_OF_DATA

    @property
    def words(self) -> str:
        """How large."""
        what = "the message" if self.needs_message else "the size that MAIL declares"
        return f"{what} is {self.text}"


def _name(text: str, *path: str | int) -> str:
    if not _FIELD.fullmatch(text):
        raise ConditionError(f"expected the name of a header field, got {text[:64]!r}", path=path)
    return text.lower()
