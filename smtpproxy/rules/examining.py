"""All that is wrong with a rule file: each rule's own mistake, and rules that can never fire.

Owns what can be told without a session. A rule's mistakes are the reader's to find.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smtpproxy.documents import DocumentError
from smtpproxy.rules.conditions import Condition, UpstreamReply
from smtpproxy.rules.load import each_rule
from smtpproxy.rules.model import Rule
from smtpproxy.rules.times import ALWAYS


class _Placed(NamedTuple):
    """A rule, and the line where it begins."""

    line: int
    rule: Rule


def problems(octets: bytes, source: str) -> Iterator[DocumentError]:
    """Yield what is wrong with a rule file, in the order of its lines, one problem a rule."""
    found: list[DocumentError] = []
    rules: list[_Placed] = []
    try:
        for line, rule in each_rule(octets, source):
            if isinstance(rule, DocumentError):
                found.append(rule)
            else:
                rules.append(_Placed(line, rule))
    except DocumentError as error:
        found.append(error)
    found += (DocumentError(source, *dead) for dead in _never_fire(rules))
    yield from sorted(found, key=lambda error: error.line)


def _never_fire(rules: list[_Placed]) -> Iterator[tuple[int, str]]:
    """Yield the line of each rule that can never fire, and why."""
    for at, later in enumerate(rules):
        for before, earlier in enumerate(rules):
            if _hides(earlier.rule, later.rule, before < at):
                name, line = earlier.rule.name, earlier.line
                why = f"can never fire: the rule {name!r} of line {line} always answers before it"
                yield later.line, f"rule {later.rule.name!r}: {why}"
                break


def _hides(one: Rule, other: Rule, stands_before: bool) -> bool:
    """Is this rule asked first, and does it answer whenever the other one might?"""
    if one is other or not one.answers or one.stage != other.stage:
        return False
    if not one.needs_reply and other.needs_reply:
        # What answers without asking upstream comes first, wherever it stands.
        return _covers(one, other)
    return stands_before and other.answers and _covers(one, other)


def _covers(one: Rule, other: Rule) -> bool:
    """Does one rule match, and fire, whenever the other one matches?"""
    if one.times != ALWAYS or one.gambles:
        return False
    theirs = {(type(condition), condition.words) for condition in other.conditions}
    return all(
        (type(condition), condition.words) in theirs or _is_wider(condition, other)
        for condition in one.conditions
    )


def _is_wider(condition: Condition, other: Rule) -> bool:
    """Does it hold for whatever upstream answers where the other rule matches?"""
    if not isinstance(condition, UpstreamReply) or condition.text or other.reply is None:
        return False
    mine, theirs = condition.code, other.reply.code
    return mine.low <= theirs.low <= theirs.high <= mine.high
