"""Python's collector of cyclic garbage, set for a server.

Owns two settings of the process. What was loaded at the start stays for good, so that nobody needs
to go through it again and again; and sessions, whose parts know one another, are collected some at
a time.
"""

from __future__ import annotations

import gc

#: Containers made and not yet gone at which the youngest are looked at. A session takes a few
#: hundred, so that some dozens of them wait at most.
_THRESHOLD = 10_000
_OLDER = 20


def settle_collector() -> None:
    """Leave alone what is there by now, and look at what comes less often."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(_THRESHOLD, _OLDER, _OLDER)
