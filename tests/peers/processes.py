"""Starting a server on the loopback and ending it: folders, ports, readiness, no leftovers.

Knows that a server greets with 220, and nothing else about any of them.
"""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

HOST = "127.0.0.1"
READY_SECONDS = 15.0
REMOVE_SECONDS = 5.0
POLL_SECONDS = 0.02


def free_port() -> int:
    """A free port, chosen by the system and left in TIME_WAIT.

    While it is there the system gives the port to nobody who asks for any, so that no other
    socket can take it before the server does, which names it (and sets SO_REUSEADDR).
    """
    with socket.create_server((HOST, 0)) as listening:
        port = int(listening.getsockname()[1])
        with socket.create_connection((HOST, port)):
            accepted, _ = listening.accept()
            accepted.close()
    return port


@contextlib.contextmanager
def open_folder() -> Iterator[Path]:
    """A folder of the test's own that an unprivileged mail server can enter (pytest's are 0700)."""
    folder = Path(tempfile.mkdtemp(prefix="smtpproxy-peer-", dir="/tmp"))
    try:
        folder.chmod(0o755)
        yield folder
    finally:
        _remove(folder)


def _remove(folder: Path) -> None:
    """Remove a folder in which the last process of a server may still be writing."""
    deadline = time.monotonic() + REMOVE_SECONDS
    while folder.exists() and time.monotonic() < deadline:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(POLL_SECONDS)
    if folder.exists():
        shutil.rmtree(folder)  # tells what is in the way


def await_greeting(
    port: int,
    log: Path | None = None,
    process: subprocess.Popen[bytes] | None = None,
    preface: bytes = b"",
) -> None:
    """Return once a server greets there; raise if `process` has ended or it takes too long.

    The error shows what `log` has, if there is one. `preface` is what it must hear to greet.
    """
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and (process is None or process.poll() is None):
        with contextlib.suppress(OSError):
            if _greets(port, preface):
                return
        time.sleep(POLL_SECONDS)
    said = log.read_text(errors="replace") if log is not None and log.exists() else ""
    raise AssertionError(f"no greeting on port {port} within {READY_SECONDS} seconds\n{said}")


def _greets(port: int, preface: bytes) -> bool:
    """Whether a server greets there; take leave properly, so that its log has no complaint."""
    address = (HOST, port)
    with (
        socket.create_connection(address, READY_SECONDS) as client,
        client.makefile("rb") as replies,
    ):
        client.sendall(preface)
        greeted = replies.readline().startswith(b"220")
        client.sendall(b"QUIT\r\n")
        replies.readline()
    return greeted


@contextlib.contextmanager
def running(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """Run a server in the foreground, its output in `log`, until the block ends.

    It leads a process group of its own, so that its children are ended with it.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        await_greeting(port, log, process)
        yield
    finally:
        _end_group(process)


def _end_group(leader: subprocess.Popen[bytes]) -> None:
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(leader.pid, sign)
        with contextlib.suppress(subprocess.TimeoutExpired):
            leader.wait(5)
