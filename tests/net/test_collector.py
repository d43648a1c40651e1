"""The collector's settings, which concern the whole process: so they are made in another one."""

from __future__ import annotations

import subprocess
import sys

LOOK = """
import gc
from smtpproxy.net.collector import settle_collector
settle_collector()
class Pair: pass
before = gc.get_freeze_count()
for _ in range(200_000):
    one, other = Pair(), Pair()
    one.other, other.other = other, one
del one, other
left = sum(isinstance(thing, Pair) for thing in gc.get_objects())
print(before > 1000, gc.isenabled(), left < 50_000)
"""


def test_garbage_goes_and_what_was_loaded_stays() -> None:
    """What was there at the start is not gone through again; cycles made since are collected."""
    done = subprocess.run(
        [sys.executable, "-c", LOOK], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.split() == ["True", "True", "True"]
