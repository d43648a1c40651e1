"""What `smtpproxy run --mode record` leaves behind when the command, or upstream, fails."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.programs import RUN, call

_SEND = (
    "import os, smtplib\n"
    "client = smtplib.SMTP(os.environ['SMTPPROXY_HOST'], int(os.environ['SMTPPROXY_PORT']))\n"
    "client.noop()\n"
    "client.quit()\n"
)
OLD = "smtpproxy-cassette: 1\n"


def test_a_failed_command_does_not_replace_a_cassette(tmp_path: Path) -> None:
    """The old cassette stays; the new recording lies beside it, and that is said."""
    (tmp_path / "keep.yaml").write_text(OLD)
    command = (sys.executable, "-c", f"{_SEND}raise SystemExit(3)")
    options = ("--upstream", "sink:", "--mode", "record", "--cassette", "keep.yaml", "--")
    ended = call(tmp_path, (*RUN, *options, *command))
    assert ended.status == 3
    assert (tmp_path / "keep.yaml").read_text() == OLD
    assert 'C: "noop"' in (tmp_path / "keep.yaml.partial").read_text()
    assert "keep.yaml stays as it was" in ended.err


def test_upstream_that_is_not_there_is_told_without_a_log(tmp_path: Path) -> None:
    """Standard error names upstream and the reason, and that nothing was recorded."""
    command = (
        sys.executable,
        "-c",
        f"try:\n  {_SEND.replace(chr(10), chr(10) + '  ')}\nexcept Exception: pass",
    )
    options = ("--upstream", "127.0.0.1:1", "--mode", "record", "--cassette", "new.yaml", "--")
    ended = call(tmp_path, (*RUN, *options, *command))
    assert "tcp:127.0.0.1:1: upstream refused the connection" in ended.err
    assert "no command was recorded; new.yaml is not written" in ended.err
    assert not (tmp_path / "new.yaml").exists()
