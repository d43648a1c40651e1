"""The tool that lists presets, and prints one to copy from."""

from __future__ import annotations

import pytest

from smtpproxy.rules.presets import preset_names, preset_text
from smtpproxy.tools.presets import presets


def test_they_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    """Each is a line: its name, and what it is."""
    assert presets([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(preset_names())
    assert all(line.endswith(".") for line in lines)


def test_one_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is the file, comments and all."""
    assert presets(["tarpit"]) == 0
    assert capsys.readouterr().out == preset_text("tarpit")


def test_an_unknown_one_is_told(capfd: pytest.CaptureFixture[str]) -> None:
    """One line has the nearest right word."""
    assert presets(["tarpti"]) == 2
    assert capfd.readouterr().err == (
        "smtpproxy: unknown preset 'tarpti'; did you mean 'tarpit'?\n"
    )
