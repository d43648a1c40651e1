"""What `smtpproxy run --expect` holds a run to.

Owns the words, and what counts as met. It hears of each mail transaction as it ends, so that
nothing has to be kept; who gathers them is `report`, and how they are written `tools/expecting`.
"""

from __future__ import annotations

import email.errors
import email.header
from collections.abc import Callable, Sequence
from typing import NamedTuple

from smtpproxy.reports.outcomes import header, taken
from smtpproxy.reports.reported import ACCEPTED, ReportedReply, ReportedTransaction, Totals
from smtpproxy.visible import visible_text

#: What is counted, each with what it is called.
COUNTS = {
    "messages": "mail transactions in which some recipient's message was taken",
    "refused": "recipients that were told 4xx or 5xx, and MAILs and DATAs without any",
    "sessions": "sessions",
    "misses": "misses of a replay",
}
#: What at least one message that was taken must have: a pattern.
PATTERNS = {
    "recipient": "an address that it was taken for",
    "sender": "its reverse-path",
    "subject": "its Subject, decoded",
}
WORDS = (*COUNTS, *PATTERNS)
#: Examples of what came instead that are told, and characters of each.
_MOST_TOLD, _LONGEST = 3, 80
_MOST_DECODED = 1000  # characters of a Subject that are looked at


class Expectation(NamedTuple):
    """One `WORD=VALUE`: a number for a count, else a pattern."""

    word: str
    value: str
    matches: Callable[[str], bool] | None = None


class Expectations:
    """What is expected of a run, and how far it is met."""

    def __init__(self, expected: Sequence[Expectation]) -> None:
        self._expected = expected
        self._met: set[int] = set()
        self._refused = 0
        self._messages: list[str] = []  # the first that were taken, for people
        self._refusals: list[str] = []
        self._seen: dict[str, list[str]] = {word: [] for word in PATTERNS}

    def transaction(self, done: ReportedTransaction) -> None:
        """A mail transaction is over."""
        self._see_refusals(done)
        if done.outcome != ACCEPTED:
            return
        addresses = [one.address for one in done.recipients if taken(one.reply)]
        subject = decoded(header(done, "subject"))
        values = {"recipient": addresses, "sender": [done.reverse_path], "subject": [subject]}
        about = f' "{subject}"' if subject else ""
        _note(self._messages, f"<{done.reverse_path}> to {_listed(addresses)}{about}")
        for word, found in values.items():
            for value in found:
                _note(self._seen[word], value or "(none)")
        for at, one in enumerate(self._expected):
            if one.matches is not None and any(map(one.matches, values[one.word])):
                self._met.add(at)

    def _see_refusals(self, done: ReportedTransaction) -> None:
        refused = [one for one in done.recipients if _refused(one.reply)]
        for one in refused:
            _note(self._refusals, f"{one.address} {one.reply.code} at {one.stage}")
        self._refused += len(refused)
        reply = done.reply
        if not done.recipients and isinstance(reply, ReportedReply) and _refused(reply):
            self._refused += 1
            _note(self._refusals, f"from <{done.reverse_path}> {reply.code}")

    def unmet(self, totals: Totals) -> list[str]:
        """Return a line for each that is not met."""
        counts = {
            "messages": (totals.messages, self._messages),
            "refused": (self._refused, self._refusals),
            "sessions": (totals.sessions, []),
            "misses": (totals.misses, []),
        }
        lines = []
        for at, (word, value, matches) in enumerate(self._expected):
            if matches is not None:
                if at not in self._met:
                    seen = self._seen[word]
                    got = f"only {_told(seen)}" if seen else "no message that was taken"
                    lines.append(f"expected {word}={value}, got {got}")
            elif counts[word][0] != int(value):
                many, examples = counts[word]
                lines.append(
                    f"expected {word}={value}, got {many}"
                    f"{f': {_told(examples)}' if examples else ''}"
                )
        return lines


def decoded(subject: str) -> str:
    """Return a header field's text with its encoded words (RFC 2047) as what they mean."""
    try:
        parts = email.header.decode_header(subject[:_MOST_DECODED])
        return visible_text(str(email.header.make_header(parts))) or subject
    except (email.errors.HeaderParseError, LookupError, ValueError):
        return subject


def _refused(reply: ReportedReply) -> bool:
    return reply.code is not None and reply.code // 100 in (4, 5)


def _note(examples: list[str], text: str) -> None:
    """Keep an example, and one more to tell that there are more."""
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    if len(examples) <= _MOST_TOLD and shown not in examples:
        examples.append(shown)


def _listed(addresses: Sequence[str]) -> str:
    more = f" and {len(addresses) - 2} more" if len(addresses) > 2 else ""
    return ", ".join(addresses[:2]) + more


def _told(examples: Sequence[str]) -> str:
    more = "; …" if len(examples) > _MOST_TOLD else ""
    return "; ".join(examples[:_MOST_TOLD]) + more
