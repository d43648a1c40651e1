"""What matches, what fires and what is drawn, in one session and in many."""

from __future__ import annotations

import random

from smtpproxy.exchange import Decision
from smtpproxy.rules.deciding import decide, withdraw
from smtpproxy.rules.model import RuleBook
from smtpproxy.rules.run import Run
from tests.dialogue import rules_in
from tests.rules.occasions import occasion

MAIL, BOB = "MAIL FROM:<a@example.org>", "RCPT TO:<bob@example.net>"


def decided(book: RuleBook, run: Run, line: str = BOB, envelope: str = MAIL) -> Decision | None:
    """Return what the rules decide about a command, before upstream is asked."""
    at = occasion(line, envelope, run=run)
    return decide(book.before.get(at.exchange.stage, ()), at)


def test_a_rule_that_lost_counts_nothing() -> None:
    """Behind an answer a rule that answers is not asked: its first time is still to come."""
    book = rules_in(
        "{name: one, RCPT: 450, when: {command: 1}}", "{name: two, RCPT: 451, times: 1}"
    )
    run, heard = Run(), []
    for ordinal in (1, 2, 3):
        decision = decide(book.before["RCPT"], occasion(BOB, run=run, ordinal=ordinal))
        heard.append(decision.code if decision else 0)
    assert heard == [450, 451, 0]
    assert [run.ledger.fired(rule.key)[0] for rule in book.rules] == [1, 1]


def test_firings_are_numbered() -> None:
    """Each of a rule's firings has the next number, in all sessions of the run."""
    book, run = rules_in("RCPT: {delay: 1 s}"), Run()
    numbers = [decision.number for _ in range(3) if (decision := decided(book, run))]
    assert numbers == [1, 2, 3]


def test_a_firing_that_came_to_nothing_is_given_back() -> None:
    """It is counted neither in the statistics nor by `times:`."""
    book, run = rules_in("{RCPT: 450, times: 1}"), Run()
    first = decided(book, run)
    assert first is not None
    assert decided(book, run) is None
    withdraw(first.firings)
    assert run.ledger.fired(book.rules[0].key) == (0, None)
    assert decided(book, run) is not None


def test_rules_of_one_name_count_apart() -> None:
    """Rules without a name share what they are called by, and nothing else."""
    book, run = rules_in("{RCPT: {delay: 1 s}, times: 1}", "{RCPT: {delay: 2 s}, times: 2}"), Run()
    fired = [len(d.firings) if (d := decided(book, run)) else 0 for _ in range(3)]
    assert fired == [2, 1, 0]


def fates(seed: int, per: str, order: list[tuple[int, int]]) -> dict[int, list[bool]]:
    """Return for each recipient which of its tries a rule refused, tried in this order."""
    times = f", times: {{per: {per}}}" if per else ""
    book, run = rules_in(f"{{RCPT: 450, when: {{chance: 40 %}}{times}}}"), Run(seed=seed)
    found: dict[int, list[bool]] = {}
    for number, session in order:
        line = f"RCPT TO:<r{number}@example.net>"
        at = occasion(line, f"MAIL FROM:<s{number}@example.org>", run=run, session=session)
        found.setdefault(number, []).append(decide(book.before["RCPT"], at) is not None)
    return found


def test_concurrency_does_not_change_what_befalls_a_recipient() -> None:
    """The same seed gives each recipient the same, however twenty clients come in between."""
    alone = [(number, number) for number in range(20) for _ in range(15)]
    mixed = alone.copy()
    random.Random(7).shuffle(mixed)
    for per in ("", "recipient", "sender", "triplet"):
        assert fates(42, per, mixed) == fates(42, per, alone)
        assert fates(42, per, alone) != fates(43, per, alone)
    hits = [hit for row in fates(42, "", alone).values() for hit in row]
    assert 0.3 < sum(hits) / len(hits) < 0.5


def test_one_client_alone_gets_the_same_from_the_whole_runs_draws() -> None:
    """Counted for the run, the order of all commands decides."""
    order = [(number % 3, 1) for number in range(60)]
    assert fates(42, "run", order) == fates(42, "run", order)
    assert fates(42, "run", order) != fates(43, "run", order)


def test_what_a_fault_draws_is_its_firings_own() -> None:
    """A firing draws number after number, the same ones at every run."""
    book = rules_in("RCPT: {delay: 1 s}")

    def drawn(seed: int) -> list[float]:
        run, found = Run(seed=seed), []
        for _ in range(3):
            decision = decided(book, run)
            assert decision is not None
            found += [decision.firings[0].draw() for _ in range(2)]
        return found

    assert drawn(1) == drawn(1)
    assert len({*drawn(1), *drawn(2)}) == 12
    assert all(0 <= number < 1 for number in drawn(1))


def test_chance_within_not_is_drawn_once_a_try() -> None:
    """`not: {chance: …}` fires where `chance:` would not have."""
    run = Run(seed=5)
    plain, negated = (
        rules_in(f"{{name: x, RCPT: {{delay: 1 s}}, when: {when}}}")
        for when in ("{chance: 0.5}", "{not: {chance: 0.5}}")
    )
    hits = [decided(plain, run) is not None for _ in range(20)]
    misses = [decided(negated, Run(seed=5)) is not None for _ in range(1)]
    again = Run(seed=5)
    assert [decided(negated, again) is None for _ in range(20)] == hits
    assert misses == [not hits[0]]
