"""`smtpproxy prune`: a cassette without what is not needed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from smtpproxy.tools.prune import prune
from tests.cassette.test_pruning import FIRST, TEXT


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a cassette of two transactions."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.yaml").write_text(TEXT)
    return tmp_path


@pytest.mark.parametrize(
    "report",
    [
        [FIRST],
        {"unused": [FIRST]},
        {"unused": [{"source": "x/kept.yaml", "line": FIRST}, {"source": "other", "line": 19}]},
    ],
)
def test_what_a_report_calls_unused_goes(
    folder: Path, report: object, capsys: pytest.CaptureFixture[str]
) -> None:
    """A list of lines, or a report that has one; lines of other cassettes are passed over."""
    (folder / "report.json").write_text(json.dumps(report))
    assert prune(["kept.yaml", "--unused", "report.json"]) == 0
    assert b"a@example.org" not in (folder / "kept.yaml").read_bytes()
    assert b"c@example.org" in (folder / "kept.yaml").read_bytes()
    told = capsys.readouterr().out
    assert told == "kept.yaml: 1 transaction and 0 sessions taken out\n"


def test_a_session_goes(folder: Path) -> None:
    """By its label, into another file if one is named."""
    assert prune(["kept.yaml", "--session", "1", "-o", "less.yaml"]) == 0
    assert load_cassette(folder / "less.yaml").sessions == []
    assert (folder / "kept.yaml").read_text() == TEXT


def test_what_is_left_in_is_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A line at which no transaction begins is told, with status 1."""
    (folder / "report.json").write_text("[6]")
    assert prune(["kept.yaml", "--unused", "report.json"]) == 1
    assert capfd.readouterr().err.startswith("kept.yaml:6: is left in")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["kept.yaml"], "--unused REPORT"),
        (["--session", "1"], "one cassette"),
        (["kept.yaml", "--session", "11"], "no session '11'; did you mean '1'?"),
        (["kept.yaml", "--unused", "missing.json"], "missing.json"),
        (["kept.yaml", "--unused", "kept.yaml"], "is not JSON"),
        (["kept.yaml", "--unused", "odd.json"], "expected lines as numbers"),
        (["kept.yaml", "--unused", "none.json"], "expected a list of lines"),
        (["kept.yaml", "--unused", "deep.json"], "is not JSON"),
    ],
)
def test_mistakes(
    folder: Path, words: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What can't be done is told in one line, and the cassette stays."""
    (folder / "odd.json").write_text('[true, "x"]')
    (folder / "none.json").write_text('{"used": []}')
    (folder / "deep.json").write_text("[" * 200000)
    assert prune(words) == 2
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert (folder / "kept.yaml").read_text() == TEXT
