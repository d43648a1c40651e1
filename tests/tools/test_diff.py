"""`smtpproxy diff`: what has changed, as text, as JSON and as an exit status."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smtpproxy.tools.diff import diff
from tests.recording import CASSETTE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with an old cassette."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "old.yaml").write_text(CASSETTE)
    return tmp_path


def changed(folder: Path, was: str, has: str) -> None:
    """Write the new cassette."""
    assert was in CASSETTE
    (folder / "new.yaml").write_text(CASSETTE.replace(was, has))


def test_equal_cassettes(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where nothing has changed nothing is said, and the status is 0; time is no change."""
    changed(folder, "2026-11-23T12:00:00Z", "2026-11-24T12:00:00Z")
    assert diff(["old.yaml", "new.yaml"]) == 0
    assert capsys.readouterr().out == ""


def test_a_change_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Severity, stage, both texts and both places are there; the status is 1."""
    changed(folder, "550 5.1.1 No such user", "450 4.2.1 Later")
    assert diff(["old.yaml", "new.yaml"]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "session 1",
        "  class code     RCPT",
        "    - 550 5.1.1 No such user   (old.yaml:12)",
        "    + 450 4.2.1 Later   (new.yaml:12)",
        "1 change: 1 of class",
    ]


def test_as_json(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each change is an object on a line of its own."""
    changed(folder, "550 5.1.1 No such user", "450 4.2.1 Later")
    assert diff(["--json", "old.yaml", "new.yaml"]) == 1
    assert json.loads(capsys.readouterr().out) == {
        "severity": "class",
        "what": "code",
        "stage": "RCPT",
        "old": "550 5.1.1 No such user",
        "new": "450 4.2.1 Later",
        "session": "1",
        "old_line": 12,
        "new_line": 12,
    }


@pytest.mark.parametrize(("severity", "status"), [("class", 0), ("code", 0), ("text", 1)])
def test_the_severity_that_counts(folder: Path, severity: str, status: int) -> None:
    """Below it nothing is told, and nothing counts."""
    changed(folder, "No such user", "Unknown user")
    assert diff(["--severity", severity, "old.yaml", "new.yaml"]) == status


def test_controls_can_not_reach_the_terminal(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """What peers said, and labels, are shown, and obeyed by nobody."""
    changed(folder, '"550 5.1.1 No such user"', '"550 5.1.1 \\e[2J"')
    text = (folder / "new.yaml").read_text()
    (folder / "new.yaml").write_text(text + '---\nsession: "\\e[3J"\ndialogue:\n- S: "220 x"\n')
    assert diff(["old.yaml", "new.yaml"]) == 1
    shown = capsys.readouterr().out
    assert r"\x1b[2J" in shown
    assert r"\x1b[3J" in shown
    assert "\x1b" not in shown


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["old.yaml"], "two cassettes"),
        (["old.yaml", "missing.yaml"], "missing.yaml: can't be read"),
        (["--severity", "clas", "old.yaml", "old.yaml"], "did you mean 'class'?"),
    ],
)
def test_wrong_usage(words: list[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    """Mistakes are told in one line, with status 2."""
    assert diff(words) == 2
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1
