"""`smtpproxy recover`, and what the other tools make of an unfinished recording."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.tools.lint import lint
from smtpproxy.tools.recover import recover
from smtpproxy.tools.show import show
from tests.recording import CASSETTE, RECORDED

TORN = "---\nsession: 2\n"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette that is missing, with an unfinished recording beside it."""
    path = tmp_path / "kept.yaml"
    path.with_name("kept.yaml.partial").write_text(f"{CASSETTE}timing-ms: [0]\n{TORN}")
    return path


def test_how_much_was_recovered_is_said(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Sessions and octets, and status 0."""
    assert recover([str(path)]) == 0
    expected = f"{path}: 1 session; {len(TORN)} octets of a torn tail are left out\n"
    assert capfd.readouterr() == (expected, "")
    assert path.read_text() == f"{CASSETTE}timing-ms: [0]\n"


def test_what_can_not_be_done_is_one_line(path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Status 2 for wrong usage, 1 where nothing is whole."""
    assert recover([]) == 2
    assert recover([str(path.with_name("other.yaml"))]) == 2
    path.touch()
    assert recover([str(path)]) == 2
    path.with_name("kept.yaml.partial").write_text(TORN)
    assert recover(["--replace", str(path)]) == 1
    said = capfd.readouterr().err.splitlines()
    for line, words in zip(
        said,
        ("expected a cassette", "no unfinished recording", "--replace", "no session was whole"),
        strict=True,
    ):
        assert line.startswith("smtpproxy: ")
        assert words in line


def test_a_recording_that_can_not_be_read_is_one_line(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With file and line, and status 1."""
    text = f"{CASSETTE}timing-ms: [0]\n".replace("session: 1", "sessoin: 1")
    path.with_name("kept.yaml.partial").write_text(text)
    assert recover([str(path)]) == 1
    (line,) = capfd.readouterr().err.splitlines()
    assert "kept.yaml.partial:5: unknown key 'sessoin'" in line


def test_what_is_whole_is_shown_and_looked_at(
    path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """With a warning on standard error, where the cassette itself is missing."""
    assert show(["--plain", str(path)]) == 0
    out, err = capfd.readouterr()
    shown = [line for line in out.splitlines() if line[:2] in ("C:", "S:")]
    assert shown == RECORDED.strip().splitlines()
    assert "kept.yaml.partial is an unfinished recording: 1 session; 15 octets" in err
    assert lint([str(path)]) == 0
    assert "is an unfinished recording" in capfd.readouterr().err
    path.write_text(CASSETTE)
    for tool in (show, lint):
        assert tool([str(path)]) == 0
        assert capfd.readouterr().err == ""
