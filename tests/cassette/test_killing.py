"""However a recording is killed, no session that was finished is lost, and all can be read."""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_recording_may_be_killed_at_any_moment() -> None:
    """At each call of the writer, before it and with a write half done; and at random moments.

    `make kill` does the same at a thousand.
    """
    words = [sys.executable, "-m", "tests.cassette.killing", "--times=40", "--most-seconds=10"]
    ended = subprocess.run(
        words, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 0, ended.stderr + ended.stdout
    found = re.search(r"each of (.*) calls.*\n.* at (\d+) random .*(seed \d+)", ended.stdout)
    assert found is not None
    each, killed, seed = found.groups()
    assert min(map(int, each.split(" + "))) > 20
    assert int(killed) > 5, seed
