"""Recordings of the program that are cut short: by kill -9, by another, or by a full disk."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from tests.programs import SECONDS, SERVE, SMTPPROXY, Program, call, serving
from tests.recording import DELIVERY
from tests.talk import Client, converse

RECORD = ("--upstream", "sink:", "--mode", "record", "--cassette", "kept.yaml")
OLD = "smtpproxy-cassette: 1\n---\nsession: old\ndialogue: []\n"
_LIMITED = (
    "import os, resource, sys\n"
    "resource.setrlimit(resource.RLIMIT_FSIZE, (32768, 32768))\n"
    "os.execvp(sys.argv[1], sys.argv[1:])\n"
)
#: The program with files that may not grow.
LIMITED = (sys.executable, "-c", _LIMITED, *SERVE)
LARGE = DELIVERY.replace("C: Hi.\n", f"C: {'x' * 900}\n" * 60)


def ends(path: Path) -> list[tuple[str, str]]:
    """Return label and end of each session."""
    return [(session.label, session.ended) for session in load_cassette(path).sessions]


def kill(folder: Path, proxy: Program, sessions: int) -> None:
    """Let it die by SIGKILL once so many sessions are over, with no place told any more."""
    deadline = time.monotonic() + SECONDS
    while (folder / "kept.yaml.partial").read_bytes().count(b"\nended: quit\n") < sessions:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    proxy.kill()
    (folder / "ready").unlink()


def test_killed_and_recovered(tmp_path: Path) -> None:
    """Finished sessions are there after kill -9; they are replayed, shown, and made a cassette."""
    with serving(tmp_path, *RECORD, "--log", "none") as proxy:
        for _ in range(2):
            converse(proxy.port, DELIVERY)
        with Client(proxy.port) as still_open:
            still_open.play("S: 220 ...")
            kill(tmp_path, proxy, sessions=2)
    assert not (tmp_path / "kept.yaml").exists()
    replay = ("--mode", "replay", "--cassette", "kept.yaml", "--log", "none")
    with serving(tmp_path, *replay) as proxy:
        proxy.await_err("kept.yaml.partial is an unfinished recording: 2 sessions")
        converse(proxy.port, DELIVERY)
        assert proxy.end().status == 0
    shown = call(tmp_path, (*SMTPPROXY, "show", "kept.yaml"))
    assert (shown.status, shown.out.count("C: QUIT")) == (0, 2)
    recovered = call(tmp_path, (*SMTPPROXY, "recover", "kept.yaml"))
    assert recovered == (0, "kept.yaml: 2 sessions\n", "")
    assert ends(tmp_path / "kept.yaml") == [("1", "quit"), ("2", "quit")]


def test_once_with_a_recording_that_did_not_end(tmp_path: Path) -> None:
    """It records anew; the old recording is kept under another name, which is said."""
    once = tuple("once" if word == "record" else word for word in RECORD)
    with serving(tmp_path, *once, "--log", "none") as proxy:
        converse(proxy.port, DELIVERY)
        kill(tmp_path, proxy, sessions=1)
    with serving(tmp_path, *once, "--log", "none") as proxy:
        converse(proxy.port, DELIVERY)
        outcome = proxy.end()
    assert "it is kept as kept.yaml.partial.1" in outcome.err
    assert ends(tmp_path / "kept.yaml") == [("1", "quit")]
    assert not (tmp_path / "kept.yaml.partial").exists()
    assert call(tmp_path, (*SMTPPROXY, "lint", "kept.yaml.partial.1")).status == 0


def test_a_second_recorder_fails_at_the_start(tmp_path: Path) -> None:
    """One line and status 2; the first goes on as if nothing had been."""
    with serving(tmp_path, *RECORD, "--log", "none") as proxy:
        second = call(tmp_path, (*SERVE, *RECORD, "--listen", "0"))
        converse(proxy.port, DELIVERY)
        first = proxy.end()
    (line,) = second.err.splitlines()
    assert line == "smtpproxy: kept.yaml can't be used: another process is recording to it"
    assert (first.status, second.status) == (0, 2)
    assert ends(tmp_path / "kept.yaml") == [("1", "quit")]


def test_told_to_end_it_finishes_the_cassette(tmp_path: Path) -> None:
    """On SIGTERM, sessions that are still open end as `shutdown`, and stand in the cassette."""
    with serving(tmp_path, *RECORD, "--log", "none") as proxy:
        converse(proxy.port, DELIVERY)
        with Client(proxy.port) as still_open:
            still_open.play("S: 220 ...\nC: NOOP\nS: 250 ...")
            assert proxy.end().status == 0
    assert ends(tmp_path / "kept.yaml") == [("1", "quit"), ("2", "shutdown")]


def _facts(folder: Path) -> list[tuple[str, str]]:
    lines = (folder / "log").read_text().splitlines()
    return [(fact["fact"], fact["detail"]) for fact in map(json.loads, lines) if "fact" in fact]


def test_what_can_not_be_written_is_said_and_mail_goes_on(tmp_path: Path) -> None:
    """Where files may not grow: one line, a fact in the log, status 1, and the old cassette."""
    (tmp_path / "kept.yaml").write_text(OLD)
    log = ("--log", "log", "--log-format", "json")
    with serving(tmp_path, *RECORD, *log, program=LIMITED) as proxy:
        converse(proxy.port, DELIVERY)
        converse(proxy.port, LARGE)
        converse(proxy.port, LARGE)
        converse(proxy.port, DELIVERY)
        outcome = proxy.end()
    assert outcome.status == 1
    failed = [line for line in outcome.err.splitlines() if line.startswith("smtpproxy: ")]
    assert failed == [
        "smtpproxy: recording to kept.yaml failed: File too large",
        "smtpproxy: the recording is incomplete; it lies in kept.yaml.partial",
    ]
    assert _facts(tmp_path) == [
        ("ended", "quit"),
        ("recording-failed", "File too large"),
        ("ended", "quit"),
        ("recording-failed", "File too large"),
        ("ended", "quit"),
        ("ended", "quit"),
    ]
    assert (tmp_path / "kept.yaml").read_text() == OLD
    recovered = call(tmp_path, (*SMTPPROXY, "recover", "--replace", "kept.yaml"))
    assert recovered.out == "kept.yaml: 2 sessions\n"
    assert ends(tmp_path / "kept.yaml") == [("1", "quit"), ("4", "quit")]


def test_new_sessions_are_refused_where_that_is_asked_for(tmp_path: Path) -> None:
    """By --on-recording-error refuse they are told 421, once something was lost."""
    refuse = (*RECORD, "--log", "none", "--on-recording-error", "refuse")
    with serving(tmp_path, *refuse, program=LIMITED) as proxy:
        converse(proxy.port, LARGE)
        proxy.await_err("recording to kept.yaml failed")
        with Client(proxy.port) as refused:
            refused.play("S: 421 4.3.0 ...")
            refused.hears_the_end()
        assert proxy.end().status == 1


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 KiB."""
    folder = tmp_path / "small"
    folder.mkdir()
    mount = ("mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", str(folder))
    if os.name != "posix" or subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("no file system of a test's own can be mounted here")
    try:
        yield folder
    finally:
        subprocess.run(("umount", str(folder)), check=True)


def test_a_disk_that_is_full(small: Path, tmp_path: Path) -> None:
    """What was there stays, what fitted in is kept, and once there is room it goes on."""
    (small / "kept.yaml").write_text(OLD)
    filler = small / "filler"
    words = tuple("small/kept.yaml" if word == "kept.yaml" else word for word in RECORD)
    with serving(tmp_path, *words, "--log", "none") as proxy:
        converse(proxy.port, DELIVERY)
        with filler.open("wb", buffering=0) as file, pytest.raises(OSError, match="No space"):
            while True:
                file.write(b"x" * 4096)
        for _ in range(12):
            converse(proxy.port, DELIVERY)
        filler.unlink()
        converse(proxy.port, DELIVERY)
        outcome = proxy.end(signal.SIGTERM)
    assert outcome.status == 1
    assert outcome.err.count("recording to small/kept.yaml failed: No space left on device") == 1
    assert (small / "kept.yaml").read_text() == OLD
    recovered = call(tmp_path, (*SMTPPROXY, "recover", "--replace", "small/kept.yaml"))
    assert recovered.status == 0
    labels = [int(label) for label, _ in ends(small / "kept.yaml")]
    assert labels == sorted(labels)
    assert (labels[0], labels[-1]) == (1, 14)
    assert len(labels) < 14
