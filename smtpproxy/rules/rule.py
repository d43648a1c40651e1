"""A rule: where it applies, when, how often, and what the client and upstream experience."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from smtpproxy.faults import Fault, SayReply
from smtpproxy.rules.conditions import Condition, UpstreamReply
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.times import ALWAYS, Times

NONE, FORWARD, DELIVER = "none", "forward", "deliver"
UPSTREAM_WORDS = (NONE, FORWARD, DELIVER)
#: Stages at which it is known, or decided, who has the message.
DECIDING = frozenset({"DATA", "BDAT"})

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
    early: tuple[Test, ...] = field(init=False, repr=False, compare=False)  # before the message
    gambles: tuple[Test, ...] = field(init=False, repr=False, compare=False)  # asked last

    def __post_init__(self) -> None:
        conditions = self.conditions
        for name, value in (
            ("answers", any(fault.answers for fault in self.faults)),
            ("tests", tuple(one.matches for one in conditions if not one.draws)),
            ("early", tuple(one.matches for one in conditions if not _comes_late(one))),
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
        return stage in DECIDING and self.draws  # its draws are those of the envelope

    def matches(self, occasion: Occasion) -> bool:
        """Does every condition hold?"""
        return all(test(occasion) for test in (*self.tests, *self.gambles))

    def may_match(self, occasion: Occasion) -> bool:
        """Does everything hold that can be told before the message is there?"""
        return all(test(occasion) for test in self.early)


def _comes_late(one: Condition) -> bool:
    return one.needs_message or one.needs_reply or one.draws
