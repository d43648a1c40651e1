"""What the tool prints of rules: a sentence each, for a terminal or for a pipe."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.presets import load_preset, preset_names
from smtpproxy.tools.explainrules import _lines, explain_rules

FILE = "smtpproxy-rules: 1\nrules:\n- {name: one, RCPT: 450 4.7.1 Later}\n- MAIL: 550 No\n"


def test_each_rule_is_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Where it is no terminal, each rule is one line, behind its name, in the order of the file."""
    file = tmp_path / "rules.yaml"
    file.write_text(FILE)
    assert explain_rules([str(file), "--rule", "DATA: {delay: 2 s}"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "one: at RCPT, the client hears 450 4.7.1 Later; upstream is not asked.",
        "MAIL: at MAIL, the client hears 550 No; upstream is not asked.",
        "DATA: at DATA, the reply comes 2 s later.",
    ]


def test_a_preset_is_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """A preset is named like a file."""
    assert explain_rules(["full-mailbox"]) == 0
    assert capsys.readouterr().out.startswith("full mailbox: at RCPT, the client hears 552 5.2.2 ")


def test_a_terminal_has_colours_and_an_indent() -> None:
    """On a terminal the name is bold, the reply has its colour, and further lines are indented."""
    console = Console(width=40, force_terminal=True, color_system="standard", highlight=False)
    lines = _lines(parse_rule("RCPT *@example.net: 450 4.7.1 Come again later"), console)
    assert len(lines) > 2
    assert all(line.plain.startswith("    ") for line in lines[1:])
    assert all(len(line.plain.rstrip()) <= 40 for line in lines)
    styles = {
        line.plain[span.start : span.end]: span.style for line in lines for span in line.spans
    }
    assert styles["RCPT *@example.net:"] == "bold"
    assert styles["450 4.7.1"] == "yellow"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "expected a rule file, a preset, or --rule TEXT"),
        (["greylistin"], "greylistin: is neither a file nor a preset; did you mean 'greylisting'?"),
        (["missing.yaml"], "missing.yaml: can't be read: No such file or directory"),
        (["--rule", "RCTP: 450"], "did you mean 'RCPT'?"),
    ],
)
def test_what_is_no_rule_is_told(
    words: list[str], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line says what was expected, and the status is 2."""
    assert explain_rules(words) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert told in err
    assert err.count("\n") == 1


def test_all_presets_that_load_are_explained(capsys: pytest.CaptureFixture[str]) -> None:
    """Each rule of a preset has a sentence."""
    for name in ("full-mailbox", "silent-loss", "starttls-stripping", "tarpit"):
        assert name in preset_names()
        assert explain_rules([name]) == 0
        assert len(capsys.readouterr().out.splitlines()) == len(load_preset(name).rules)
