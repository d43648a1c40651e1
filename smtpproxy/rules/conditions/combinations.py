"""Conditions of conditions: all of them, any of them, or not this."""

from __future__ import annotations

from dataclasses import dataclass

from smtpproxy.rules.conditions.base import Condition
from smtpproxy.rules.occasion import Occasion


@dataclass(frozen=True, slots=True)
class _Several(Condition):
    """What is made of others."""

    parts: tuple[Condition, ...]

    def looks_back(self, stage: str) -> bool:
        """Does any of them?"""
        return any(part.looks_back(stage) for part in self.parts)

    @property
    def needs_reply(self) -> bool:
        """Does any of them?"""
        return any(part.needs_reply for part in self.parts)

    @property
    def needs_message(self) -> bool:
        """Does any of them?"""
        return any(part.needs_message for part in self.parts)

    @property
    def draws(self) -> bool:
        """Does any of them?"""
        return any(part.draws for part in self.parts)


@dataclass(frozen=True, slots=True)
class All(_Several):
    """`all: [{…}, {…}]`: each of them holds."""

    def matches(self, occasion: Occasion) -> bool:
        """Do all hold?"""
        return all(part.matches(occasion) for part in self.parts)

    @property
    def words(self) -> str:
        """All of them."""
        return _listed(self.parts, " and ")


@dataclass(frozen=True, slots=True)
class Any(_Several):
    """`any: [{…}, {…}]`: one of them holds, or more."""

    def matches(self, occasion: Occasion) -> bool:
        """Does one hold?"""
        return any(part.matches(occasion) for part in self.parts)

    @property
    def words(self) -> str:
        """One or another."""
        return _listed(self.parts, " or ")


@dataclass(frozen=True, slots=True)
class Not(_Several):
    """`not: {…}`: what stands there does not hold, all of it taken together."""

    def matches(self, occasion: Occasion) -> bool:
        """Does one not hold?"""
        return not all(part.matches(occasion) for part in self.parts)

    @property
    def words(self) -> str:
        """What is not so."""
        return f"it is not so that {_listed(self.parts, ' and ')}"


def _listed(parts: tuple[Condition, ...], between: str) -> str:
    told = [
        f"({part.words})" if isinstance(part, _Several) and len(part.parts) > 1 else part.words
        for part in parts
    ]
    return between.join(told)
