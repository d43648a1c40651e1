"""A rule as a sentence: where, when, what the client hears, and what upstream is asked.

Owns the grammar around the words that faults and conditions have for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smtpproxy.rules.model import DELIVER, END_OF_DATA, NONE, Rule
from smtpproxy.visible import visible_text

_OF_MESSAGE: Final = (END_OF_DATA, "BDAT")


def sentence(rule: Rule) -> str:
    """Return what a rule does, without its name: "at RCPT, the client hears 452 …."."""
    conditions = " and ".join(_conditions(rule))
    where = f"at {rule.stage}, {f'when {conditions}, ' if conditions else ''}"
    often = [rule.times.words] if rule.times.words else []
    return f"{where}{'; '.join((*_effects(rule), *_upstream(rule), *often))}."


def _conditions(rule: Rule) -> Iterator[str]:
    """Yield each condition as the end of "when …"."""
    for condition in rule.conditions:
        yield visible_text(condition.words)


def _effects(rule: Rule) -> Iterator[str]:
    """Yield what befalls the client: what is said before how it is sent."""
    for fault in sorted(rule.faults, key=lambda fault: fault.order):
        yield fault.words


def _upstream(rule: Rule) -> Iterator[str]:
    """Yield what upstream experiences, where that is not what it would without the rule."""
    if not rule.answers or rule.reply is not None:
        return
    message = rule.stage in _OF_MESSAGE
    if rule.upstream == NONE:
        if rule.stage == "CONNECT":
            yield "upstream is not connected to"
        else:
            yield "upstream does not get the message" if message else "upstream is not asked"
    elif 0 < rule.code < 400 and rule.upstream != DELIVER:
        asked = "gets the message" if message else "is asked"
        yield f"upstream {asked}, and where it says otherwise the client hears that instead"
    else:
        yield f"upstream {'gets the message' if message else 'is asked'} all the same"
