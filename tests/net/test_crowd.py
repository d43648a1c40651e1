"""Ten thousand clients at a time, as the default allows, and what each of them costs."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest

from tests.crowd import greeted
from tests.peers.programs import lacking
from tests.programs import serving

ROOT = Path(__file__).parents[2]
CROWD = 10_000
RESERVE = 100  # files that the crowd's process, or the proxy, has beside connections
BOUND = 64 * 1024  # octets of memory for an idle session
SECONDS = 60.0


@pytest.mark.skipif(sys.platform != "linux", reason="another's memory is read in /proc")
def test_ten_thousand_idle_clients(tmp_path: Path) -> None:
    """All are greeted, one more hears 421, and when they have gone there is room again."""
    if resource.getrlimit(resource.RLIMIT_NOFILE)[1] < CROWD + RESERVE:
        lacking(f"the hard limit of open files is below {CROWD + RESERVE}")
    with serving(tmp_path, "--upstream", "sink:", "--log", "none") as proxy:
        before = _memory(proxy.pid)
        words = (sys.executable, "-m", "tests.crowd", str(proxy.port), str(CROWD))
        with subprocess.Popen(
            words, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as crowd:
            assert crowd.stdin is not None
            assert crowd.stdout is not None
            heard = json.loads(crowd.stdout.readline())
            each = (_memory(proxy.pid) - before) / CROWD
            crowd.stdin.close()
            crowd.wait(SECONDS)
        assert heard == {"crowd": {"220": CROWD}, "one more": "421"}
        assert each <= BOUND
        client, code = greeted(proxy.port)
        client.close()
        assert code == "220"
        assert proxy.end().status == 0


def _memory(pid: int) -> int:
    """Return the octets of memory that a process has."""
    text = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024
