"""`smtpproxy codes`: the registry, as a table."""

from __future__ import annotations

import json
import re

import pytest

from smtpproxy.tools.codes import codes

# RFC 5321 §4.3.2: what RCPT may be answered with, beside what may come anywhere.
RCPT_CODES = {250, 251, 450, 451, 452, 455, 550, 551, 552, 553, 503, 555}


def _listed(capsys: pytest.CaptureFixture[str]) -> set[int]:
    out = capsys.readouterr().out
    return {int(code) for code in re.findall(r"^\W*(\d{3})\b", out, re.MULTILINE)}


def test_all_codes(capsys: pytest.CaptureFixture[str]) -> None:
    """Without a word, every code of RFC 5321 §4.2.3 is there."""
    assert codes([]) == 0
    rfc_5321 = {211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455}
    rfc_5321 |= {500, 501, 502, 503, 504, 550, 551, 552, 553, 554, 555}
    assert rfc_5321 <= _listed(capsys)


def test_one_code(capsys: pytest.CaptureFixture[str]) -> None:
    """A code alone shows that code, what it means and where it is listed."""
    assert codes(["452"]) == 0
    out = capsys.readouterr().out
    assert "transient" in out
    assert "insufficient system storage" in out
    assert "RCPT" in out
    assert "550" not in out


@pytest.mark.parametrize("words", [["--command", "RCPT"], ["-c", "rcpt"]])
def test_the_codes_of_a_command(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    """A command, in any case, shows the codes that are listed for it and no others."""
    assert codes(words) == 0
    listed = _listed(capsys)
    assert listed >= RCPT_CODES
    assert not listed & {354, 334, 235, 221}


def test_the_misspelt_verb_of_the_table_is_known(capsys: pytest.CaptureFixture[str]) -> None:
    """VERFY is VRFY: RFC 5321 §3.5.3 lists 252 for it."""
    assert codes(["--command", "VERFY"]) == 0
    assert 252 in _listed(capsys)


def test_a_code_that_the_command_does_not_have(capsys: pytest.CaptureFixture[str]) -> None:
    """Code and command narrow one another."""
    assert codes(["354", "--command", "RCPT"]) == 1
    assert _listed(capsys) == set()


def test_words_are_looked_for_in_meanings(capsys: pytest.CaptureFixture[str]) -> None:
    """All words must be there, in any case; both registries are searched."""
    assert codes(["Mailbox", "full"]) == 0
    out = capsys.readouterr().out
    assert "X.2.2" in out
    assert "X.1.1" not in out
    assert codes(["reversing"]) == 0
    assert _listed(capsys) == {250}  # ATRN's


@pytest.mark.parametrize("word", ["5.7.26", "x.7.26", "4.7.26"])
def test_an_enhanced_status_code(capsys: pytest.CaptureFixture[str], word: str) -> None:
    """Its class does not matter: X.7.26 is of RFC 7372."""
    assert codes([word]) == 0
    out = capsys.readouterr().out
    assert "X.7.26" in out
    assert "RFC 7372" in out


@pytest.mark.parametrize("word", ["5.7.99", "458x", "999"])
def test_what_is_in_no_registry(capfd: pytest.CaptureFixture[str], word: str) -> None:
    """A code that nobody defined is said to be just that; other words are not found."""
    status = codes([word])
    out, err = capfd.readouterr()
    assert status == (1 if word == "458x" else 2)
    assert err.count("\n") == 1
    assert out == ""


def test_everything_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    """A program can read all that the registry has."""
    assert codes(["--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    by_code = {one["code"]: one for one in told["codes"]}
    assert by_code[530]["source"].startswith("RFC 4954")
    assert by_code[200]["source"].startswith("nonstandard")
    assert by_code[452]["stages"]["RCPT"] == {
        "meaning": "Requested action not taken: insufficient system storage",
        "enhanced": "4.3.1",
    }
    assert by_code[421]["anywhere"]
    assert told["enhanced"] == []


@pytest.mark.parametrize(
    ("words", "status", "problem"),
    [
        (["nosuchword"], 1, "no code fits 'nosuchword'"),
        (["221", "-c", "RCPT"], 1, "no code listed for RCPT fits '221'"),
        (["5.1.1", "-c", "RCPT"], 2, "leave --command out"),
    ],
)
def test_nothing_found_is_said(
    capfd: pytest.CaptureFixture[str], words: list[str], status: int, problem: str
) -> None:
    """An empty table would not say why."""
    assert codes(words) == status
    assert problem in capfd.readouterr().err
