"""The load: what Postfix's smtp-source sends, and how long it took. It knows no subject."""

import subprocess
import time
from dataclasses import dataclass

from bench.processes import ROOT, Trouble, found

LIMIT = 180.0
"""Seconds after which one smtp-source is given up."""


@dataclass(frozen=True)
class Load:
    """A way of sending messages, and the unit that its speed is told in."""

    name: str
    title: str
    sessions: int
    octets: int
    keep: bool
    unit: str
    sink: str = ""
    """How a sink of the bench's own answers: no reply is like another. "": it is smtp-sink."""

    def arguments(self, messages: int, port: int) -> list[str]:
        """What smtp-source is told: -d keeps a session for many messages, -A takes refusals."""
        return [
            *(["-d"] if self.keep else []),
            *(["-A"] if self.sink == "refusing" else []),
            *("-s", str(self.sessions), "-l", str(self.octets), "-m", str(messages)),
            f"127.0.0.1:{port}",
        ]

    def speed(self, messages: int, seconds: float) -> float:
        """Messages a second, or megabytes a second where messages are large."""
        amount = messages * self.octets / 1e6 if self.unit == "MB/s" else messages
        return amount / seconds

    def warm_up(self, messages: int) -> int:
        """How many messages go ahead unmeasured: one a session at least."""
        return max(self.sessions, messages // 10)


LOADS = {
    load.name: load
    for load in (
        Load("new", "new", 20, 4096, False, "msg/s"),
        Load("kept", "kept", 20, 4096, True, "msg/s"),
        Load("large", "10 MB", 4, 10_000_000, False, "MB/s"),
        Load("accepted", "no reply twice", 20, 4096, True, "msg/s", sink="accepting"),
        Load("refused", "all refused", 20, 4096, True, "msg/s", sink="refusing"),
    )
}


def send(load: Load, messages: int, port: int) -> float:
    """Send so many messages to a loopback port; return the seconds it took."""
    began = time.perf_counter()
    try:
        sent = subprocess.run(
            [found("smtp-source"), *load.arguments(messages, port)],
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=LIMIT,
        )
    except subprocess.TimeoutExpired:
        raise Trouble(f"smtp-source was not done after {LIMIT:.0f} s") from None
    seconds = time.perf_counter() - began
    if sent.returncode:
        said = sent.stderr.decode(errors="replace").strip().splitlines()
        raise Trouble(said[-1] if said else f"smtp-source ended with {sent.returncode}")
    return seconds
