"""`smtpproxy export`: messages and sessions as other programs read them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from smtpproxy.tools.export import export
from tests.cassette.dialogues import cassette_text
from tests.cassette.test_exporting import TWO


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a cassette of two messages."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.yaml").write_text(cassette_text(TWO))
    return tmp_path


def test_as_files(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each message is a file, octet for octet, and its name is told."""
    assert export(["kept.yaml", "--eml", "mails/new"]) == 0
    files = {path.name: path.read_bytes() for path in (folder / "mails/new").iterdir()}
    assert files == {"1-1.eml": b"Subject: one\r\n", "1-2.eml": b"Subject: two\r\n"}
    assert capsys.readouterr().out == "mails/new/1-1.eml\nmails/new/1-2.eml\n"


def test_as_an_mbox(folder: Path) -> None:
    """All messages are in one file, each behind a line of its reverse-path."""
    assert export(["kept.yaml", "--mbox", "all.mbox"]) == 0
    lines = (folder / "all.mbox").read_text().splitlines()
    assert [line.split()[1] for line in lines if line.startswith("From ")] == [
        "a@example.org",
        "MAILER-DAEMON",
    ]


def test_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """Each session is an object on a line of its own."""
    assert export(["kept.yaml", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["messages"][0]["recipients"] == ["b@example.net"]


def test_nothing_is_written_over(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A file that is there stays, and no other is written, unless --replace is said."""
    (folder / "mails").mkdir()
    (folder / "mails/1-2.eml").write_text("mine")
    (folder / "all.mbox").write_text("mine")
    for words in (["--eml", "mails"], ["--mbox", "all.mbox"]):
        assert export(["kept.yaml", *words]) == 2
        err = capfd.readouterr().err
        assert "is there already; --replace" in err
        assert err.count("\n") == 1
    assert [path.name for path in (folder / "mails").iterdir()] == ["1-2.eml"]
    assert (folder / "all.mbox").read_text() == "mine"
    assert export(["kept.yaml", "--eml", "mails", "--replace"]) == 0
    assert (folder / "mails/1-2.eml").read_bytes() == b"Subject: two\r\n"


def test_large_messages_come_from_their_file(folder: Path) -> None:
    """What lies in NAME.d is found there; where it is missing, the error names it."""
    name = hashlib.sha256(b"large\r\n").hexdigest() + ".eml"
    text = (
        'smtpproxy-cassette: 1\n---\nsession: "../../evil"\ndialogue:\n- S: "220 Hi"\n'
        f'- message: {{file: "{name}", octets: 7}}\n  S: "250 Ok"\n'
    )
    (folder / "large.yaml").write_text(text)
    assert export(["large.yaml", "--eml", "none"]) == 2
    (folder / "large.d").mkdir()
    (folder / "large.d" / name).write_bytes(b"large\r\n")
    assert export(["large.yaml", "--eml", "mails"]) == 0
    assert {path.name: path.read_bytes() for path in (folder / "mails").iterdir()} == {
        "evil-1.eml": b"large\r\n"
    }


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected one cassette"),
        (["kept.yaml"], "expected one of --eml"),
        (["kept.yaml", "--json", "--eml", "x"], "expected one of --eml"),
        (["missing.yaml", "--json"], "missing.yaml: can't be read"),
        (["kept.yaml", "--eml", "kept.yaml"], "Not a directory"),
    ],
)
def test_mistakes(words: list[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    """What can't be done is told in one line, with status 2."""
    assert export(words) == 2
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1
