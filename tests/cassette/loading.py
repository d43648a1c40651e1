"""Loads cassettes, each in a process of its own that may have only so much: a program for tests.

`python loading.py SECONDS MEBIBYTES FILE...` prints a line of JSON for each file: what came of it,
and the seconds of processor time that it took. Whoever takes more is ended by the system.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

from smtpproxy.cassette.store import load_cassette
from smtpproxy.documents import DocumentError


def outcome(path: Path, mebibytes: int) -> str:
    """Load a cassette; return its number of sessions, or the error."""
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    most = used + mebibytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (most, most))
    try:
        return f"{len(load_cassette(path).sessions)} sessions"
    except DocumentError as error:
        return str(error)
    except MemoryError:
        return f"took more than {mebibytes} MiB"


def loaded(path: Path, seconds: int, mebibytes: int) -> tuple[str, float]:
    """Load a cassette in a child; return what came of it and the processor time."""
    ours, theirs = os.pipe()
    child = os.fork()
    if not child:
        # A file that somebody waits for takes no processor time.
        signal.alarm(20 * seconds)
        resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
        began = time.process_time()
        said = outcome(path, mebibytes)
        os.write(theirs, f"{time.process_time() - began} {said}".encode()[:4096])
        os._exit(0)
    os.close(theirs)
    with os.fdopen(ours, "rb") as pipe:
        told = pipe.read().decode()
    _, status = os.waitpid(child, 0)
    took, _, said = told.partition(" ")
    return (said, float(took)) if status == 0 else (f"ended by signal {status & 127}", -1.0)


if __name__ == "__main__":
    for name in sys.argv[3:]:
        print(json.dumps(loaded(Path(name), int(sys.argv[1]), int(sys.argv[2]))), flush=True)
