"""How many files this process may have open. The one module that may ask and change that.

A connection is a file. Windows has no such limit, and no module to ask for it.
"""

from __future__ import annotations

import contextlib
from typing import Any

try:
    import resource as _system
except ImportError:
    _system = None  # type: ignore[assignment]

#: Files beside the connections: the log, a cassette and its messages, listening ports, the
#: reactor's own.
RESERVE = 100


def raise_limit(wanted: int, system: Any = _system) -> int | None:
    """Raise the soft limit to the hard one; return what it is then, or None where there is none.

    A system that refuses that (macOS, where the hard limit is infinite) is asked for `wanted`.
    """
    if system is None:
        return None
    endless = system.RLIM_INFINITY
    soft, hard = system.getrlimit(system.RLIMIT_NOFILE)
    for limit in (hard, wanted):
        if soft == endless or (limit != endless and limit <= soft):
            continue
        with contextlib.suppress(OSError, ValueError):
            system.setrlimit(system.RLIMIT_NOFILE, (limit, hard))
            soft = limit
    return None if soft == endless else soft


def files_needed(connections: int, files_each: int) -> int:
    """Return how many files so many connections take, with all that is open beside them."""
    return connections * files_each + RESERVE


def shortage(limit: int | None, connections: int, files_each: int) -> str:
    """Return the line that says that a limit is too low for so many connections, or ""."""
    needed = files_needed(connections, files_each)
    if limit is None or limit >= needed:
        return ""
    room = max(1, (limit - RESERVE) // files_each)
    return (
        f"{connections} connections need {needed} open files, and {limit} are allowed: raise the "
        f"hard limit (ulimit -Hn, LimitNOFILE= of systemd), or say --max-connections {room}"
    )
