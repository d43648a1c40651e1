"""Signals become calls, and the process ends with the status that the run earned."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from smtpproxy.net.signals import on_signals
from tests.programs import call_all

END = """\
import sys
from smtpproxy.net.signals import end_with
end_with(lambda: status)
sys.stdout.write("said")
import atexit
atexit.register(lambda: sys.stdout.write(" to the last"))
status = {status}
{ending}
"""


class Turns:
    """A reactor that keeps what it is to call in its own time."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], Any]] = []

    def callFromThread(self, call: Callable[[], Any]) -> None:
        """Keep a call."""
        self.calls.append(call)


@pytest.fixture
def turns() -> Iterator[Any]:
    """A reactor; afterwards signals do what they did before."""
    names = (signal.SIGUSR2, signal.SIGHUP)
    before = [signal.getsignal(name) for name in names]
    yield Turns()
    for name, action in zip(names, before, strict=True):
        signal.signal(name, action)


def test_signals_become_calls_in_the_reactors_time(turns: Turns) -> None:
    """Each signal has its own call, which is made by the reactor and not inside the signal."""
    called: list[str] = []
    on_signals(
        cast(Any, turns),
        {"SIGUSR2": lambda: called.append("USR2"), "SIGHUP": lambda: called.append("HUP")},
    )
    signal.raise_signal(signal.SIGHUP)
    signal.raise_signal(signal.SIGUSR2)
    assert called == []
    for call in turns.calls:
        call()
    assert called == ["HUP", "USR2"]


def test_a_signal_that_this_system_does_not_have_is_passed_over(turns: Turns) -> None:
    """What is missing on some systems stops nothing."""
    on_signals(cast(Any, turns), {"SIGNOTHERE": lambda: None, "SIGUSR2": lambda: None})
    signal.raise_signal(signal.SIGUSR2)
    assert len(turns.calls) == 1


def test_the_process_ends_with_the_status(tmp_path: Path) -> None:
    """The status found at the end is the exit status; nothing said is lost; 0 changes nothing."""
    outcomes = call_all(
        tmp_path,
        {
            name: (sys.executable, "-c", END.format(status=status, ending=ending))
            for name, status, ending in (
                ("found", 1, ""),
                ("unable", 2, "raise SystemExit(0)"),
                ("good", 0, ""),
                ("another's", 0, "raise SystemExit(7)"),
            )
        },
    )
    statuses = {name: outcome.status for name, outcome in outcomes.items()}
    assert statuses == {"found": 1, "unable": 2, "good": 0, "another's": 7}
    assert {outcome.out for outcome in outcomes.values()} == {"said to the last"}
