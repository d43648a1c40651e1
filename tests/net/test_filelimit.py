"""The limit of open files: raised as far as may be, and what is said where that is not enough."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

import pytest

from smtpproxy.net.filelimit import RESERVE, files_needed, raise_limit, shortage
from tests.programs import RUN, SERVE, TWISTD, call, serving

ENDLESS = -1


class System:
    """A system's limits, in place of this process's own."""

    RLIM_INFINITY = ENDLESS
    RLIMIT_NOFILE = 7

    def __init__(self, soft: int, hard: int, most: int = 1 << 30) -> None:
        self.limits = (soft, hard)
        self._most = most  # that the kernel agrees to

    def getrlimit(self, which: int) -> tuple[int, int]:
        """Tell the limits."""
        assert which == self.RLIMIT_NOFILE
        return self.limits

    def setrlimit(self, which: int, limits: tuple[int, int]) -> None:
        """Set them, as setrlimit(2) and Python do."""
        soft, hard = limits
        assert (which, hard) == (self.RLIMIT_NOFILE, self.limits[1])
        if (hard != ENDLESS and not 0 <= soft <= hard) or not 0 <= soft <= self._most:
            raise ValueError("current limit exceeds maximum limit")
        self.limits = limits


@pytest.mark.parametrize(
    ("soft", "hard", "most", "limit"),
    [
        (1024, 524288, 1 << 30, 524288),
        (4096, 4096, 1 << 30, 4096),
        # macOS: the hard limit is infinite, and the soft one must not be.
        (256, ENDLESS, 61440, 20100),
        (30000, ENDLESS, 61440, 30000),
        (256, ENDLESS, 10240, 256),
    ],
)
def test_it_is_raised(soft: int, hard: int, most: int, limit: int) -> None:
    """To the hard limit, or where the system refuses that to what is wanted; never lowered."""
    system = System(soft, hard, most)
    assert raise_limit(20100, system) == limit
    assert system.limits == (limit, hard)


def test_where_there_is_no_limit() -> None:
    """An infinite limit is none; a system without such limits is left alone."""
    assert raise_limit(20100, System(ENDLESS, ENDLESS)) is None
    assert raise_limit(20100, None) is None


def test_what_connections_need() -> None:
    """A file for the client, one for upstream, and a reserve."""
    assert files_needed(10_000, 2) == 20_000 + RESERVE


def test_too_low_a_limit_is_told() -> None:
    """One line has the numbers, and a --max-connections that would be enough."""
    assert shortage(20_000 + RESERVE, 10_000, 2) == ""
    assert shortage(None, 10_000, 2) == ""
    told = shortage(4096, 10_000, 2)
    room = (4096 - RESERVE) // 2
    for word in ("10000 connections", f"{20_000 + RESERVE}", "4096", f"--max-connections {room}"):
        assert word in told
    assert "\n" not in told
    assert shortage(4096, room, 2) == ""
    assert "--max-connections 1" in shortage(10, 10_000, 2)


def _limited(*words: str, hard: int = 4096) -> tuple[str, ...]:
    """Return how to call a program under limits of its own."""
    return (
        "sh",
        "-c",
        f'ulimit -Sn 256 && ulimit -Hn {hard} && exec {shlex.join(words)} "$@"',
        "sh",
    )


@pytest.mark.skipif(sys.platform != "linux", reason="another's limits are read in /proc")
@pytest.mark.parametrize("program", [SERVE, TWISTD], ids=["serve", "twistd"])
def test_a_process_raises_its_own(program: tuple[str, ...], tmp_path: Path) -> None:
    """At start the soft limit becomes the hard one, and one line says that this is too low."""
    words = ("--upstream", "192.0.2.1", "--max-connections", "3000")
    with serving(tmp_path, *words, program=_limited(*program)) as proxy:
        assert _soft_limit(proxy.pid) == 4096
        assert proxy.err.count("--max-connections") == 1
        assert "3000 connections" in proxy.err


def test_an_upstream_of_its_own_takes_no_file(tmp_path: Path) -> None:
    """With sink: a connection is one file, not two, and 4096 are enough for 3000."""
    words = ("--upstream", "sink:", "--max-connections", "3000")
    with serving(tmp_path, *words, program=_limited(*SERVE)) as proxy:
        assert "--max-connections" not in proxy.err


def test_a_command_keeps_its_limits(tmp_path: Path) -> None:
    """What `run` starts has the limits of whoever started `run`."""
    program = "import resource; print(resource.getrlimit(resource.RLIMIT_NOFILE))"
    words = ("--upstream", "sink:", "--", sys.executable, "-c", program)
    outcome = call(tmp_path, (*_limited(*RUN, hard=20000), *words))
    assert (outcome.status, outcome.out) == (0, "(256, 20000)\n")


def _soft_limit(pid: int) -> int:
    text = Path(f"/proc/{pid}/limits").read_text()
    (line,) = [line for line in text.splitlines() if line.startswith("Max open files")]
    return int(line.split()[3])
