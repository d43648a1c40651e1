"""What is long goes to the user's pager, on a terminal and nowhere else."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from smtpproxy.tools.paging import console_on
from tests.programs import environment
from tests.recording import CASSETTE

SHOW = [sys.executable, "-m", "smtpproxy", "show", "kept.yaml"]


def on_a_terminal(folder: Path, words: list[str], variables: dict[str, str]) -> str:
    """Run a program whose standard output is a terminal; return what it printed there."""
    master, slave = pty.openpty()
    known = environment() | {"TERM": "xterm", **variables}
    process = subprocess.Popen(
        words, cwd=folder, stdin=slave, stdout=slave, stderr=slave, env=known
    )
    os.close(slave)
    printed = b""
    try:
        while piece := os.read(master, 65536):
            printed += piece
    except OSError:
        pass  # the terminal is closed with its last user
    finally:
        os.close(master)
    assert process.wait(15) == 0
    return printed.decode()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a cassette, and a pager that marks what it is given."""
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    (tmp_path / "pager").write_text('#!/bin/sh\necho "paged LESS=$LESS $1"\ncat\n')
    (tmp_path / "pager").chmod(0o755)
    return tmp_path


def test_a_terminal_is_paged_and_coloured(folder: Path) -> None:
    """PAGER is called with its words, LESS is as git sets it, and what it shows has colours."""
    printed = on_a_terminal(folder, SHOW, {"PAGER": "./pager -x"})
    assert "paged LESS=FRX -x" in printed
    assert "\x1b[" in printed
    assert "mail.example.org ESMTP" in printed


def test_the_users_less_is_not_touched(folder: Path) -> None:
    """Who has set LESS keeps it."""
    assert "LESS=S" in on_a_terminal(folder, SHOW, {"PAGER": "./pager", "LESS": "S"})


@pytest.mark.parametrize("pager", ["", "cat", "no-such-pager"])
def test_no_pager(folder: Path, pager: str) -> None:
    """None is started where none is wanted, or none is there; all is printed all the same."""
    printed = on_a_terminal(folder, SHOW, {"PAGER": pager})
    assert "paged" not in printed
    assert "221 2.0.0 Bye" in printed


def test_plain_is_plain(folder: Path) -> None:
    """With --plain there is no pager and no escape sequence, on a terminal too."""
    printed = on_a_terminal(folder, [*SHOW, "--plain"], {"PAGER": "./pager"})
    assert "paged" not in printed
    assert "\x1b" not in printed
    assert "221 2.0.0 Bye" in printed


def test_who_leaves_the_pager_early_is_not_told_off(folder: Path) -> None:
    """A pager that reads nothing is no error."""
    (folder / "pager").write_text("#!/bin/sh\nexit 0\n")
    long = CASSETTE.replace('- C: "QUIT"', '- C: "NOOP"\n  S: "250 Ok"\n' * 20000 + '- C: "QUIT"')
    (folder / "kept.yaml").write_text(long)
    assert on_a_terminal(folder, SHOW, {"PAGER": "./pager"}) == ""


def test_a_pipe_is_not_paged(folder: Path) -> None:
    """What goes to a file or another program is neither paged nor coloured."""
    known = environment({"PAGER": "./pager"})
    ran = subprocess.run(SHOW, cwd=folder, env=known, capture_output=True, text=True, timeout=15)
    assert ran.returncode == 0
    assert "paged" not in ran.stdout
    assert "\x1b" not in ran.stdout


def test_lines_are_not_wrapped(capsys: pytest.CaptureFixture[str]) -> None:
    """A long line is the pager's affair, or the terminal's."""
    console_on(sys.stdout, plain=True).print("x " * 500)
    assert capsys.readouterr().out.count("\n") == 1
