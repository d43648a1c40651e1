"""Rules are read at the start and on demand, all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.figures import FiredRule
from smtpproxy.rules.inforce import RulesInForce
from smtpproxy.settings import SettingsError, settle

FILE = "smtpproxy-rules: 1\nrules:\n- name: of the file\n  RCPT: 450\n"


def in_force(
    *files: Path, rules: tuple[str, ...] = (), presets: tuple[str, ...] = ()
) -> RulesInForce:
    """Return the rules that these options name."""
    given = {"rules": tuple(map(str, files)), "rule": rules, "preset": presets}
    return RulesInForce(settle(given, {}))


def names(rules: RulesInForce) -> list[str]:
    """Return the names of the rules at RCPT, in order."""
    return [rule.name for rule in rules.book.before.get("RCPT", ())]


def test_presets_come_last(tmp_path: Path) -> None:
    """Rules of files are asked first, then those of the command line, and presets behind all."""
    file = tmp_path / "a.yaml"
    file.write_text(FILE)
    assert names(in_force(file, rules=("RCPT: 550",), presets=("full-mailbox",))) == [
        *("of the file", "RCPT", "full mailbox")
    ]


def test_a_reload_takes_all(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """New rules stand in the place of the old ones, and their number is told."""
    file = tmp_path / "a.yaml"
    file.write_text(FILE)
    rules = in_force(file)
    file.write_text(FILE + "- name: another\n  RCPT: 451\n")
    rules.reload()
    assert names(rules) == ["of the file", "another"]
    assert "2 rules are in force now" in capfd.readouterr().err


def test_a_bad_file_changes_nothing(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where a file can't be read again, the old rules stay, and one line says why."""
    file = tmp_path / "a.yaml"
    file.write_text(FILE)
    rules = in_force(file)
    file.write_text(FILE + "- RCTP: 451\n")
    rules.reload()
    err = capfd.readouterr().err
    assert names(rules) == ["of the file"]
    assert "the old rules stay in force: " in err
    assert "a.yaml:5: " in err


def test_a_bad_file_at_the_start_is_an_error(tmp_path: Path) -> None:
    """Nothing begins with rules that can't be read."""
    with pytest.raises(DocumentError):
        in_force(tmp_path / "missing.yaml")


DRAWS = "smtpproxy-rules: 1\n%srules:\n- name: drawn\n  RCPT: 450\n  when: {chance: 0.5}\n"


@pytest.mark.parametrize(
    ("in_file", "option", "seed"),
    [("seed: 42\n", (), 42), ("seed: 42\n", ("7",), 7), ("", ("7",), 7), ("", (), 99)],
)
def test_seed(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    in_file: str,
    option: tuple[str, ...],
    seed: int,
) -> None:
    """It is the option's, else the file's, else chance's, and is told where a rule draws."""
    file = tmp_path / "a.yaml"
    file.write_text(DRAWS % in_file)
    rules = RulesInForce(settle({"rules": (str(file),), "seed": option}, {}), chance=lambda: 99)
    assert rules.run.seed == seed
    assert capfd.readouterr().err == f"seed: {seed}\n"


def test_seed_that_nobody_needs_is_not_told(capfd: pytest.CaptureFixture[str]) -> None:
    """Rules that leave nothing to chance say nothing of it."""
    in_force(rules=("RCPT: 450",))
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("seed", ["-1", "x", "1" * 21, "1.5"])
def test_seed_is_a_whole_number(seed: str) -> None:
    """Anything else is wrong usage."""
    with pytest.raises(SettingsError, match="--seed: expected a whole number"):
        RulesInForce(settle({"seed": (seed,)}, {}))


def test_what_fired_is_told_in_order(tmp_path: Path) -> None:
    """Rules in force come first, those that never fired, too; then those that are gone."""
    file = tmp_path / "a.yaml"
    file.write_text(FILE)
    rules = RulesInForce(settle({"rules": (str(file),)}, {}), began=100.0)
    rules.run.ledger.fire(rules.book.rules[0].key, 2.5)
    file.write_text(FILE.replace("of the file", "a new one"))
    assert rules.reload()
    assert rules.fired() == [
        FiredRule("a new one", "RCPT", 0, None),
        FiredRule("of the file", "RCPT", 1, 2.5),
    ]


def test_visits_share_the_run() -> None:
    """Each session has a number, and all have one ledger."""
    rules = in_force()
    one, two = rules.visit("192.0.2.7", 1), rules.visit("192.0.2.8", 2)
    assert (one.number, two.number, one.client) == (1, 2, "192.0.2.7")
    assert one.run is two.run
