"""How much memory something takes, as Python itself counts it."""

from __future__ import annotations

import tracemalloc
from collections.abc import Callable


def memory(act: Callable[[], object], peak: bool = False) -> int:
    """Return the octets that were allocated, and are still there or were at the peak."""
    tracemalloc.start()
    try:
        act()
        now, most = tracemalloc.get_traced_memory()
        return most if peak else now
    finally:
        tracemalloc.stop()
