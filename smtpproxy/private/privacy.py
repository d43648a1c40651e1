"""The user's rules for what is hidden beside credentials, and what they make of a text.

Owns the rules as they are in force. Knows nothing of files, of commands and of sessions.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from smtpproxy.auth.echoes import PLACEHOLDER
from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.private.spotting import NO_WORDS, Spotter

KEEP, PSEUDONYMS, REPLACE = "keep", "pseudonyms", "replace"


@dataclass(frozen=True, slots=True)
class Privacy:
    """What is hidden, where, and how. Whatever is hidden stays as it is when it comes again."""

    addresses: Pseudonyms | None = None  # None: they are kept
    removed: tuple[Callable[[str], bool], ...] = ()  # by the name of a header
    replaced: dict[bytes, bytes] = field(default_factory=dict)  # by its name in lower case
    bodies: bool = False  # they are replaced
    replies: bool = True  # they are looked at
    patterns: tuple[Any, ...] = ()  # of RE2, for octets

    def text(self, octets: bytes, words: Mapping[bytes, bytes] = NO_WORDS) -> bytes:
        """Return a text as it may be kept; `words`, in lower case, have names of their own."""
        if self.addresses is not None:
            octets = Spotter(self.addresses).renamed(octets, words)
        return self.unmatched(octets)

    def unmatched(self, octets: bytes) -> bytes:
        """Return a text without what the user's patterns match."""
        for pattern in self.patterns:
            # What was hidden before is no text: a pattern may match the placeholder.
            pieces = octets.split(PLACEHOLDER)
            octets = PLACEHOLDER.join(pattern.sub(_hidden, piece) for piece in pieces)
        return octets

    def words(self, text: str) -> str:
        """Do the same as `text` to what is text already."""
        octets = text.encode("utf-8", "backslashreplace")
        shown = self.text(octets)
        return text if shown == octets else shown.decode("utf-8", "backslashreplace")

    @property
    def of_mail(self) -> bool:
        """Is anything in mail data hidden?"""
        names = self.addresses is not None or self.removed or self.replaced
        return bool(names or self.bodies or self.patterns)


def _hidden(found: Any) -> bytes:
    return PLACEHOLDER if found[0] else b""
