"""The report of a run, written and shown, and what was expected of it.

Owns when that happens, and the file. What is in a report is the affair of `report`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from smtpproxy.cassette.advice import reported
from smtpproxy.cassette.misses import Miss
from smtpproxy.console import on_terminal, say
from smtpproxy.figures import FiredRule
from smtpproxy.net.newfile import write_text
from smtpproxy.reports import reporttable
from smtpproxy.reports.expectations import Expectation, Expectations
from smtpproxy.reports.report import Gatherer
from smtpproxy.reports.reported import ReportedPlace, ReportedRule, RunReport
from smtpproxy.settings import Settings, SettingsError


class Source(Protocol):
    """Where misses come from: a cassette that is replayed."""

    def used(self) -> list[ReportedPlace]:
        """Return the recorded transactions that were replayed."""

    def unused(self) -> list[ReportedPlace]:
        """Return the others."""


class Reporting:
    """Gathers a run, writes its report to `path` where there is one, and tells what is unmet."""

    def __init__(
        self,
        path: Path | None,
        expected: Sequence[Expectation],
        mode: str,
        seconds: Callable[[], float],
        found: Callable[[str], None],
    ) -> None:
        self._path = path
        self._expectations = Expectations(expected) if expected else None
        self._mode = mode
        self._seconds = seconds
        self._found = found
        self._started = seconds()
        self.gatherer = Gatherer(path is not None, self._expectations)
        self.upstream = ""
        self.source: Source | None = None
        self.fired: Callable[[], list[FiredRule]] = list

    def missed(self, miss: Miss) -> None:
        """Take note of a miss."""
        self.gatherer.missed(reported(miss))

    def write(self) -> None:
        """Write the report as it is now."""
        if self._path is None:
            return
        encoded = msgspec.json.format(msgspec.json.encode(self._report())).decode()
        try:
            write_text(self._path, f"{encoded}\n")
        except OSError as error:
            self._found(f"can't write {self._path}: {error.strerror}")

    def finish(self) -> None:
        """Write the report for the last time, show it, and say what is not as expected."""
        if self._path is not None:
            self.write()
            report = self._report()
            say(reporttable.coloured(report) if on_terminal() else reporttable.plain(report))
        if self._expectations is not None:
            for line in self._expectations.unmet(self.gatherer.totals):
                self._found(line)

    def _report(self) -> RunReport:
        source = self.source
        report = self.gatherer.report(
            self._mode,
            self.upstream,
            self._started,
            self._seconds(),
            source.used() if source is not None else [],
            source.unused() if source is not None else [],
        )
        report.fired = [
            ReportedRule(one.rule, one.stage, one.fired, one.first) for one in self.fired()
        ]
        return report


def reporting_of(
    settings: Settings,
    expected: Sequence[Expectation],
    mode: str,
    seconds: Callable[[], float],
    found: Callable[[str], None],
) -> Reporting | None:
    """Return what reports a run, or None where nobody asks for it. Raises SettingsError."""
    path = settings.path("report")
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise SettingsError(f"--report {path}: expected a file in a folder that is there")
    if path == Path("-"):
        raise SettingsError("--report -: expected a file; the report is not for a stream")
    return Reporting(path, expected, mode, seconds, found) if path or expected else None
