"""What every fault is: a value, read from a rule, that changes what the client is told."""

from __future__ import annotations

from typing import ClassVar, Protocol, Self

from smtpproxy.actions import Action
from smtpproxy.smtp.facts import Reply


class Telling:
    """How an exchange is about to be told to the client. Faults change it."""

    __slots__ = ("after", "before", "reply")

    def __init__(self, reply: Reply | None) -> None:
        self.reply = reply  # None: nothing is said
        self.before: list[Action] = []
        self.after: list[Action] = []


class FaultError(ValueError):
    """A fault's value in a rule can't be read. Says what was expected."""


class Fault(Protocol):
    """One thing that can go wrong.

    `answers`: it decides what the client hears, so that no later rule is asked.
    """

    answers: ClassVar[bool]

    @classmethod
    def parse(cls, value: str, stage: str) -> Self:
        """Read the fault from its value in a rule for `stage`. Raises FaultError."""

    def apply(self, telling: Telling, domain: str, forward_path: str) -> None:
        """Change what the client is about to be told.

        `domain` is the name by which the server greeted, `forward_path` the recipient in question.
        """
