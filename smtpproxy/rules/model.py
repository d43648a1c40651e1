"""A rule: where it applies, when, and what the client and upstream experience."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from smtpproxy.exchange import Decision, Firing
from smtpproxy.faults import Fault, SayReply
from smtpproxy.rules.pattern import Pattern, ReplyPattern

END_OF_DATA = "END-OF-DATA"
NONE, FORWARD, DELIVER = "none", "forward", "deliver"
UPSTREAM_WORDS = (NONE, FORWARD, DELIVER)

#: Stages that have an address of their own, which `STAGE pattern` looks at.
ADDRESS_OF = {
    "RCPT": "recipient",
    "MAIL": "sender",
    "SEND": "sender",
    "SOML": "sender",
    "SAML": "sender",
}


class Occasion(NamedTuple):
    """What a rule looks at.

    `recipients` is the one in question at RCPT, and those accepted so far after it. `code` is
    upstream's reply code, or 0 while upstream was not asked. `secure`: the client's leg has TLS.
    """

    stage: str
    sender: str | None
    recipients: tuple[str, ...]
    code: int
    secure: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of a rule file, or of the command line."""

    name: str
    stage: str
    faults: tuple[Fault, ...]
    upstream: str
    sender: Pattern | None = None
    recipient: Pattern | None = None
    reply: ReplyPattern | None = None
    tls: bool | None = None
    answers: bool = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "answers", any(fault.answers for fault in self.faults))

    @property
    def code(self) -> int:
        """The code that the client is told, or 0 where the rule does not say one."""
        return next((fault.code for fault in self.faults if isinstance(fault, SayReply)), 0)

    @property
    def looks_back(self) -> bool:
        """Does it look at more of the envelope than the address in its own command?"""
        own = ADDRESS_OF.get(self.stage)
        return bool((self.sender and own != "sender") or (self.recipient and own != "recipient"))

    def matches(self, occasion: Occasion) -> bool:
        """Does every condition hold?"""
        if self.sender and (occasion.sender is None or not self.sender.matches(occasion.sender)):
            return False
        if self.recipient and not any(map(self.recipient.matches, occasion.recipients)):
            return False
        if self.tls is not None and self.tls is not occasion.secure:
            return False
        return not self.reply or self.reply.matches(occasion.code)


class RuleBook(NamedTuple):
    """All rules in force, in order, by stage: those asked before upstream, and those asked after.

    Only what upstream said can tell whether a rule with a condition on its reply applies.
    """

    before: dict[str, tuple[Rule, ...]]
    after: dict[str, tuple[Rule, ...]]
    concerned: frozenset[str] = frozenset()  # stages at which any rule is to be asked
    waiting: frozenset[str] = frozenset()  # those whose rules look at what was answered before
    total: int = 0


NO_RULES = RuleBook({}, {})


def rule_book(rules: list[Rule]) -> RuleBook:
    """Return the rules by stage and by when they are asked."""
    before: dict[str, list[Rule]] = {}
    after: dict[str, list[Rule]] = {}
    for rule in rules:
        (after if rule.reply else before).setdefault(rule.stage, []).append(rule)
    # What becomes of mail data is decided at DATA, or at the last BDAT.
    deciding = {"DATA", "BDAT"} if END_OF_DATA in before else set()
    return RuleBook(
        {stage: tuple(found) for stage, found in before.items()},
        {stage: tuple(found) for stage, found in after.items()},
        frozenset({*before, *after} | deciding | ({"BDAT"} if END_OF_DATA in after else set())),
        frozenset(
            {rule.stage for found in before.values() for rule in found if rule.looks_back}
            | deciding
        ),
        len(rules),
    )


def decide(rules: tuple[Rule, ...], occasion: Occasion) -> Decision | None:
    """Ask `rules` from top to bottom: the first that answers wins, all that do not apply."""
    firings: list[Firing] = []
    first: Rule | None = None
    answering: Rule | None = None
    for rule in rules:
        if (rule.answers and answering) or not rule.matches(occasion):
            continue
        first = first or rule
        if rule.answers:
            answering = rule
        firings.append(Firing(rule.name, rule.faults))
    if first is None:
        return None
    teller = answering or first
    return Decision(
        teller.name,
        tuple(firings),
        answers=answering is not None,
        upstream=teller.upstream if answering else FORWARD,
        code=teller.code,
        knowing=teller.reply is not None,
    )
