"""A rule as a sentence: where, when, what the client hears, and what upstream is asked.

Owns the grammar around the words that faults and conditions have for themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from smtpproxy.rules.model import DELIVER, END_OF_DATA, NONE, Rule
from smtpproxy.rules.pattern import Pattern, ReplyPattern
from smtpproxy.visible import visible_text

_OF_MESSAGE: Final = (END_OF_DATA, "BDAT")
_AT_ADDRESS: Final = {"sender": ("MAIL", "SEND", "SOML", "SAML"), "recipient": ("RCPT",)}


def sentence(rule: Rule) -> str:
    """Return what a rule does, without its name: "at RCPT, the client hears 452 …."."""
    conditions = " and ".join(_conditions(rule))
    where = f"at {rule.stage}, {f'when {conditions}, ' if conditions else ''}"
    return f"{where}{'; '.join((*_effects(rule), *_upstream(rule)))}."


def _conditions(rule: Rule) -> Iterator[str]:
    """Yield each condition as the end of "when …"."""
    if rule.sender is not None:
        yield f"the sender {_matches(rule.sender)}"
    if rule.recipient is not None:
        which = "the" if rule.stage in _AT_ADDRESS["recipient"] else "a"
        yield f"{which} recipient {_matches(rule.recipient)}"
    if rule.tls is not None:
        yield "the client has TLS" if rule.tls else "the client has no TLS"
    if rule.reply is not None:
        yield f"upstream says {_reply(rule.reply)}"


def _matches(pattern: Pattern) -> str:
    text = visible_text(pattern.text)
    regular = len(text) > 1 and text.startswith("/") and text.endswith("/")
    return f"matches {text}" if regular else f"is {text or '<>'}"


def _reply(pattern: ReplyPattern) -> str:
    open_digits = {0: 0, 9: 1, 99: 2}[pattern.high - pattern.low]
    return str(pattern.low)[: 3 - open_digits] + "x" * open_digits


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
