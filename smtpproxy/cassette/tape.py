"""One session on its way into a cassette.

Owns what waits, and for what: mail data for its reply, a reply for the end of its chunk, a command
for others that were sent with it. However long the session, only so much of it is in memory.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from smtpproxy.cassette.longtext import LongText
from smtpproxy.cassette.model import END_OF_DATA, Kept, Recorded, RecordedTls
from smtpproxy.cassette.spool import LARGE, Spool
from smtpproxy.cassette.write import LAST_KEY, may_join, write_group, write_session_end
from smtpproxy.transcript import Entry

#: Most commands that are written as sent in one go, and most times that wait to be written.
_MOST_JOINED = 500
_MOST_TIMES = 4096
#: Octets that may wait for the end of a chunk, and those that each of them takes beside its own.
_MOST_BEHIND = 4 * LARGE
_RECORD = 256
_TIMES = f"{LAST_KEY}: ["


class Tape:
    """What is known of one session so far."""

    __slots__ = (
        "_behind",
        "_joined",
        "_waiting",
        "anomalies",
        "backlog",
        "commands",
        "exchanges",
        "group",
        "kept",
        "lacking",
        "parts",
        "spool",
        "text",
        "times",
        "timing",
        "tls",
    )

    def __init__(self) -> None:
        self.text = LongText()
        self.group: list[Recorded] = []  # sent in one go, so far
        self._joined = 0  # octets of that
        self.timing: list[int] = []
        self.times = LongText()  # the timing that was written down before
        self.spool: Spool | None = None  # of the mail data, or chunk, that is passing
        self.kept: deque[Kept] = deque()  # complete, and not yet answered
        self._waiting = 0  # octets of that
        self.backlog: deque[Recorded] = deque()  # answered, behind a chunk that is not complete
        self._behind = 0  # octets that those of it take which answer nothing
        self.parts: list[Entry] = []  # the replies to one message, so far
        self.anomalies: dict[str, None] = {}  # their names, in the order in which they came
        self.tls: dict[str, RecordedTls] = {}  # by side: the last that was told
        self.commands = 0
        self.exchanges = 0
        self.lacking = False  # something was too much to keep, and that was said

    def take_parts(self) -> list[Entry]:
        parts, self.parts = self.parts, []
        return parts

    def keep(self, kept: Kept) -> None:
        """Take mail data, or a chunk, that is complete."""
        self.kept.append(kept)
        self._waiting += len(kept.octets)

    @property
    def room(self) -> int:
        """How much more mail data may be kept in memory until some of it is answered."""
        return max(0, LARGE - self._waiting)

    def time(self, milliseconds: int) -> None:
        """Take note of how long an answer took. Raises OSError."""
        self.timing.append(milliseconds)
        if len(self.timing) >= _MOST_TIMES:
            self.times.write("".join(f"{time}, " for time in self.timing))
            self.timing = []

    def note(self, one: Recorded) -> bool:
        """Add what answers nothing; False where there is too much of it behind a chunk."""
        if not self.backlog:
            self._behind = 0
        self._behind += _RECORD + len(one.said[0])
        if self._behind > _MOST_BEHIND:
            return False
        self.backlog.append(one)
        self.settle()
        return True

    def settle(self, at_end: bool = False) -> None:
        """Add what is complete; at the end, also what never will be."""
        backlog = self.backlog
        while backlog:
            takes = backlog[0].stage in (END_OF_DATA, "BDAT") and backlog[0].kept is None
            if takes and not self.kept and not at_end:
                return
            one = backlog.popleft()
            self.add(one._replace(kept=self._take()) if takes and self.kept else one)

    def _take(self) -> Kept:
        kept = self.kept.popleft()
        self._waiting -= len(kept.octets)
        return kept

    def add(self, one: Recorded) -> None:
        joins = may_join(one)
        full = len(self.group) >= _MOST_JOINED or self._joined > LARGE
        if full or not (joins and one.pipelined):
            self.flush()
        self.group.append(one)
        self._joined += len(one.sent) + sum(map(len, one.said))
        self.exchanges += 1
        if not joins:
            self.flush()  # it may be long, and nothing can join it

    def flush(self) -> None:
        """Write down what was sent in one go."""
        if self.group:
            self.text.write(write_group(self.group))
            self.group, self._joined = [], 0

    def ending(self, how: str, opaque: str, client: str = "") -> Iterator[bytes]:
        """Return the rest of the session's document. Raises OSError."""
        odd = self.anomalies
        tail = write_session_end(how, opaque, self.timing, False, odd, client, self.tls)
        before, key, times = tail.rpartition(_TIMES)
        yield f"{before}{key}".encode()
        yield from self.times.pieces()
        yield times.encode()
