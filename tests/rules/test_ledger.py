"""The ledger keeps what rules remember, within bounds."""

from __future__ import annotations

import pytest

from smtpproxy.rules import ledger as module
from smtpproxy.rules.ledger import MOST_RULES, Ledger


def test_an_account_is_of_one_rule_and_one_scope() -> None:
    """What is counted for one is not counted for another."""
    ledger = Ledger()
    ledger.account("a", "x", 0.0).matches = 7
    assert ledger.account("a", "x", 1.0).matches == 7
    assert ledger.account("a", "y", 1.0).matches == 0
    assert ledger.account("b", "x", 1.0).matches == 0


def test_the_oldest_scope_is_forgotten_first() -> None:
    """Who invents scopes without end makes a rule forget those that nobody asked for lately."""
    ledger = Ledger(most=3)
    for scope in ("a", "b", "c"):
        ledger.account("rule", scope, 0.0).matches = 1
        ledger.ordinal("rule", scope)
    ledger.account("rule", "a", 1.0)
    ledger.account("rule", "d", 2.0)
    assert [ledger.account("rule", scope, 3.0).matches for scope in ("a", "c")] == [1, 1]
    assert ledger.account("rule", "b", 3.0).matches == 0
    ledger.ordinal("rule", "d")
    assert ledger.ordinal("rule", "a") == 1
    assert ledger.ordinal("rule", "d") == 2


def test_a_storm_on_one_rule_leaves_others_alone() -> None:
    """The bound is each rule's own."""
    ledger = Ledger(most=3)
    ledger.account("calm", "a", 0.0).matches = 1
    for number in range(100):
        ledger.account("storm", str(number), 1.0)
    assert ledger.account("calm", "a", 2.0).matches == 1


def test_rules_that_remember_moments_remember_fewer_scopes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """All moments of one rule together are bounded."""
    monkeypatch.setattr(module, "MOST_MARKS", 20)
    ledger = Ledger()
    for scope in ("a", "b", "c"):
        ledger.account("rule", scope, 0.0, marks=10).matches = 1
    assert ledger.account("rule", "c", 0.0, marks=10).matches == 1
    assert ledger.account("rule", "a", 0.0, marks=10).matches == 0


def test_long_scopes_take_little_room_and_stay_apart() -> None:
    """A scope as long as a command is known by its hash."""
    ledger = Ledger()
    ledger.account("rule", "a" * 2000, 0.0).matches = 1
    assert ledger.account("rule", "a" * 2000, 0.0).matches == 1
    assert ledger.account("rule", "a" * 1999 + "b", 0.0).matches == 0
    ledger.account("rule", "\udcff" * 100, 0.0).matches = 2
    assert ledger.account("rule", "\udcff" * 100, 0.0).matches == 2


def test_firings_are_numbered_and_counted() -> None:
    """A number is never given twice; one that came to nothing is not counted."""
    ledger = Ledger()
    assert ledger.fired("rule") == (0, None)
    assert [ledger.fire("rule", 2.0), ledger.fire("rule", 3.0)] == [1, 2]
    assert ledger.fired("rule") == (2, 2.0)
    ledger.withdraw("rule")
    assert ledger.fire("rule", 4.0) == 3
    assert ledger.fired("rule") == (2, 2.0)


def test_a_reload_keeps_what_is_still_in_force() -> None:
    """Rules that are gone remember nothing; how often they fired is still told."""
    ledger = Ledger()
    for key in ("kept", "gone"):
        ledger.account(key, "", 0.0).matches = 1
        ledger.fire(key, 1.0)
    ledger.keep(["kept"])
    assert ledger.account("kept", "", 1.0).matches == 1
    assert ledger.account("gone", "", 1.0).matches == 0
    assert ledger.ever_fired() == ["kept", "gone"]


def test_every_rule_in_force_keeps_its_firings() -> None:
    """There may be many; of those that are in force no more, the last to have come are kept."""
    ledger = Ledger()
    many = [f"rule {number}" for number in range(MOST_RULES + 10)]
    for key in many:
        ledger.fire(key, 0.0)
    assert [ledger.fired(key) for key in many] == [(1, 0.0)] * len(many)
    assert ledger.fire(many[0], 1.0) == 2
    ledger.keep(many[:5])
    assert ledger.ever_fired() == [*many[:5], *many[10:]]
