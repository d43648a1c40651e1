"""Signals and exit status, which twistd by itself would lose.

twistd ends by the signal that it got, and so hides how a run fared. Here signals become calls, and
the process ends with the status that the run earned.
"""

from __future__ import annotations

import atexit
import contextlib
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorFromThreads


def on_signals(reactor: IReactorFromThreads, calls: dict[str, Callable[[], Any]]) -> None:
    """Call back on signals, named as in SIGTERM, in the reactor's own time.

    Signals that this system does not have are passed over.
    """
    for name, call in calls.items():
        number = getattr(signal, name, None)
        if number is not None:
            signal.signal(number, lambda *_, call=call: reactor.callFromThread(call))


def end_with(status: Callable[[], int]) -> None:
    """Let the process end with this status, whoever runs the reactor.

    twistd returns from its reactor and exits 0: what is registered first is asked last, so call
    this early.
    """

    def leave() -> None:
        found = status()
        if found:
            for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
                if stream is not None:
                    with contextlib.suppress(OSError, ValueError):
                        stream.flush()
            os._exit(found)

    atexit.register(leave)
