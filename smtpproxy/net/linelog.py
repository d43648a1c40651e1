"""Lines on their way to a file: gathered for a moment, then written in one go."""

from __future__ import annotations

from typing import Any

from twisted.internet.interfaces import IReactorTime

from smtpproxy.net.logfile import LogSink

#: Seconds that a line may wait for others, and octets after which it does not.
_PAUSE = 0.05
_LARGE = 64 * 1024


class LineLog:
    """Writes lines to a file. What can't be written is lost, and said once in `error`."""

    def __init__(self, file: LogSink, clock: IReactorTime) -> None:
        self._file = file
        self._clock = clock
        self._lines: list[bytes] = []
        self._size = 0
        self._timer: Any = None
        self.error = ""

    def write(self, line: bytes) -> None:
        """Write a line, soon."""
        self._lines.append(line)
        self._size += len(line)
        if self._size > _LARGE:
            self.flush()
        elif self._timer is None:
            self._timer = self._clock.callLater(_PAUSE, self._due)

    def flush(self) -> None:
        """Write what has gathered."""
        lines, self._lines, self._size = self._lines, [], 0
        try:
            self._file.write(b"".join(lines))
            self._file.flush()
        except (OSError, ValueError) as error:
            self.error = self.error or f"the log can't be written: {error}"

    def reopen(self) -> None:
        """Write what has gathered, and go on in the file that bears the name now."""
        self.flush()
        try:
            self._file.reopen()
        except OSError as error:
            self.error = self.error or f"the log can't be opened anew: {error}"

    def close(self) -> None:
        """Write everything. The file stays open where it is standard output."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.flush()

    def _due(self) -> None:
        self._timer = None
        self.flush()
