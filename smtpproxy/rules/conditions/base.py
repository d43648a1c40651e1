"""What every condition is: a value, read from a rule, that holds on an occasion or does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import FaultError, Value, text_of
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.pattern import Pattern, PatternError

#: Stages at which an address stands in the command, and at which one was accepted before.
SENDING = ("MAIL", "SEND", "SOML", "SAML")
BEHIND_RCPT = ("DATA", "BDAT", "END-OF-DATA")
IN_TRANSACTION = (*SENDING, "RCPT", *BEHIND_RCPT)


class ConditionError(FaultError):
    """A condition's value in a rule can't be read. Says what was expected, and where."""


class Condition:
    """One thing that must be so for a rule to apply.

    `stages` are those at which it can hold; none: all of them. `needs_reply`: only upstream's reply
    can tell. `needs_message`: only the message can tell. `draws`: chance tells. `schema` is the
    JSON Schema of its value in a rule.
    """

    __slots__ = ()

    stages: ClassVar[tuple[str, ...]] = ()
    schema: ClassVar[dict[str, Any]] = {}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the condition from its value in a rule for `stage`. Raises FaultError."""
        raise NotImplementedError

    def matches(self, occasion: Occasion) -> bool:
        """Does it hold?"""
        raise NotImplementedError

    def looks_back(self, stage: str) -> bool:
        """At this stage, does it take the replies to the commands before it?"""
        return False

    @property
    def needs_reply(self) -> bool:
        """Can only upstream's reply tell?"""
        return False

    @property
    def needs_message(self) -> bool:
        """Can only the message tell?"""
        return False

    @property
    def draws(self) -> bool:
        """Does chance tell?"""
        return False

    @property
    def words(self) -> str:
        """What must be so, as a clause of a sentence."""
        raise NotImplementedError


@dataclass(frozen=True, slots=True)
class Patterned(Condition):
    """A condition that is one pattern, for a text that kinds of it choose."""

    pattern: Pattern
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read a pattern; an empty one is for a text that is empty."""
        return cls(pattern_of(value))


def pattern_of(value: Value, *path: str | int) -> Pattern:
    """Return the pattern that a value is. Raises ConditionError."""
    text = text_of(value, *path)
    try:
        return Pattern(text)
    except PatternError as error:
        raise ConditionError(str(error), path=path) from None


def fits(pattern: Pattern) -> str:
    """Return how a pattern is told of in a sentence."""
    text = pattern.text
    if not text:
        return "is empty"
    if len(text) > 1 and text.startswith("/") and text.endswith("/"):
        return f"matches {text}"
    return f"is like {text}" if set(text) & {"*", "?"} else f"is {text}"
