"""`smtpproxy derive`: rule files, and the matrix of what they try."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.tools.derive import derive
from smtpproxy.tools.lint import lint
from tests.recording import CASSETTE


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a cassette."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    return tmp_path


def test_files_and_a_matrix(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All files are good rule files, and a table says what each point is tried with."""
    assert derive(["kept.yaml", "-o", "faults"]) == 0
    lines = capsys.readouterr().out.splitlines()
    files = sorted((folder / "faults").iterdir())
    assert lines[0].split() == ["4xx", "5xx", "drop"]
    assert lines[4].split() == ["RCPT", "b@example.net", "450", "550", "drop"]
    assert lines[5].split() == ["QUIT", "-", "-", "drop"]
    assert lines[-1] == f"faults: {len(files)} rule files"
    assert len(files) == 3 * 4 + 1
    assert lint(list(map(str, files))) == 0


def test_nothing_is_written_over(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Files that are there stay, and so none is written, unless --replace is said."""
    assert derive(["kept.yaml", "-o", "faults"]) == 0
    for path in sorted((folder / "faults").iterdir())[1:]:
        path.unlink()
    assert derive(["kept.yaml", "-o", "faults"]) == 2
    assert "is there already" in capfd.readouterr().err
    assert len(list((folder / "faults").iterdir())) == 1
    assert derive(["kept.yaml", "-o", "faults", "--replace"]) == 0


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["kept.yaml"], "-o with a folder"),
        (["-o", "faults"], "one cassette"),
        (["missing.yaml", "-o", "faults"], "missing.yaml: can't be read"),
    ],
)
def test_mistakes(words: list[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What can't be done is told in one line, with status 2."""
    assert derive(words) == 2
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1
