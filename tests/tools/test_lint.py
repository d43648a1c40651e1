"""`smtpproxy lint`: every problem of cassettes and rule files, with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.tools.lint import lint
from tests.recording import CASSETTE

RULES = "smtpproxy-rules: 1\nrules:\n- RCPT: 452\n"
REDACTION = "smtpproxy-redaction: 1\naddresses: pseudonyms\n"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with a good cassette and a good rule file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    (tmp_path / "rules.yaml").write_text(RULES)
    return tmp_path


def test_good_files_are_passed_over(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Where nothing is wrong nothing is said, and the status is 0."""
    (folder / "encrypted.yaml").write_text(CASSETTE + "tls: {client: TLSv1.3}\n")
    (folder / "redact.yaml").write_text(REDACTION)
    assert lint(["kept.yaml", "encrypted.yaml", "rules.yaml", "redact.yaml"]) == 0
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (RULES.replace("RCPT", "RCTP"), "wrong.yaml:3: rule 'RCTP': unknown stage 'RCTP'; "),
        (CASSETTE.replace("ended:", "endded:"), "wrong.yaml:18: unknown key 'endded'; did you"),
        (
            CASSETTE + "tls: {clinet: TLSv1.3}\n",
            "wrong.yaml:19: unknown key 'clinet'; did you mean",
        ),
        (CASSETTE.replace("- S:", "- S:\t&a"), "wrong.yaml:7: anchors and aliases "),
        (REDACTION + "bodys: keep", "wrong.yaml:3: unknown key 'bodys'; did you mean 'bodies'?"),
        ("upstream: mail.example.org\n", "wrong.yaml:1: is neither a cassette nor a rule file"),
        ("", "wrong.yaml:1: is neither a cassette nor a rule file"),
    ],
)
def test_a_problem_has_its_place(
    folder: Path, capfd: pytest.CaptureFixture[str], text: str, problem: str
) -> None:
    """What is wrong is told with file and line, on standard output; the status is 1."""
    (folder / "wrong.yaml").write_text(text)
    assert lint(["kept.yaml", "wrong.yaml", "rules.yaml"]) == 1
    out, err = capfd.readouterr()
    assert out.startswith(problem)
    assert out.count("\n") == 1
    assert err == ""


def test_every_file_is_looked_at(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A wrong file does not hide the next, and a missing one is a problem like others."""
    (folder / "wrong.yaml").write_text(RULES.replace("452", "99"))
    assert lint(["missing.yaml", "wrong.yaml", "kept.yaml"]) == 1
    out = capfd.readouterr().out
    assert [line.split(":")[0] for line in out.splitlines()] == ["missing.yaml", "wrong.yaml"]


def test_what_clients_must_not_do_is_told(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A session that SMTP does not allow is told with its place, and its name in brackets."""
    start = CASSETTE.index('- C: "QUIT"')
    text = CASSETTE[:start] + CASSETTE[start:].partition('Bye"\n')[2]
    (folder / "wrong.yaml").write_text(text.replace("HELO", "NOOP"))
    assert lint(["wrong.yaml"]) == 1
    lines = capfd.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in lines] == [f"wrong.yaml:{n}" for n in (10, 14)]
    assert lines[1].endswith("[no-quit]")


@pytest.mark.parametrize("name", ["no-quit", "all"])
def test_names_can_be_passed_over(
    folder: Path, capfd: pytest.CaptureFixture[str], name: str
) -> None:
    """Who knows that a client never says QUIT is not told so again."""
    (folder / "wrong.yaml").write_text(CASSETTE.replace("QUIT", "NOOP"))
    assert lint(["wrong.yaml"]) == 1
    assert lint(["--pass", name, "wrong.yaml"]) == 0
    assert capfd.readouterr().out.count("\n") == 1


def test_an_unknown_name_has_a_nearest_one(capfd: pytest.CaptureFixture[str]) -> None:
    """A name that there is not is a mistake."""
    with pytest.raises(SystemExit) as ended:
        lint(["--pass", "no-qiut", "kept.yaml"])
    assert ended.value.code == 2
    assert "did you mean 'no-quit'?" in capfd.readouterr().err


def test_all_problems_of_a_rule_file(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Each rule's mistake is told, and a rule that can never fire."""
    (folder / "wrong.yaml").write_text(RULES + "- RCTP: 450\n- RCPT: 550\n- MAIL: soon\n")
    assert lint(["wrong.yaml"]) == 1
    out = capfd.readouterr().out.splitlines()
    assert [line.split(": ")[0] for line in out] == [f"wrong.yaml:{line}" for line in (4, 5, 6)]
    assert "can never fire" in out[1]


def test_a_preset_is_no_file(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A preset's name is told from a file that is missing."""
    assert lint(["greylisting"]) == 1
    out = capfd.readouterr().out
    assert out == (
        "greylisting: is no file, but a preset: smtpproxy presets greylisting prints it\n"
    )
    (folder / "greylisting").write_text(RULES)
    assert lint(["greylisting"]) == 0
