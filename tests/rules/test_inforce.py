"""Rules are read at the start and on demand, all or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.rules.inforce import RulesInForce
from smtpproxy.settings import settle

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
