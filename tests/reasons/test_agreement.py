"""The rules that ship, judged by replies of real servers.

Of the held-out set, nothing but counts is ever printed: whoever tunes rules must not see it. So an
assertion is on a number alone; pytest would show the replies behind it.
"""

from __future__ import annotations

from tests.reasons.agreement import Agreement, agreement
from tests.reasons.labelled import HELD_OUT, TUNING

_BOTH, _TUNING, _HELD_OUT = (
    agreement([*HELD_OUT, *TUNING]),
    agreement(TUNING),
    agreement(HELD_OUT),
)


def test_nineteen_of_twenty_reasons_are_those_a_person_gives() -> None:
    """Over both sets together."""
    share = _BOTH.reason
    assert share >= 0.95, _counts(_BOTH)


def test_reasons_of_the_tuning_set() -> None:
    """What the rules were made with they know."""
    wrong = [
        f"{one.one.reply!r}: {one.one.reason}, not {one.reason.name} by {one.reason.rule!r}"
        for one in _TUNING.verdicts
        if not one.same_reason
    ]
    share = _TUNING.reason
    assert share >= 0.95, "\n".join(wrong)


def test_trying_again_over_both_sets() -> None:
    """Whether a later try helps is as a person says it, in as many."""
    share = _BOTH.retryable
    assert share >= 0.95, _counts(_BOTH)


def test_trying_again_in_the_tuning_set() -> None:
    """What the rules were made with they know."""
    wrong = [
        f"{one.one.reply!r}: {one.one.retryable}, not {one.retryable} ({one.reason.name})"
        for one in _TUNING.verdicts
        if not one.same_retryable
    ]
    share = _TUNING.retryable
    assert share >= 0.95, "\n".join(wrong)


def test_reasons_of_the_held_out_set() -> None:
    """Of replies that nobody tuned with: 87.0 % when first measured; 88.3 % by more tuning."""
    share = _HELD_OUT.reason
    assert share >= 0.85, _counts(_HELD_OUT)


def test_trying_again_in_the_held_out_set() -> None:
    """Of replies that nobody tuned with: 96.9 % when first measured, and by more tuning."""
    share = _HELD_OUT.retryable
    assert share >= 0.95, _counts(_HELD_OUT)


def _counts(found: Agreement) -> str:
    """How often what was taken for what, and no wordings."""
    shares = f"reason {found.reason:.1%}, retryable {found.retryable:.1%}"
    reasons = [f"{a} -> {b}: {n}" for (a, b), n in found.confused.most_common()]
    tries = [f"{a} -> retryable {b}: {n}" for (a, b), n in found.misjudged.most_common()]
    return "\n".join([shares, *reasons, *tries])
