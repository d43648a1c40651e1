"""The log that options ask for: its file, its form, and that it is complete at the end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from smtpproxy.log import JsonLog, TextLog
from smtpproxy.net.linelog import LineLog
from smtpproxy.net.logfile import RotationError, open_log
from smtpproxy.reasons import Reasons
from smtpproxy.settings import LOG_FORMATS, Settings, SettingsError
from smtpproxy.transcript import Observer


class Log:
    """The log of a run. Raises SettingsError, or OSError where its file can't be used.

    `observers` hear what is logged: there are none where there is to be no log. `found` is told
    what could not be written.
    """

    def __init__(
        self, settings: Settings, reactor: Any, reasons: Reasons, found: Callable[[str], None]
    ) -> None:
        self._found = found
        self._lines: LineLog | None = None
        self.observers: list[Observer] = []
        form, where = settings.choice("log-format", LOG_FORMATS), settings.text("log")
        if where == "none":
            return
        try:
            file = open_log(where, settings.text("log-rotate"), settings.count("log-keep"))
        except RotationError as error:
            raise SettingsError(f"--log-rotate: {error}") from None
        lines = self._lines = LineLog(file, reactor)
        clock = reactor.seconds if settings.flag("log-mail-data") else None
        self.observers.append(
            JsonLog(lines.write, reasons, clock)
            if form == "json"
            else TextLog(lines.write, file.isatty(), reasons, clock)
        )

    def reopen(self) -> None:
        """Go on in the file of its name: the old one may have another by now."""
        if self._lines is not None:
            self._lines.reopen()

    def finish(self) -> None:
        """Write all that is left, and tell what could not be written."""
        if self._lines is not None:
            self._lines.close()
            if self._lines.error:
                self._found(self._lines.error)
