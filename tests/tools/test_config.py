"""`smtpproxy config`: what is in force, and where it came from."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.settings import OPTIONS
from smtpproxy.tools.serve import config


@pytest.fixture(autouse=True)
def no_options(monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment holds no options but those of the test."""
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)


def test_every_option_with_its_origin(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each option is a line: name, value, and the nearest place that gives it."""
    file = tmp_path / "proxy.yaml"
    file.write_text("mode: record\nupstream: mail.example.net\ncassette: a.yaml\n")
    monkeypatch.setenv("SMTPPROXY_UPSTREAM", "mail.example.org")
    monkeypatch.setenv("SMTPPROXY_MODE", "replay")
    assert config(["--config", str(file), "--mode", "once"]) == 0
    shown = [line.split(maxsplit=2) for line in capsys.readouterr().out.splitlines()]
    origins = {name: (value, origin) for name, value, origin in shown}
    assert origins["mode"] == ("once", "command line")
    assert origins["upstream"] == ("mail.example.org", "SMTPPROXY_UPSTREAM")
    assert origins["cassette"] == ("a.yaml", str(file))
    assert origins["listen"] == ("2525", "default")
    assert set(origins) == {option.name for option in OPTIONS}


def test_a_wrong_configuration_is_one_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """What can't be read is told with its place; nothing is printed as if it were in force."""
    file = tmp_path / "proxy.yaml"
    file.write_text("upstream: 'sink:'\nlog-fromat: json\n")
    assert config(["--config", str(file)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert err == (f"smtpproxy: {file}:2: unknown key 'log-fromat'; did you mean 'log-format'?\n")
