"""The tool that tries rules: what it prints, what it takes, and that it does nothing else."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from smtpproxy.tools.trying import try_
from tests.cassette.test_trial import HEAD, WHOLE

RULES = """\
smtpproxy-rules: 1
rules:
- name: later
  RCPT b@example.net: "450 4.7.1 Later"
- name: slow
  EHLO: {delay: 5 s}
- name: idle
  HELP: 502
"""
TOLD = """\
session 1
S: 220 mail.example.org ESMTP
C: EHLO app.example.org
   (5 s later, rule slow)
S: 250-mail.example.org
S: 250-STARTTLS
S: 250 SIZE 1000
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.net>
-: 250 2.1.5 Ok
+: 450 4.7.1 Later  (rule later)
C: RCPT TO:<c@example.net>
S: 250 2.1.5 Ok
C: DATA
S: 354 Go on
C: (23 octets of mail data)
S: 250 2.0.0 Ok
C: QUIT
S: 221 2.0.0 Bye

1 session: 1 answer changed, 0 recorded exchanges left out
  later  fired 1 time
  slow   fired 1 time
  idle   never fired
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with rules and a cassette; a socket is an error."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "rules.yaml").write_text(RULES)
    (tmp_path / "signup.yaml").write_text(HEAD + WHOLE)

    def refuse(*args: object, **named: object) -> None:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket, "socket", refuse)
    return tmp_path


def test_the_dialogue_is_printed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Old and new reply stand below each other, with the rule; then what fired and what did not."""
    assert try_(["rules.yaml", "signup.yaml"]) == 0
    assert capsys.readouterr().out == TOLD
    assert {path.name for path in folder.iterdir()} == {"rules.yaml", "signup.yaml"}


def test_it_is_json_too(capsys: pytest.CaptureFixture[str]) -> None:
    """One object has each exchange as it was recorded and as it was heard, and all rules."""
    assert try_(["rules.yaml", "signup.yaml", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    (session,) = told["sessions"]
    changed = [one for one in session["exchanges"] if one["changed"]]
    assert changed == [
        {
            "stage": "RCPT",
            "sent": "RCPT TO:<b@example.net>",
            "recorded": "250 2.1.5 Ok",
            "heard": "450 4.7.1 Later",
            "changed": True,
            "rules": ["later"],
            "delay": 0.0,
            "closed": None,
            "notes": [],
        }
    ]
    assert told["rules"] == [
        {"rule": "later", "fired": 1},
        {"rule": "slow", "fired": 1},
        {"rule": "idle", "fired": 0},
    ]


def test_presets_and_rules_of_the_command_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Rules may be files, presets and texts, in this order."""
    assert try_(["full-mailbox", "signup.yaml", "--rule", "MAIL: {delay: 1 s}", "--plain"]) == 0
    out = capsys.readouterr().out
    assert "+: 552 5.2.2 <b@example.net>: Mailbox full  (rule full mailbox)\n" in out
    assert "   (1 s later, rule MAIL)\n" in out
    assert "   (no recipient is left: the client gives this message up)\n" in out
    assert "   (2 recorded exchanges left out)\n" in out


@pytest.mark.usefixtures("folder")
def test_a_files_own_seed_is_drawn_by(capsys: pytest.CaptureFixture[str]) -> None:
    """What is left to chance is drawn by the file's seed, unless another one is asked for."""
    told = {}
    for seed in range(20):
        rule = "rules:\n- {RCPT: 450, when: {chance: 0.5}}\n"
        Path("chance.yaml").write_text(f"smtpproxy-rules: 1\nseed: {seed}\n{rule}")
        assert try_(["chance.yaml", "signup.yaml"]) == 0
        told[seed] = capsys.readouterr().out
        assert try_(["chance.yaml", "signup.yaml", "--seed", str(seed)]) == 0
        assert capsys.readouterr().out == told[seed]
    assert len(set(told.values())) > 1
    assert try_(["chance.yaml", "signup.yaml", "--seed", "3"]) == 0
    assert capsys.readouterr().out == told[3]


def test_an_answer_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    """Where the client hears nothing any more, that is told, and how."""
    assert try_(["--rule", "MAIL: reset", "signup.yaml"]) == 0
    out = capsys.readouterr().out
    assert "-: 250 2.1.0 Ok\n+: nothing  (rule MAIL)\n" in out
    assert "   (the proxy resets the connection, rule MAIL)\n" in out


def test_octets_that_are_missing_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    """A reply that lacks the end of its line is not the one that was recorded."""
    assert try_(["--rule", "MAIL: {malformed: no-crlf}", "signup.yaml"]) == 0
    assert "-: 250 2.1.0 Ok\n+: 250 2.1.0 Ok  (without CRLF)  (rule MAIL)\n" in (
        capsys.readouterr().out
    )


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected rules, and a cassette"),
        (["signup.yaml"], "expected rules, and a cassette"),
        (["rules.yaml", "missing.yaml"], "missing.yaml: can't be read"),
        (["signup.yaml", "rules.yaml"], "signup.yaml:1: is not a rule file"),
        (["rules.yaml", "rules.yaml"], "rules.yaml:1: is not a cassette"),
        (["rules.yaml", "signup.yaml", "--apart", "soon"], "--apart: expected a time such as"),
        (["rules.yaml", "signup.yaml", "--seed", "x"], "--seed: expected a whole number, got 'x'"),
        (["tarpti", "signup.yaml"], "did you mean 'tarpit'?"),
    ],
)
def test_mistakes_are_told(words: list[str], told: str, capfd: pytest.CaptureFixture[str]) -> None:
    """One line says what was expected, and the status is 2."""
    assert try_(words) == 2
    err = capfd.readouterr().err
    assert told in err
    assert err.count("\n") == 1
