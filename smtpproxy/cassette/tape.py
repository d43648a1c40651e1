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
from smtpproxy.cassette.write import LAST_KEY, may_join, write_group, write_plain, write_session_end
from smtpproxy.exchange import PROXY
from smtpproxy.transcript import Entry

#: Most commands that are written as sent in one go, and most times that wait to be written.
_MOST_JOINED = 500
_MOST_TIMES = 4096
#: Octets that may wait for the end of a chunk, and those that each of them takes beside its own.
_MOST_BEHIND = 4 * LARGE
_RECORD = 256
#: Octets that may be heard before they are looked at.
_MOST_HEARD = LARGE // 2
_TAKING = (END_OF_DATA, "BDAT")  # stages of what takes mail data, or a chunk
_TIMES = f"{LAST_KEY}: ["


class Tape:
    """What is known of one session so far."""

    __slots__ = (
        "_behind",
        "_heard",
        "_heard_size",
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
        self._heard: list[Entry] = []  # and not looked at: it is faster for many in one go
        self._heard_size = 0  # of that, with the mail data that came with it
        self.parts: list[Entry] = []  # the replies to one message, so far
        self.anomalies: dict[str, None] = {}  # their names, in the order in which they came
        self.tls: dict[str, RecordedTls] = {}  # by side: the last that was told
        self.commands = 0
        self.exchanges = 0
        self.lacking = False  # something was too much to keep, and that was said

    def hear(self, entry: Entry) -> bool:
        """Take an exchange; is it time to write down what was heard?"""
        self._heard.append(entry)
        said, heard = entry.said, entry.heard
        size = self._heard_size + _RECORD + len(entry.sent)
        if said is not None:
            size += len(said.wire)
        if heard is not said and heard is not None:
            size += len(heard.wire)
        self._heard_size = size
        return size > _MOST_HEARD

    def take_heard(self) -> list[Entry]:
        """Return what was heard, in order, and forget it."""
        heard, self._heard, self._heard_size = self._heard, [], 0
        return heard

    def take_parts(self) -> list[Entry]:
        parts, self.parts = self.parts, []
        return parts

    def keep(self, kept: Kept) -> None:
        """Take mail data, or a chunk, that is complete."""
        self.kept.append(kept)
        self._waiting += len(kept.octets)
        self._heard_size += len(kept.octets)

    @property
    def room(self) -> int:
        """How much more mail data may be kept in memory until some of it is answered."""
        return max(0, LARGE - self._waiting)

    @property
    def complete(self) -> bool:
        """Does nothing of what was written down wait for more?"""
        return self.spool is None and not (self.kept or self.backlog or self.parts)

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

    def add_plain(self, entry: Entry) -> bool:
        """Write an exchange down at once, if it is like most, and nothing was sent with it.

        All else goes the long way, by `answered`; so does what another may join. Raises OSError.
        """
        said, stage = entry.said, entry.stage
        if said is None or said is not entry.heard or entry.rule or entry.by == PROXY:
            return False
        if entry.pipelined or entry.more or self.parts or self.backlog or stage == "BDAT":
            return False
        kept = None
        if stage == END_OF_DATA:
            if not self.kept:
                return False
            kept = self._take()
        if self.group:
            self.flush()
        self.text.write(write_plain(entry.sent, said.wire, kept))
        self.exchanges += 1
        return True

    def answered(self, one: Recorded) -> None:
        """Take an exchange that is over. Raises OSError."""
        if self.backlog or one.stage in _TAKING:
            self.backlog.append(one)
            self.settle()
        else:
            self.add(one)

    def settle(self, at_end: bool = False) -> None:
        """Add what is complete; at the end, also what never will be."""
        backlog = self.backlog
        while backlog:
            takes = backlog[0].stage in _TAKING and backlog[0].kept is None
            if takes and not self.kept and not at_end:
                return
            one = backlog.popleft()
            self.add(one._replace(kept=self._take()) if takes and self.kept else one)

    def _take(self) -> Kept:
        kept = self.kept.popleft()
        self._waiting -= len(kept.octets)
        return kept

    def add(self, one: Recorded) -> None:
        """Add an exchange to those that were sent in one go, or begin anew. Raises OSError."""
        group = self.group
        if group and not (one.pipelined and self._joins(one)):
            self.flush()
            group = self.group
        group.append(one)
        self.exchanges += 1
        self._joined += len(one.sent) + (len(one.kept.octets) if one.kept is not None else 0)
        for said in one.said:
            self._joined += len(said)
        if self._joined > LARGE:
            self.flush()  # it is too long to wait for what may join it

    def _joins(self, one: Recorded) -> bool:
        """Can it stand in a list with what was sent before it?"""
        group = self.group
        return len(group) < _MOST_JOINED and may_join(one) and may_join(group[-1])

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
