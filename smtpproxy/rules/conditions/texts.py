"""Who the client says that it is: by EHLO, and by AUTH."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from smtpproxy.codes import STAGES
from smtpproxy.rules.conditions.base import IN_TRANSACTION, Patterned, fits
from smtpproxy.rules.occasion import Occasion
from smtpproxy.smtp.state import HELLO
from smtpproxy.smtp.verbs import KNOWN_VERBS

_NOT_AT_FIRST = tuple(sorted({*STAGES, *KNOWN_VERBS, *IN_TRANSACTION} - {"CONNECT"}))


@dataclass(frozen=True, slots=True)
class Hello(Patterned):
    """`hello: "*.example.org"`: the name in this EHLO, HELO or LHLO, or in the last accepted."""

    stages: ClassVar[tuple[str, ...]] = _NOT_AT_FIRST

    def matches(self, occasion: Occasion) -> bool:
        """Is this how the client introduced itself?"""
        return self.pattern.matches(occasion.hello)

    def looks_back(self, stage: str) -> bool:
        """The name counts once it was accepted."""
        return stage not in HELLO

    @property
    def words(self) -> str:
        """By what name."""
        return f"the name in EHLO {fits(self.pattern)}"


@dataclass(frozen=True, slots=True)
class User(Patterned):
    """`user: bob`: the user whom AUTH let in; at AUTH, the one who asks to be."""

    stages: ClassVar[tuple[str, ...]] = _NOT_AT_FIRST

    def matches(self, occasion: Occasion) -> bool:
        """Is this the user?"""
        return self.pattern.matches(occasion.user)

    @property
    def words(self) -> str:
        """Whose login it is."""
        if not self.pattern.text:
            return "nobody has logged in"
        return f"the user {fits(self.pattern)}"
