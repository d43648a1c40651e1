"""All rules in force, by stage, and by when they are asked."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import NamedTuple

from smtpproxy.rules.occasion import ADDRESS_OF, END_OF_DATA
from smtpproxy.rules.rule import DECIDING, DELIVER, FORWARD, NONE, UPSTREAM_WORDS, Rule
from smtpproxy.rules.sieve import NOBODY, Asked

__all__ = [
    "ADDRESS_OF",
    "DELIVER",
    "END_OF_DATA",
    "FORWARD",
    "NONE",
    "NO_RULES",
    "UPSTREAM_WORDS",
    "Rule",
    "RuleBook",
    "rule_book",
]

_BEGINNING = frozenset({"MAIL", "SEND", "SOML", "SAML"})


class RuleBook(NamedTuple):
    """All rules in force, in order, by stage: those asked before upstream, and those asked after.

    Only what upstream said can tell whether a rule with a condition on its reply applies. `message`
    are those of END-OF-DATA that take the message, and no reply.
    """

    before: dict[str, Asked]
    after: dict[str, Asked]
    concerned: frozenset[str] = frozenset()  # stages at which any rule is to be asked
    waiting: frozenset[str] = frozenset()  # those whose rules look at what was answered before
    total: int = 0
    message: Asked = NOBODY
    rules: tuple[Rule, ...] = ()  # all of them, in order
    later: frozenset[str] = frozenset()  # stages at which rules are asked when more is known
    tellers: Asked = NOBODY  # those that need the message, for whatever else they wait
    data: Asked = NOBODY  # those of DATA that befall mail data, also by BDAT
    resizes: bool = False  # a message may have another size than its client says

    @property
    def draws(self) -> bool:
        """Does any rule take the seed of the run?"""
        return any(rule.draws for rule in self.rules)


NO_RULES = RuleBook({}, {})


def rule_book(rules: Iterable[Rule]) -> RuleBook:
    """Return the rules by stage and by when they are asked."""
    before: dict[str, list[Rule]] = {}
    after: dict[str, list[Rule]] = {}
    message: list[Rule] = []
    told_apart = _told_apart(rules)
    for rule in told_apart:
        if rule.needs_message and not rule.needs_reply:
            message.append(rule)
        else:
            (after if rule.needs_reply else before).setdefault(rule.stage, []).append(rule)
    tellers = Asked(rule for rule in told_apart if rule.needs_message)
    # What becomes of mail data is decided at DATA, or at the last BDAT.
    deciding = DECIDING if END_OF_DATA in before or tellers else frozenset()
    at_end = {END_OF_DATA, "BDAT"} if END_OF_DATA in after or message else set()
    data = [rule for rule in before.get("DATA", ()) if any(one.in_data for one in rule.faults)]
    deciding |= DECIDING if data else frozenset()
    resizes = any(one.resizes for rule in data for one in rule.faults)
    resizing = _BEGINNING if resizes else frozenset()
    looking = (rule for found in (*before.values(), *after.values()) for rule in found)
    return RuleBook(
        {stage: Asked(found) for stage, found in before.items()},
        {stage: Asked(found) for stage, found in after.items()},
        frozenset({*before, *after} | deciding | at_end | resizing),
        frozenset({rule.stage for rule in looking if _waits(rule)} | deciding),
        len(told_apart),
        Asked(message),
        tuple(told_apart),
        frozenset({*after} | at_end),
        tellers,
        Asked(data),
        resizes,
    )


def _waits(rule: Rule) -> bool:
    """Must its command's turn come before it is asked? After upstream it has come."""
    return rule.looks_back and not rule.needs_reply


def _told_apart(rules: Iterable[Rule]) -> list[Rule]:
    """Return the rules, each with a key of its own."""
    found: list[Rule] = []
    seen: dict[str, int] = {}
    for rule in rules:
        number = seen[rule.key] = seen.get(rule.key, 0) + 1
        found.append(rule if number == 1 else replace(rule, key=f"{rule.key} #{number}"))
    return found
