"""How `--expect` is written: WORD=VALUE.

What the words mean is the affair of `expectations`.
"""

from __future__ import annotations

from smtpproxy.documents import nearest
from smtpproxy.reports.expectations import COUNTS, WORDS, Expectation
from smtpproxy.rules.pattern import Pattern, PatternError


class ExpectationError(ValueError):
    """An expectation can't be read. One line, with the nearest right word."""


def read_expectation(text: str) -> Expectation:
    """Return what `--expect` was given. Raises ExpectationError."""
    word, equals, value = text.partition("=")
    if not equals or word not in WORDS:
        told = (
            f"unknown word {word[:80]!r}" if equals else f"expected WORD=VALUE, got {text[:80]!r}"
        )
        raise ExpectationError(
            f"{told}; there are {', '.join(WORDS[:-1])} and {WORDS[-1]}"
            f"{nearest(word, WORDS) if word not in WORDS else ''}"
        )
    if word in COUNTS:
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise ExpectationError(f"{word}= expects a number, got {value[:80]!r}")
        return Expectation(word, str(int(value)))
    if not value and word != "sender":
        raise ExpectationError(f"{word}= expects a pattern, such as *@example.net")
    try:
        return Expectation(word, value, Pattern(value).matches if value else lambda text: not text)
    except PatternError as error:
        raise ExpectationError(f"{word}=: {error}") from None
