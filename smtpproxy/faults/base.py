"""What every fault is: a value, read from a rule, that changes what the client is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar, Protocol, Self, TypeAlias

from smtpproxy.actions import Action
from smtpproxy.smtp.facts import Reply

#: A fault's value as it stands in a rule: a text, a list, or a mapping.
Value: TypeAlias = "str | list[Value] | dict[str, Value]"


class Telling:
    """How an exchange is about to be told to the client. Faults change it."""

    __slots__ = ("after", "before", "flaw", "reply")

    def __init__(self, reply: Reply | None) -> None:
        self.reply = reply  # None: nothing is said
        self.before: list[Action] = []
        self.after: list[Action] = []
        self.flaw = ""  # what is to be wrong with the TLS that the reply announces


class FaultError(ValueError):
    """A fault's value in a rule can't be read. Says what was expected.

    `path` leads to the part that is wrong: keys of mappings, and places in lists. Where `word` is
    not among those that are `known`, the nearest of them may be told.
    """

    def __init__(
        self,
        problem: str,
        word: str = "",
        known: Sequence[str] = (),
        path: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(problem)
        self.word = word
        self.known = known
        self.path = path


def text_of(value: Value, *path: str | int) -> str:
    """Return a value that must be a text. Raises FaultError."""
    if not isinstance(value, str):
        raise FaultError("expected a text", path=path)
    return value


class Fault(Protocol):
    """One thing that can go wrong.

    `answers`: it decides what the client hears, so that no later rule is asked.
    """

    answers: ClassVar[bool]

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the fault from its value in a rule for `stage`. Raises FaultError."""

    def apply(self, telling: Telling, domain: str, forward_path: str) -> None:
        """Change what the client is about to be told.

        `domain` is the name by which the server greeted, `forward_path` the recipient in question.
        """
