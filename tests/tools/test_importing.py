"""`smtpproxy import`: cassettes of what other programs printed."""

from __future__ import annotations

import contextlib
import io
import smtplib
import sys
from pathlib import Path

import pytest

from smtpproxy.cassette.comparing import compare
from smtpproxy.cassette.store import load_cassette
from smtpproxy.tools.importing import import_
from smtpproxy.tools.show import show
from tests.programs import HOST, SMTPPROXY, call, serving
from tests.recording import CASSETTE, RECORDED

SAMPLES = sorted((Path(__file__).parents[2] / "cassettes").glob("*.yaml"))


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a transcript."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "talk.txt").write_text(RECORDED)
    return tmp_path


def test_a_transcript_becomes_a_cassette(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What was pasted is what was said, and what was done is told."""
    assert import_(["talk.txt", "-o", "new.yaml"]) == 0
    assert capsys.readouterr().out == "new.yaml: 1 session, 5 commands (C: and S:)\n"
    (folder / "kept.yaml").write_text(CASSETTE)
    assert list(compare(load_cassette(Path("kept.yaml")), load_cassette(Path("new.yaml")))) == []


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_what_show_prints_can_be_read_again(
    folder: Path, sample: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A dialogue that was sent by mail to a colleague is a cassette again."""
    assert show(["--plain", str(sample)]) == 0
    (folder / "shown.txt").write_text(capsys.readouterr().out)
    assert import_(["shown.txt", "-o", "new.yaml"]) == 0
    assert list(compare(load_cassette(sample), load_cassette(Path("new.yaml")))) == []


CHUNKS = """smtpproxy-cassette: 1
---
session: 1
dialogue:
- S: "220 mail.example.org"
- C: "EHLO app.example.org"
  S: |
    250-mail.example.org
    250-PIPELINING
    250 CHUNKING
- C: "MAIL FROM:<a@example.org>"
  S: "250 2.1.0 Ok"
- C: "RCPT TO:<b@example.net>"
  S: "250 2.1.5 Ok"
- C: "BDAT 19"
  chunk: "Subject: x\\n\\n.Hi\\tB"
  S: "250 2.0.0 19 octets"
- C: "BDAT 5 LAST"
  chunk: "OB.\\n"
  S: "250 2.0.0 Ok"
- C: "QUIT"
  S: "221 2.0.0 Bye"
ended: quit
timing-ms: [0, 0, 0, 0, 0, 0, 0]
"""


def test_chunks_that_show_prints_can_be_read_again(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """BDAT comes back as it was, octet for octet, where a chunk ends within a line, too."""
    (folder / "old.yaml").write_text(CHUNKS)
    assert show(["--plain", "old.yaml"]) == 0
    (folder / "shown.txt").write_text(capsys.readouterr().out)
    assert import_(["shown.txt", "-o", "new.yaml"]) == 0
    (old,), (new,) = (load_cassette(Path(name)).sessions for name in ("old.yaml", "new.yaml"))
    assert [one._replace(line=0) for one in new.dialogue] == [
        one._replace(line=0) for one in old.dialogue
    ]


def test_a_chunk_of_another_size_is_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """With its line, and the status is 1."""
    (folder / "bad.txt").write_text("S: 220 hi\nC: BDAT 9 LAST\nC: x\nS: 250 ok\n")
    assert import_(["bad.txt", "-o", "new.yaml"]) == 1
    assert "bad.txt:2: other octets follow than BDAT says" in capfd.readouterr().err


def test_what_smtplib_prints(folder: Path) -> None:
    """Python's own debug output of a message to the sink is a session of that message."""
    printed = io.StringIO()
    with serving(folder, "--upstream", "sink:") as proxy, contextlib.redirect_stderr(printed):
        client = smtplib.SMTP()
        client.set_debuglevel(1)
        client.connect(HOST, proxy.port)
        client.login("bob", "a long secret")
        client.sendmail("a@example.org", ["b@example.net"], "Subject: hello\r\n\r\n.Hi\r\n")
        client.quit()
    (folder / "debug.txt").write_text(printed.getvalue())
    assert import_(["debug.txt", "-o", "new.yaml"]) == 0
    (session,) = load_cassette(Path("new.yaml")).sessions
    (message,) = [one.kept.octets for one in session.dialogue if one.kept is not None]
    assert message == b"Subject: hello\r\n\r\n.Hi\r\n"
    assert session.ended == "quit"
    assert b"redacted" in next(one.sent for one in session.dialogue if one.stage == "AUTH")


def test_what_was_passed_over_is_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Lines that are no dialogue, and a greeting that was made up, are told with their place."""
    (folder / "talk.txt").write_text("Words\n\nC: NOOP\nS: 250 Ok\n")
    assert import_(["talk.txt", "-o", "new.yaml"]) == 0
    err = capfd.readouterr().err.splitlines()
    assert err[0].startswith("talk.txt:3: a session begins here without a greeting")
    assert err[1].startswith("talk.txt:1: ")


def test_nothing_is_written_over(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A cassette that is there stays, unless --replace is said."""
    (folder / "new.yaml").write_text(CASSETTE)
    assert import_(["talk.txt", "-o", "new.yaml"]) == 2
    assert "is there already" in capfd.readouterr().err
    assert (folder / "new.yaml").read_text() == CASSETTE
    assert import_(["talk.txt", "-o", "new.yaml", "--replace"]) == 0


@pytest.mark.parametrize(
    ("words", "status", "told"),
    [
        (["talk.txt"], 2, "-o with a cassette"),
        (["-o", "new.yaml"], 2, "one transcript"),
        (["missing.txt", "-o", "new.yaml"], 2, "missing.txt: can't be read"),
        (["letter.txt", "-o", "new.yaml"], 2, "no dialogue was found"),
        (["greeting.txt", "-o", "new.yaml"], 1, "no command was found"),
    ],
)
def test_mistakes(
    folder: Path, words: list[str], status: int, told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """What can't be done is told in one line, and nothing is written."""
    (folder / "letter.txt").write_text("Dear Bob\n")
    (folder / "greeting.txt").write_text("S: 220 Hi\n")
    assert import_(words) == status
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1
    assert not list(folder.glob("new.*"))


def test_it_is_called_import(folder: Path) -> None:
    """On the command line it has the name that everybody expects, and reads standard input."""
    ran = call(folder, (*SMTPPROXY, "import", "talk.txt", "-o", "new.yaml"))
    assert (ran.status, ran.err) == (0, "")
    assert sys.modules["smtpproxy.tools.importing"].import_ is import_
