"""`smtpproxy codes`: the registry, as a table."""

from __future__ import annotations

import re

import pytest

from smtpproxy.tools.codes import codes

# RFC 5321 §4.3.2: what RCPT may be answered with, beside what may come anywhere.
RCPT_CODES = {250, 251, 450, 451, 452, 455, 550, 551, 552, 553, 503, 555}


def _listed(capsys: pytest.CaptureFixture[str]) -> set[int]:
    out = capsys.readouterr().out
    return {int(code) for code in re.findall(r"^\W+(\d{3})\b", out, re.MULTILINE)}


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
    assert "insufficient system storage" in " ".join(re.sub(r"[^\w ]", " ", out).split())
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
    assert codes(["354", "--command", "RCPT"]) == 0
    assert _listed(capsys) == set()
