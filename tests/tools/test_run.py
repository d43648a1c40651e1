"""`smtpproxy run`: the command's surroundings, its end, and whose status is told."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from tests.programs import HOST, RUN, SECONDS, Outcome, call, call_all, environment
from tests.recording import CASSETTE

# Holds a dialogue with the proxy that it finds in its environment.
TALK = """\
import os, smtplib, sys
with smtplib.SMTP(os.environ["SMTPPROXY_HOST"], int(os.environ["SMTPPROXY_PORT"])) as client:
    client.helo("app.example.org")
    client.mail(sys.argv[1])
    client.rcpt("b@example.net")
    client.rset()
raise SystemExit(int(sys.argv[2]))
"""
ENVIRONMENT = """\
import os
print(*(os.environ[name] for name in ("SMTPPROXY_HOST", "SMTPPROXY_PORT", "MAIL", "PORT")))
"""
# Tells that it runs, and then waits for a signal.
WAIT = "import signal\nprint('waits', flush=True)\nsignal.pause()\n"

SINK = ("--upstream", "sink:")
REPLAY = ("--mode", "replay", "--cassette", "kept.yaml")
KNOWN, UNKNOWN = "a@example.org", "stranger@example.com"


def _python(program: str, *words: str) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", program, *words)


def _run_all(folder: Path, calls: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
    (folder / "kept.yaml").write_text(CASSETTE)
    return call_all(folder, {name: (*RUN, *words) for name, words in calls.items()})


def test_whose_status_is_told(tmp_path: Path) -> None:
    """The command's status wins if it is not 0, else the proxy's: 1 after a miss."""
    outcomes = _run_all(
        tmp_path,
        {
            "good": (*REPLAY, *_python(TALK, KNOWN, "0")),
            "its own": (*REPLAY, *_python(TALK, KNOWN, "7")),
            "a miss, though content": (*REPLAY, *_python(TALK, UNKNOWN, "0")),
            "both": (*REPLAY, *_python(TALK, UNKNOWN, "7")),
            "by a signal": (*SINK, "--", "sh", "-c", "kill -9 $$"),
        },
    )
    statuses = {name: outcome.status for name, outcome in outcomes.items()}
    assert statuses == {
        "good": 0,
        "its own": 7,
        "a miss, though content": 1,
        "both": 7,
        "by a signal": 128 + signal.SIGKILL,
    }
    assert "smtpproxy: replay miss 1 " in outcomes["a miss, though content"].err
    assert "miss" not in outcomes["good"].err
    assert {outcome.out for outcome in outcomes.values()} == {""}  # its command says nothing


def test_the_command_is_told_where_the_proxy_is(tmp_path: Path) -> None:
    """Host and port are in SMTPPROXY_HOST and SMTPPROXY_PORT, and wherever --set puts them."""
    told = ("--set", "MAIL=smtp://{host}:{port}/", "--set", "PORT={port}")
    outcome = _run_all(tmp_path, {"told": (*SINK, *told, *_python(ENVIRONMENT))})["told"]
    host, port, url, again = outcome.out.split()
    assert host == HOST
    assert 0 < int(port) < 65536
    assert (url, again) == (f"smtp://{host}:{port}/", port)
    assert outcome.status == 0


def test_the_command_is_not_told_the_proxys_password(tmp_path: Path) -> None:
    """Who logs in to upstream is the proxy: the command gets nothing to log in with."""
    own = {"SMTPPROXY_UPSTREAM_USER": "bob", "SMTPPROXY_UPSTREAM_PASSWORD": "canary"}
    found = "import os\nprint([name for name in os.environ if name.startswith('SMTPPROXY_UP')])\n"
    outcome = call(tmp_path, (*RUN, *SINK, *_python(found)), own)
    assert (outcome.out, outcome.status) == ("[]\n", 0)


def test_a_recording_is_finished_when_the_command_ends(tmp_path: Path) -> None:
    """What the command sent is in the cassette as soon as `run` has ended."""
    recording = ("--mode", "record", "--cassette", "new.yaml")
    calls = {"record": (*SINK, *recording, *_python(TALK, KNOWN, "0"))}
    assert _run_all(tmp_path, calls)["record"].status == 0
    assert f"from:<{KNOWN}>" in (tmp_path / "new.yaml").read_text().lower()


def test_what_can_not_start_runs_no_command(tmp_path: Path) -> None:
    """Where the proxy can't do what is asked, the command is never started."""
    started = ("--", "touch", "started")
    outcomes = _run_all(
        tmp_path,
        {
            "missing cassette": ("--mode", "replay", "--cassette", "missing.yaml", *started),
            "no such address": (*SINK, "--listen", "192.0.2.1:0", "--allow-remote", *started),
        },
    )
    for outcome in outcomes.values():
        assert outcome.status == 2
        assert outcome.err.startswith("smtpproxy: ")
        assert outcome.err.count("\n") == 1
    assert not (tmp_path / "started").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_goes_to_the_command(tmp_path: Path, number: signal.Signals) -> None:
    """Told to end, `run` lets the command end first, and tells how."""
    with subprocess.Popen(
        [*RUN, *SINK, *_python(WAIT)],
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "waits\n"
        running.send_signal(number)
        _, err = running.communicate(timeout=SECONDS)
    # Python ends by KeyboardInterrupt, and so by the signal, after SIGINT.
    assert running.returncode == 128 + number
    assert "smtpproxy: internal error" not in err


def test_a_file_that_is_no_program_is_told_in_one_line(tmp_path: Path) -> None:
    """A command that the system can't execute is told in one line, and nothing waits for it."""
    command = tmp_path / "notes.txt"
    command.write_text("#!/no-such-interpreter\n")
    command.chmod(0o755)
    outcome = _run_all(tmp_path, {"text": (*SINK, "--", "./notes.txt")})["text"]
    ours = [line for line in outcome.err.splitlines() if line.startswith("smtpproxy: ")]
    assert len(ours) == 1, outcome.err
    assert "./notes.txt" in ours[0]
    assert "Traceback" not in outcome.err
    assert outcome.status == 2
