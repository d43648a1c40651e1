"""How often the rules that ship say what a person said about a labelled reply."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import NamedTuple

from smtpproxy.reasons import Reason, built_in
from smtpproxy.smtp.facts import Reply
from tests.reasons.labelled import Labelled


class Verdict(NamedTuple):
    """What the rules say of one reply."""

    one: Labelled
    reason: Reason
    retryable: bool

    @property
    def same_reason(self) -> bool:
        """Do they give its reason?"""
        return self.reason.name == self.one.reason

    @property
    def same_retryable(self) -> bool:
        """Do they say rightly whether a later try helps?"""
        return self.retryable == self.one.retryable


class Agreement(NamedTuple):
    """Verdicts on a set of replies."""

    verdicts: list[Verdict]

    @property
    def reason(self) -> float:
        """Share of the replies whose reason is given, from 0 to 1."""
        return sum(one.same_reason for one in self.verdicts) / len(self.verdicts)

    @property
    def retryable(self) -> float:
        """Share of the replies of which it is rightly said whether a later try helps."""
        return sum(one.same_retryable for one in self.verdicts) / len(self.verdicts)

    @property
    def confused(self) -> Counter[tuple[str, str]]:
        """How often a labelled reason was taken for another. No wordings."""
        return Counter(
            (one.one.reason, one.reason.name) for one in self.verdicts if not one.same_reason
        )

    @property
    def misjudged(self) -> Counter[tuple[str, bool]]:
        """How often, for a labelled reason, this was wrongly said of a later try. No wordings."""
        return Counter(
            (one.one.reason, one.retryable) for one in self.verdicts if not one.same_retryable
        )


def agreement(labelled: Iterable[Labelled]) -> Agreement:
    """Ask the rules about each reply."""
    return Agreement([_verdict(one) for one in labelled])


def _verdict(one: Labelled) -> Verdict:
    lines = one.reply.split("\n")
    wire = "".join(f"{line}\r\n" for line in lines).encode()
    reason, retryable = built_in().judge(Reply(int(lines[-1][:3]), wire))
    return Verdict(one, reason, retryable)
