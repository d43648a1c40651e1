"""Patterns in rules: for addresses and for reply codes.

A user's pattern can't hang the proxy: it is matched by RE2, in time linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import re2

_WILD = re.compile(r"[*?]")


class PatternError(ValueError):
    """A pattern can't be read. Says what was expected."""


def _glob_to_regular_expression(glob: str) -> str:
    words = {"*": "(?s:.*)", "?": "(?s:.)"}
    return "".join(words.get(letter) or re2.escape(letter) for letter in glob)


class Pattern:
    """An address pattern: a glob such as `*@example.net`, or a regular expression `/…/`.

    Case is ignored. A regular expression may match anywhere; a glob matches the whole address.
    """

    __slots__ = ("matches", "text")

    matches: Callable[[str], bool]

    def __init__(self, text: str) -> None:
        """Read the pattern. Raises PatternError."""
        self.text = text
        self.matches = _matcher(text)


def may_fit(patterns: Iterable[Pattern]) -> Callable[[str], bool]:
    """Return a test that tries all patterns at once: where it says no, none of them fits.

    What is not ASCII is left to each of them: there are two ways of not regarding case.
    """
    exact: set[str] = set()
    tails: list[str] = []
    sources: list[str] = []
    for pattern in patterns:
        text = pattern.text
        if source := _source(text):
            sources.append(f"(?:{source})")
        elif text[:1] == "*":
            tails.append(text[1:].casefold())
        else:
            exact.add(text.casefold())
    if any(r"\Q" in source for source in sources):
        return _always  # where no \E follows, what stands beside it would be a part of it
    try:
        search = _searcher("|".join(sources), "") if sources else _never
    except PatternError:
        return _always  # too many of them, or what can't stand beside others
    ends = tuple(tails)

    def test(address: str) -> bool:
        if not address.isascii():
            return True
        folded = address.lower()
        return folded in exact or folded.endswith(ends) or search(address)

    return test


def _never(address: str) -> bool:
    return False


def _always(address: str) -> bool:
    return True


def _source(text: str) -> str:
    """Return the regular expression that a pattern is, or "" where it is a plainer test."""
    if len(text) > 1 and text.startswith("/") and text.endswith("/"):
        return text[1:-1] or "(?:)"
    if not _WILD.search(text) or (text[0] == "*" and not _WILD.search(text[1:])):
        return ""
    return f"^(?:{_glob_to_regular_expression(text)})$"


def _matcher(text: str) -> Callable[[str], bool]:
    """Return the quickest test for the pattern. Raises PatternError."""
    if source := _source(text):
        return _searcher(source, text)
    folded, tail = text.casefold(), text.casefold()[1:]
    if text[:1] == "*":
        return lambda address: address.casefold().endswith(tail)
    return lambda address: address.casefold() == folded


def _searcher(source: str, text: str) -> Callable[[str], bool]:
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        compiled: Any = re2.compile(source, options)
    except re2.error as error:
        raise PatternError(f"the pattern {text!r} can't be read: {_plain(error)}") from None
    search = compiled.search
    return lambda address: search(address) is not None


@dataclass(frozen=True, slots=True)
class ReplyPattern:
    """A pattern for a reply code: `550`, or `4xx` for a class, or `45x` for a group."""

    low: int
    high: int

    @classmethod
    def parse(cls, text: str) -> ReplyPattern:
        """Read the pattern. Raises PatternError."""
        if not re.fullmatch(r"[2-5](?:[0-9]{2}|[0-9]x|xx)", text):
            raise PatternError(f"expected a reply code such as 550, 55x or 5xx, got {text!r}")
        return cls(int(text.replace("x", "0")), int(text.replace("x", "9")))

    def matches(self, code: int) -> bool:
        """Does the code fit?"""
        return self.low <= code <= self.high


#: The pattern that every reply code fits.
ANY_REPLY = ReplyPattern(200, 599)


def _plain(error: Exception) -> str:
    told = error.args[0] if error.args else error
    return told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
