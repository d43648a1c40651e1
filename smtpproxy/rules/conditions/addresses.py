"""Who sends, and to whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Self

from smtpproxy.faults.base import Value
from smtpproxy.rules.conditions.base import (
    BEHIND_RCPT,
    IN_TRANSACTION,
    SENDING,
    ConditionError,
    Patterned,
    fits,
    pattern_of,
)
from smtpproxy.rules.occasion import Occasion


@dataclass(frozen=True, slots=True)
class _Address(Patterned):
    """A condition on an address."""

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read a pattern; an empty one is that of a bounce."""
        if isinstance(value, str) and value[:1] == "<" and value[-1:] == ">":
            problem = f"expected an address without angle brackets, got {value!r}"
            raise ConditionError(f"{problem}; did you mean {value[1:-1]!r}?")
        return cls(pattern_of(value))


@dataclass(frozen=True, slots=True)
class Sender(_Address):
    """`sender: "*@example.org"`: the reverse-path of the mail transaction, or of this MAIL."""

    stages: ClassVar[tuple[str, ...]] = IN_TRANSACTION

    def matches(self, occasion: Occasion) -> bool:
        """Is there a sender whom the pattern fits?"""
        sender = occasion.sender
        return sender is not None and self.pattern.matches(sender)

    def looks_back(self, stage: str) -> bool:
        """Behind MAIL it is the sender whom the client heard accepted."""
        return stage not in SENDING

    @property
    def words(self) -> str:
        """Whose message it is."""
        return f"the sender {fits(self.pattern)}"


@dataclass(frozen=True, slots=True)
class Recipient(_Address):
    """`recipient: "*@example.net"`: that of this RCPT; later, any that was accepted."""

    stages: ClassVar[tuple[str, ...]] = ("RCPT", *BEHIND_RCPT)

    def matches(self, occasion: Occasion) -> bool:
        """Is there a recipient whom the pattern fits?"""
        matches = self.pattern.matches
        return any(matches(recipient) for recipient in occasion.recipients)

    def looks_back(self, stage: str) -> bool:
        """Behind RCPT it is those whom the client heard accepted."""
        return stage != "RCPT"

    @property
    def words(self) -> str:
        """Who is to have the message."""
        return f"the recipient {fits(self.pattern)}"
