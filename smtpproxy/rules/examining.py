"""All that is wrong with a rule file: each rule's own mistake, and rules that can never fire.

Owns what can be told without a session. A rule's mistakes are the reader's to find.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
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
    if one is other or not one.answers or one.stage != other.stage or not _covers(one, other):
        return False
    if _turn(one) != _turn(other):
        return _turn(one) < _turn(other)  # wherever they stand, and once one answers, that is all
    return other.answers and stands_before


def _turn(rule: Rule) -> int:
    """Return when a rule is asked: at once, with the message, or with upstream's reply."""
    return 2 if rule.needs_reply else 1 if rule.needs_message else 0


def _covers(one: Rule, other: Rule) -> bool:
    """Does one rule match whenever the other one does, and then always fire?"""
    if one.times != ALWAYS or any(condition.draws for condition in one.conditions):
        return False
    return all(_is_among(condition, other.conditions) for condition in one.conditions)


def _is_among(condition: Condition, others: Iterable[Condition]) -> bool:
    """Does a condition hold wherever all of these do?"""
    for other in others:
        if type(other) is type(condition) and other.words == condition.words:
            return True
        if _is_wider(condition, other):
            return True
    return False


def _is_wider(condition: Condition, other: Condition) -> bool:
    """Does a condition on upstream's code hold wherever another one does?"""
    if not isinstance(condition, UpstreamReply) or not isinstance(other, UpstreamReply):
        return False
    ours, theirs = condition.code, other.code
    return condition.text is None and ours.low <= theirs.low <= theirs.high <= ours.high
