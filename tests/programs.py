"""Starting the project's programs as a user would, and ending them by their id.

Knows how they are called, that a ready file tells where they listen, and that they end with a
status. What is asked of them, and what they should answer, is for the tests.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import IO, NamedTuple

HOST = "127.0.0.1"
SECONDS = 15.0
_POLL_SECONDS = 0.02
_AT_ONCE = 4

BIN = Path(sysconfig.get_path("scripts"))
SMTPPROXY = (str(BIN / "smtpproxy"),)
SERVE = (*SMTPPROXY, "serve")
RUN = (*SMTPPROXY, "run")
TWISTD = (str(BIN / "twistd"), "--pidfile=", "-n", "smtpproxy")


class Outcome(NamedTuple):
    """How a program ended, and all that it said."""

    status: int
    out: str
    err: str


def environment(variables: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process without options of the proxy, and with `variables`."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("SMTPPROXY_")}
    return own | {"COLUMNS": "100"} | dict(variables or {})


def call(folder: Path, words: Sequence[str], variables: Mapping[str, str] | None = None) -> Outcome:
    """Run a program in `folder` to its end; one that does not come to an end is told to."""
    with subprocess.Popen(
        words,
        cwd=folder,
        env=environment(variables),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
    return Outcome(process.returncode, out, err)


def call_all(folder: Path, calls: Mapping[str, Sequence[str]]) -> dict[str, Outcome]:
    """Run programs in `folder` to their ends, a few at a time."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        outcomes = pool.map(lambda words: call(folder, words), calls.values())
        return dict(zip(calls, outcomes, strict=True))


class Program:
    """A proxy that runs, with what it has said so far."""

    def __init__(self, folder: Path, words: Sequence[str]) -> None:
        self._out, self._err = folder / "program.out", folder / "program.err"
        self._ready = folder / "ready"
        with self._out.open("wb") as out, self._err.open("wb") as err:
            self._process = self._start(folder, words, out, err)

    def _start(
        self, folder: Path, words: Sequence[str], out: IO[bytes], err: IO[bytes]
    ) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            (*words, "--listen", "0", "--ready-file", self._ready.name),
            cwd=folder,
            env=environment(),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
        )

    @property
    def pid(self) -> int:
        """Its process."""
        return self._process.pid

    @property
    def place(self) -> str:
        """What the ready file says."""
        return self._ready.read_text()

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.place.rpartition(":")[2])

    @property
    def err(self) -> str:
        """What it has written to standard error so far."""
        return self._err.read_text()

    def await_ready(self) -> None:
        """Wait until it listens."""
        self._until(self._ready.exists, "is not ready")

    def await_err(self, text: str) -> None:
        """Wait until it has written this to standard error."""
        self._until(lambda: text in self.err, f"did not say {text!r}")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self._process.send_signal(number)

    def end(self, number: signal.Signals = signal.SIGTERM) -> Outcome:
        """End it by a signal."""
        self.send(number)
        return self.ended()

    def ended(self) -> Outcome:
        """Wait until it has ended."""
        status = self._process.wait(SECONDS)
        return Outcome(status, self._out.read_text(), self.err)

    def kill(self) -> None:
        """Let it not outlive its test."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait(SECONDS)

    def _until(self, happened: Callable[[], bool], problem: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not happened():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(f"the program {problem}; it said: {self.err}")
            time.sleep(_POLL_SECONDS)


@contextmanager
def serving(folder: Path, *options: str, program: Sequence[str] = SERVE) -> Iterator[Program]:
    """Run a proxy on a free port in `folder`, which it has to itself, until the block ends."""
    running = Program(folder, (*program, *options))
    try:
        running.await_ready()
        yield running
    finally:
        running.kill()
