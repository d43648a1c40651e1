"""Recordings that are killed, and what is left of them: `python -m tests.cassette.killing`.

A child records, and tells through a pipe what it has finished. It dies at the N-th thing that the
writer asks the system for, for every N; or by SIGKILL, at a random moment. Then nothing that was
told may be lost, and everything must be readable.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import random
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.names import partial_of
from smtpproxy.cassette.partial import extent_of, load_unfinished
from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.recovery import recover
from smtpproxy.cassette.spool import LARGE, folder_of
from smtpproxy.cassette.store import CassetteFile, load_cassette
from smtpproxy.smtp.facts import MailData
from tests.cassette import synthetic

#: All by which the writer changes what is on the disk.
CALLS = ("open", "write", "fsync", "ftruncate", "replace", "rename", "unlink", "mkdir", "rmdir")
RECORDED = "2026-11-23T12:00:00Z"
OLD = "smtpproxy-cassette: 1\nupstream: run-0\n---\nsession: old\ndialogue: []\n"
EARLIER = f"{OLD}timing-ms: []\n".replace("old", "earlier")
LABELS = ["2", "1", "3", "5", "6"]  # in the order in which they end; 4 never does
_BODY = b"..dots\r\n" * (LARGE // 4)
_DEAD = 9

Tell = Callable[[str], None]


def record(path: Path, run: int, tell: Tell) -> None:
    """Record a run: small and large messages, a long session, and one that is still open."""
    file = CassetteFile(path, f"run-{run}", RECORDED)
    recorder = Recorder(file, lambda problem: tell(f"problem {problem}"))
    tell(f"begun {run}")
    first, second = (synthetic.begin(recorder, number) for number in (1, 2))
    synthetic.send(recorder, second)
    synthetic.end(recorder, second)
    tell("session 2")
    synthetic.send(recorder, first, b"run %d\r\n%b.\r\n" % (run, _BODY))
    synthetic.end(recorder, first)
    tell("session 1")
    long = synthetic.begin(recorder, 3)
    for _ in range(20):
        synthetic.send(recorder, long)
    synthetic.end(recorder, long)
    tell("session 3")
    still_open = synthetic.begin(recorder, 4)
    recorder.mail_data(still_open, MailData(_BODY, last=False))
    last = synthetic.begin(recorder, 5)
    synthetic.end(recorder, last)
    tell("session 5")
    lingering = synthetic.begin(recorder, 6)
    synthetic.send(recorder, lingering)
    synthetic.take_leave(recorder, lingering)
    tell("session 6")
    recorder.finish()
    tell(f"done {run}")


# Dying.


def die_at(number: int, half: bool) -> None:
    """Let this process end at the N-th call; `half`: a write is half done by then."""
    calls = itertools.count(1)

    def deadly(name: str) -> Callable[..., Any]:
        real: Callable[..., Any] = getattr(os, name)

        def call(*arguments: Any, **options: Any) -> Any:
            if next(calls) == number:
                if half and name == "write":
                    real(arguments[0], bytes(arguments[1])[: len(arguments[1]) // 2])
                os._exit(_DEAD)
            return real(*arguments, **options)

        return call

    for name in CALLS:
        setattr(os, name, deadly(name))


def child(act: Callable[[Tell], None]) -> tuple[int, int]:
    """Let a child act; return its process and what it tells through."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    real = os.write
    try:
        act(_teller(real, writing))
        os._exit(0)
    except BaseException as error:
        real(2, f"{error!r}\n".encode())
        os._exit(1)


def _teller(write: Callable[[int, bytes], int], writing: int) -> Tell:
    def tell(words: str) -> None:
        write(writing, f"{words}\n".encode())

    return tell


def at_each_call(root: Path, again: bool, half: bool) -> int:
    """Kill a recording at every call, and look at what is left; return how many there are."""
    for number in itertools.count(1):
        path = prepared(root / f"{again:d}{half:d}-{number}", again)

        def act(tell: Tell, path: Path = path, number: int = number) -> None:
            die_at(number, half)
            record(path, 1, tell)

        pid, reading = child(act)
        words = _rest(reading).decode().splitlines()
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        assert status in (0, _DEAD), words
        examine(path, words, again)
        if status == 0:
            return number - 1
    raise AssertionError


def at_random(root: Path, draw: random.Random, seconds: float) -> None:
    """Kill recordings that follow one another, at a random moment, and look at what is left."""
    path = prepared(root, again=draw.random() < 0.5)
    again = path.exists()

    def act(tell: Tell) -> None:
        for run in itertools.count(1):
            record(path, run, tell)

    pid, reading = child(act)
    time.sleep(draw.uniform(0, seconds))
    os.kill(pid, signal.SIGKILL)
    words = _rest(reading).decode().splitlines()
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status == -signal.SIGKILL, words
    examine(path, words, again)


def _rest(reading: int) -> bytes:
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read()


def prepared(folder: Path, again: bool) -> Path:
    """Return where the cassette goes; `again`: there is one, with remains of an earlier run."""
    folder.mkdir(parents=True)
    path = folder / "signup.yaml"
    if again:
        path.write_text(OLD)
        partial_of(path).write_text(EARLIER)
        folder_of(path).mkdir()
        (folder_of(path) / f"partial.yaml-{'0' * 16}.tmp").write_bytes(b"stale")
    return path


# What is left.


def examine(path: Path, words: list[str], again: bool) -> None:
    """Make sure that no finished session is lost, and that all can be read and gone on with."""
    assert not [word for word in words if word.startswith("problem")], words
    runs, sessions, done = _runs(words)
    there = dict(_there(path))
    if again and 0 in there:
        assert there.pop(0) in (["old"], ["earlier"], ["old", "earlier"])
    for labels in there.values():
        assert labels == LABELS[: len(labels)], (words, there)
    if sessions and not done:
        assert there[runs[-1]][: len(sessions)] == sessions, (words, there)
    if path.exists():
        number = int(load_cassette(path).upstream.removeprefix("run-"))
        assert number >= max([0, *runs[: None if done else -1]])
        assert number == 0 or there[number] == LABELS
    else:
        assert not again
        assert not done
    if again:
        kept = [one for file in _partials(path) for one in _labels(_unfinished(file))]
        assert "earlier" in kept, words
    _go_on(path)


def _go_on(path: Path) -> None:
    """Recover, and begin to record again: nothing is in the way."""
    partial = partial_of(path)
    if partial.exists():
        labels = _labels(_unfinished(partial))
        extent = recover(path, replace=True)
        assert extent.sessions == len(labels)
        if labels:
            assert _labels(load_cassette(path)) == labels
            assert not partial.exists()
    CassetteFile(path, "run-9", RECORDED).discard()
    assert not partial.exists()
    assert list(folder_of(path).glob("partial*")) == []


def _runs(words: list[str]) -> tuple[list[int], list[str], bool]:
    """Return what was told: runs, the sessions of the last that were finished, and was it done."""
    runs = [int(word.split()[1]) for word in words if word.startswith("begun")]
    begun = max((at for at, word in enumerate(words) if word.startswith("begun")), default=0)
    sessions = [word.split()[1] for word in words[begun:] if word.startswith("session")]
    return runs, sessions, bool(words) and words[-1].startswith("done")


def _there(path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield each run of which something is there, and its sessions; their messages are whole."""
    found = [load_cassette(path)] if path.exists() else []
    for cassette in found + [_unfinished(file) for file in _partials(path)]:
        for one in (one for session in cassette.sessions for one in session.dialogue):
            if one.kept is not None and one.kept.file:
                octets = (folder_of(path) / one.kept.file).read_bytes()
                assert hashlib.sha256(octets).hexdigest() == one.kept.file.removesuffix(".eml")
        if cassette.upstream:
            yield int(cassette.upstream.removeprefix("run-")), _labels(cassette)


def _partials(path: Path) -> list[Path]:
    return list(path.parent.glob(f"{path.name}.partial*"))


def _unfinished(partial: Path) -> Cassette:
    with partial.open("rb") as file:
        extent = extent_of(file)
    return load_unfinished(partial, _hear) if extent.sessions else Cassette(str(partial))


def _hear(words: str) -> None:
    """Nobody is told."""


def _labels(cassette: Cassette) -> list[str]:
    return [session.label for session in cassette.sessions]


def main() -> None:
    """Kill, and say how often; an AssertionError tells what was lost."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=1000)
    parser.add_argument("--most-seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6))
    given = parser.parse_args()
    draw, until = random.Random(given.seed), time.monotonic() + given.most_seconds
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        each = [
            at_each_call(root, again, half) for again in (False, True) for half in (False, True)
        ]
        print(f"killed at each of {' + '.join(map(str, each))} calls: nothing is lost", flush=True)
        began = time.monotonic()
        record(prepared(root / "whole", again=False), 1, _hear)
        seconds = 3 * (time.monotonic() - began)
        times = 0
        while times < given.times and time.monotonic() < until:
            times += 1
            at_random(root / "random", draw, seconds)
            shutil.rmtree(root / "random")
        print(f"killed at {times} random moments (seed {given.seed}): nothing is lost")


if __name__ == "__main__":
    main()
