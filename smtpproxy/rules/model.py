"""A rule: where it applies, when, how often, and what the client and upstream experience."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from smtpproxy.faults import Fault, SayReply
from smtpproxy.rules.conditions import Condition, UpstreamReply
from smtpproxy.rules.occasion import ADDRESS_OF, END_OF_DATA, Occasion
from smtpproxy.rules.times import ALWAYS, Times

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

NONE, FORWARD, DELIVER = "none", "forward", "deliver"
UPSTREAM_WORDS = (NONE, FORWARD, DELIVER)
#: Stages at which it is known, or decided, who has the message.
_DECIDING = frozenset({"DATA", "BDAT"})

Test = Callable[[Occasion], bool]


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a rule file, or of the command line.

    `key` is by what its firings are counted and drawn; a rule that is read again has it again.
    """

    name: str
    stage: str
    faults: tuple[Fault, ...]
    upstream: str
    conditions: tuple[Condition, ...] = ()
    times: Times = ALWAYS
    key: str = ""
    answers: bool = field(init=False)
    tests: tuple[Test, ...] = field(init=False, repr=False, compare=False)
    gambles: tuple[Test, ...] = field(init=False, repr=False, compare=False)  # asked last

    def __post_init__(self) -> None:
        conditions = self.conditions
        for name, value in (
            ("answers", any(fault.answers for fault in self.faults)),
            ("tests", tuple(one.matches for one in conditions if not one.draws)),
            ("gambles", tuple(one.matches for one in conditions if one.draws)),
            ("key", self.key or f"{self.stage} {self.name}"),
        ):
            object.__setattr__(self, name, value)

    @property
    def code(self) -> int:
        """The code that the client is told, or 0 where the rule does not say one."""
        return next((fault.code for fault in self.faults if isinstance(fault, SayReply)), 0)

    @property
    def reply(self) -> UpstreamReply | None:
        """What upstream's reply must be, where the rule says so beside all else."""
        found = (one for one in self.conditions if isinstance(one, UpstreamReply))
        return next(found, None)

    @property
    def needs_reply(self) -> bool:
        """Can only upstream's reply tell whether it applies?"""
        return any(condition.needs_reply for condition in self.conditions)

    @property
    def needs_message(self) -> bool:
        """Can only the message tell?"""
        return any(condition.needs_message for condition in self.conditions)

    @property
    def draws(self) -> bool:
        """Does it take the seed of the run?"""
        varied = any(fault.draws for fault in self.faults)
        return bool(self.gambles) or self.times.chance < 1 or varied

    @property
    def looks_back(self) -> bool:
        """Does it take the replies to commands before its own?"""
        stage = self.stage
        if self.times.looks_back(stage) or any(one.looks_back(stage) for one in self.conditions):
            return True
        return stage in _DECIDING and self.draws  # its draws are those of the envelope

    def matches(self, occasion: Occasion) -> bool:
        """Does every condition hold?"""
        return all(test(occasion) for test in (*self.tests, *self.gambles))

    def may_match(self, occasion: Occasion) -> bool:
        """Does everything hold that can be told before the message is there?"""
        return all(
            one.needs_message or one.needs_reply or one.draws or one.matches(occasion)
            for one in self.conditions
        )


class RuleBook(NamedTuple):
    """All rules in force, in order, by stage: those asked before upstream, and those asked after.

    Only what upstream said can tell whether a rule with a condition on its reply applies. `message`
    are those of END-OF-DATA that take the message, and no reply.
    """

    before: dict[str, tuple[Rule, ...]]
    after: dict[str, tuple[Rule, ...]]
    concerned: frozenset[str] = frozenset()  # stages at which any rule is to be asked
    waiting: frozenset[str] = frozenset()  # those whose rules look at what was answered before
    total: int = 0
    message: tuple[Rule, ...] = ()
    rules: tuple[Rule, ...] = ()  # all of them, in order
    tellers: tuple[Rule, ...] = ()  # those that need the message, for whatever else they wait

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
    tellers = tuple(rule for rule in told_apart if rule.needs_message)
    # What becomes of mail data is decided at DATA, or at the last BDAT.
    deciding = _DECIDING if END_OF_DATA in before or tellers else frozenset()
    at_end = {END_OF_DATA, "BDAT"} if END_OF_DATA in after or message else set()
    looking = (rule for found in (*before.values(), *after.values()) for rule in found)
    return RuleBook(
        {stage: tuple(found) for stage, found in before.items()},
        {stage: tuple(found) for stage, found in after.items()},
        frozenset({*before, *after} | deciding | at_end),
        frozenset({rule.stage for rule in looking if _waits(rule)} | deciding),
        len(told_apart),
        tuple(message),
        tuple(told_apart),
        tellers,
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
