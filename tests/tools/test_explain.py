"""`smtpproxy explain`: what a reply means, and what the replies of a log mean."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from smtpproxy.tools.explain import explain


def told(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what is printed, and that it was well."""
    assert explain(list(words)) == 0
    return capsys.readouterr().out


def pasted(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Let this be on standard input."""
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(text.encode())))


def test_one_reply(capsys: pytest.CaptureFixture[str]) -> None:
    """Each answer has a line, with the RFC that says so."""
    out = told(capsys, "550 5.7.26 Unauthenticated email", "--at", "END-OF-DATA")
    code, enhanced, place = out.splitlines()[1:4]
    assert "550 permanent, mail system" in code
    assert "RFC 5321 §4.2.3" in code
    assert "5.7.26 permanent failure, security or policy: Multiple authentication" in enhanced
    assert "RFC 7372" in enhanced
    assert "listed at END-OF-DATA" in place


def test_words_need_no_quotes(capsys: pytest.CaptureFixture[str]) -> None:
    """A reply may be several words of the command line."""
    assert told(capsys, "354", "Go", "on").splitlines()[0] == "354 Go on"


@pytest.mark.parametrize(
    ("words", "place"),
    [
        (("354 Go on", "--at", "data"), "listed at DATA"),
        (("354 Go on", "--at", "rcpt"), "unlisted at RCPT"),
        (("503 No", "--at", "NOOP"), "allowed anywhere at NOOP"),
        (("354 Go on",), "listed for DATA"),
        (("299 What",), "listed for no stage"),
    ],
)
def test_place(capsys: pytest.CaptureFixture[str], words: tuple[str, ...], place: str) -> None:
    """Where a code may stand is told for its stage, or for all of them."""
    line = next(line for line in told(capsys, *words).splitlines() if "place" in line)
    assert line.split(None, 1)[1] == place


def test_a_code_and_its_enhanced_status_code_may_contradict(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """That is said, and neither answer gives way to the other."""
    out = told(capsys, "550 4.2.2 Full")
    assert "550 permanent" in out
    assert (
        "4.2.2 persistent transient failure, mailbox: Mailbox full (RFC 3463); contradicts" in out
    )


def test_a_log(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each reply in it has a line, with the number of its line; other lines have none."""
    pasted(
        monkeypatch,
        "connect from mail.example.net\n"
        "host said: 550 5.1.1 No such user (in reply to RCPT TO command)\n"
        "451 4.7.1 Later\n",
    )
    rows = told(capsys).splitlines()[1:]
    assert [row.split()[:4] for row in rows] == [
        ["2", "RCPT", "550", "5.1.1"],
        ["3", "451", "4.7.1", "transient"],
    ]


def test_json(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    """An object a reply has every answer in a field of its own."""
    pasted(monkeypatch, "550-5.1.1 No\n550 5.1.1 such user\n250 Ok\n")
    first, second = map(json.loads, told(capsys, "--json", "--at", "RCPT").splitlines())
    assert (first["line"], first["code"], first["severity"]) == (2, 550, "permanent")
    assert first["enhanced"]["detail"] == "Bad destination mailbox address"
    assert (first["place"], first["retryable"]) == ("listed", False)
    assert first["text"] == "550 5.1.1 No such user"
    assert (second["enhanced"], second["reason"], second["retryable"]) == (None, None, None)


def test_rules_of_the_user(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """Their reasons come before those of the rules that ship."""
    (tmp_path / "mine.toml").write_text('[rules]\nMine = ["gone fishing"]\n')
    out = told(capsys, "450 gone fishing", "--reasons", str(tmp_path / "mine.toml"))
    assert "Mine, by the rule gone fishing" in out


def test_what_a_server_says_is_shown_not_obeyed(capsys: pytest.CaptureFixture[str]) -> None:
    """Control characters do not reach the terminal."""
    out = told(capsys, "550 \x1b[31mred")
    assert "\x1b[31m" not in out
    assert "\\x1b[31mred" in out


@pytest.mark.parametrize(
    ("words", "status", "problem"),
    [
        (["hello"], 1, "no reply was found"),
        (["550 No", "--at", "RCTP"], 2, "unknown stage 'RCTP'; did you mean 'RCPT'?"),
        (["550 No", "--reasons", "nowhere.toml"], 2, "nowhere.toml: can't be read"),
    ],
)
def test_mistakes(
    capfd: pytest.CaptureFixture[str], words: list[str], status: int, problem: str
) -> None:
    """One line says what is wrong."""
    assert explain(words) == status
    err = capfd.readouterr().err
    assert problem in err
    assert err.count("\n") == 1
