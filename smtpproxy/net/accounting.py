"""Tells the statistics: on standard error, and as JSON in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import msgspec

from smtpproxy.console import on_terminal, say
from smtpproxy.net.newfile import write_text
from smtpproxy.statistics import Statistics
from smtpproxy.summary import coloured, plain

#: Rules that are named where nothing else is said of them.
_MOST = 5


class Accounting:
    """The statistics of a run, and the file for them, if any; `found` is told what goes wrong."""

    def __init__(
        self, statistics: Statistics, path: Path | None, found: Callable[[str], None]
    ) -> None:
        self._statistics = statistics
        self._path = path
        self._found = found

    def show(self) -> None:
        """Show how things stand."""
        report = self._statistics.report()
        say(coloured(report) if on_terminal() else plain(report))

    def tell_idle_rules(self) -> None:
        """Name the rules that never fired: a pattern that fits nobody is easily overlooked."""
        idle = [one.rule for one in self._statistics.report().rules if not one.fired]
        if idle:
            more = f", and {len(idle) - _MOST} more" if len(idle) > _MOST else ""
            say(f"smtpproxy: never fired: {', '.join(idle[:_MOST])}{more}")

    def write(self) -> None:
        """Write how things stand, if there is a file for it."""
        if self._path is None:
            return
        encoded = msgspec.json.format(msgspec.json.encode(self._statistics.report())).decode()
        try:
            write_text(self._path, f"{encoded}\n")
        except OSError as error:
            self._found(f"can't write {self._path}: {error.strerror}")
