"""Processes: start one, wait until it takes connections, end it. Each is ended by its own id."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/local/sbin", "/opt/homebrew/sbin")
START_LIMIT = 30.0
END_LIMIT = 60.0


class Trouble(Exception):
    """What went wrong, in one line that a person can act on."""


def found(program: str) -> str:
    """The path of a program, or "": beside this Python, on PATH, or where Debian keeps daemons."""
    places = [str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath), *PLACES]
    return shutil.which(program, path=os.pathsep.join(places)) or ""


def free_port() -> int:
    """A loopback port that nobody listens on, for programs that can't say which they took."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
    return port


class Process:
    """One running program, and the file that keeps what it said."""

    def __init__(self, name: str, command: Sequence[str], said: Path) -> None:
        self.name, self.said = name, said
        own = {k: v for k, v in os.environ.items() if not k.startswith("SMTPPROXY_")}
        with said.open("wb") as out:
            self.popen = subprocess.Popen(
                command, cwd=ROOT, env=own, stdin=subprocess.DEVNULL, stdout=out, stderr=out
            )

    def check_running(self) -> None:
        """Raise Trouble, with its last words, if it has ended by itself."""
        ended = self.popen.poll()
        if ended is not None:
            raise Trouble(f"{self.name} ended with {ended}: {self.last_words()}")

    def last_words(self) -> str:
        """The last line that it wrote."""
        lines = self.said.read_text(errors="replace").strip().splitlines()
        return lines[-1] if lines else "it said nothing"

    def end(self) -> int:
        """SIGTERM, then SIGKILL for one that stays; return its exit status."""
        self.popen.terminate()
        try:
            return self.popen.wait(END_LIMIT)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            self.popen.wait()
            raise Trouble(f"{self.name} did not end within {END_LIMIT:.0f} s") from None

    def announced(self, ready_file: Path) -> int:
        """The port in its ready file, as soon as there is one."""
        for _ in self._waiting():
            if ready_file.exists():
                return int(ready_file.read_text().strip().rpartition(":")[2])
        raise AssertionError("waiting ends by an exception")

    def greeting(self, port: int) -> int:
        """The same port, as soon as a greeting comes back from it."""
        for _ in self._waiting():
            if greets(port):
                return port
        raise AssertionError("waiting ends by an exception")

    def listening(self, port: int) -> None:
        """Return as soon as a connection is taken there, whatever is to be said on it."""
        for _ in self._waiting():
            with socket.socket() as caller:
                if caller.connect_ex(("127.0.0.1", port)) == 0:
                    return

    def _waiting(self) -> Iterator[None]:
        until = time.monotonic() + START_LIMIT
        while time.monotonic() < until:
            yield
            self.check_running()
            time.sleep(0.01)
        raise Trouble(f"{self.name} took no connection within {START_LIMIT:.0f} s")


@contextmanager
def running(name: str, command: Sequence[str], said: Path) -> Iterator[Process]:
    """A process that is gone at the end of the block, whatever happens in it."""
    process = Process(name, command, said)
    try:
        yield process
    finally:
        if process.popen.poll() is None:
            process.end()


def greets(port: int) -> bool:
    """Whether an SMTP server answers there; the session is ended with QUIT."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as session:
            greeted = session.recv(4096).startswith(b"220")
            session.sendall(b"QUIT\r\n")
            while session.recv(4096):
                pass
            return greeted
    except OSError:
        return False
