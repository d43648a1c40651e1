"""The machine: the one line that says where, when and with what the figures were measured."""

import os
import platform
import time
from pathlib import Path

import twisted


def processor() -> str:
    """The processor's model, as far as the system tells it."""
    try:
        told = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        told = []
    models = (line.partition(":")[2].strip() for line in told if line.startswith("model name"))
    return next(models, "") or platform.processor() or platform.machine()


def busy() -> str:
    """A warning if others use this machine now, else ""."""
    load = os.getloadavg()[0]
    if load <= 0.5:
        return ""
    return f"bench: this machine is busy (load {load:.1f}): the figures will scatter"


def conditions(messages: int, large: int, rounds: int) -> str:
    """Machine, versions, date and amounts."""
    return (
        f"{processor()}, {os.cpu_count()} cores, {platform.system()}; "
        f"Python {platform.python_version()}, Twisted {twisted.__version__}; "
        f"{time.strftime('%Y-%m-%d')}; {messages:,} messages of 4 KiB over 20 sessions, "
        f"{large} of 10 MB over 4; {rounds} rounds, median (lowest..highest)"
    )
