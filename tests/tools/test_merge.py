"""`smtpproxy merge`: one cassette of several."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from smtpproxy.tools.merge import merge
from tests.cassette.test_merging import WITH_FILE
from tests.recording import CASSETTE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a cassette."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    return tmp_path


def test_a_cassette_is_written(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All sessions are in it, and what was done is told."""
    assert merge(["kept.yaml", "kept.yaml", "-o", "all.yaml"]) == 0
    assert [one.label for one in load_cassette(folder / "all.yaml").sessions] == ["1", "2"]
    assert capsys.readouterr().out == "all.yaml: 2 sessions, 0 message files\n"


def test_nothing_is_written_over(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A cassette that is there stays, unless --replace is said; then it may be one of them."""
    assert merge(["kept.yaml", "-o", "kept.yaml"]) == 2
    assert "is there already" in capfd.readouterr().err
    assert (folder / "kept.yaml").read_text() == CASSETTE
    assert merge(["kept.yaml", "kept.yaml", "-o", "kept.yaml", "--replace"]) == 0
    assert len(load_cassette(folder / "kept.yaml").sessions) == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected cassettes"),
        (["kept.yaml"], "-o"),
        (["kept.yaml", "missing.yaml", "-o", "all.yaml"], "missing.yaml: can't be read"),
        (["file.yaml", "-o", "all.yaml"], "is missing"),
    ],
)
def test_mistakes(
    folder: Path, words: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What can't be done is told in one line, and nothing is written."""
    (folder / "file.yaml").write_text(WITH_FILE)
    assert merge(words) == 2
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert not (folder / "all.yaml").exists()
