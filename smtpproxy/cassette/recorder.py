"""The observer that keeps sessions as a cassette.

Owns nothing of the format: it gathers a session's exchanges and hands them on. What can't be
written is lost and said; the relay goes on.
"""

from __future__ import annotations

import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from ipaddress import ip_address
from itertools import chain
from typing import IO

from smtpproxy.cassette.model import END_OF_DATA, Kept, Recorded, stray, unsolicited
from smtpproxy.cassette.spool import LARGE, Spool
from smtpproxy.cassette.store import CassetteFile
from smtpproxy.cassette.write import (
    may_join,
    write_group,
    write_session_end,
    write_session_start,
)
from smtpproxy.exchange import PROXY
from smtpproxy.smtp.anomalies import ANOMALIES
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.transcript import Entry, Note, Session


class _Tape:
    """What is known of one session so far."""

    __slots__ = (
        "anomalies",
        "backlog",
        "commands",
        "exchanges",
        "file",
        "group",
        "kept",
        "parts",
        "size",
        "spool",
        "text",
        "timing",
    )

    def __init__(self) -> None:
        self.text: list[str] = []
        self.size = 0  # of that, in characters
        self.file: IO[bytes] | None = None  # where the beginning of a long session is
        self.group: list[Recorded] = []  # sent in one go, so far
        self.timing: list[int] = []
        self.spool: Spool | None = None  # of the mail data, or chunk, that is passing
        self.kept: deque[Kept] = deque()  # complete, and not yet answered
        self.backlog: deque[Recorded] = deque()  # answered, behind a chunk that is not complete
        self.parts: list[Entry] = []  # the replies to one message, so far
        self.anomalies: dict[str, None] = {}  # their names, in the order in which they came
        self.commands = 0
        self.exchanges = 0

    def take_parts(self) -> list[Entry]:
        parts, self.parts = self.parts, []
        return parts

    def settle(self, at_end: bool = False) -> None:
        """Add what is complete; at the end, also what never will be."""
        backlog = self.backlog
        while backlog:
            takes = backlog[0].stage in (END_OF_DATA, "BDAT") and backlog[0].kept is None
            if takes and not self.kept and not at_end:
                return
            one = backlog.popleft()
            self.add(one._replace(kept=self.kept.popleft()) if takes and self.kept else one)

    def add(self, one: Recorded) -> None:
        group = self.group
        if group and not (one.pipelined and may_join(one) and may_join(group[-1])):
            self.write(write_group(group))
            group = self.group = []
        group.append(one)
        self.exchanges += 1

    def write(self, text: str) -> None:
        """Take text; a long session does not stay in memory. Raises OSError."""
        self.text.append(text)
        self.size += len(text)
        if self.size > LARGE:
            if self.file is None:
                self.file = tempfile.TemporaryFile()  # noqa: SIM115 - it outlives this call
            self.file.write("".join(self.text).encode())
            self.text, self.size = [], 0

    def pieces(self) -> Iterator[bytes]:
        """Return all text. Raises OSError."""
        if self.file is not None:
            with self.file as file:
                file.seek(0)
                while piece := file.read(LARGE):
                    yield piece
        yield "".join(self.text).encode()

    def flush(self) -> None:
        if self.group:
            self.write(write_group(self.group))
            self.group = []


class Recorder:
    """Keeps every session; `failed` is told of each problem, in words."""

    def __init__(self, file: CassetteFile, failed: Callable[[str], None]) -> None:
        self._file = file
        self._failed = failed
        self._tapes: dict[int, _Tape] = {}
        self._broken = False
        self.commands = 0

    def began(self, session: Session) -> None:
        """Begin to keep a session."""
        self._tapes[session.number] = _Tape()

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Keep an exchange."""
        tape = self._tapes[session.number]
        if entry.sent:
            tape.commands += 1
        for name in entry.odd:
            tape.anomalies[name] = None
        tape.parts.append(entry)
        if entry.heard is not None:
            tape.timing.append(round(entry.seconds * 1000))
        if entry.more:
            return
        tape.backlog.append(_recorded(tape.take_parts()))
        try:
            tape.settle()
        except OSError as error:
            self._lose(error)

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Keep mail data, or a chunk."""
        tape = self._tapes[session.number]
        if self._broken:
            return  # this recording will not be finished
        try:
            if tape.spool is None:
                tape.spool = Spool(self._file.folder, stuffed=isinstance(fact, MailData))
            tape.spool.add(fact.octets)
            if fact.last:
                spool, tape.spool = tape.spool, None
                tape.kept.append(spool.finish())
                tape.settle()
        except OSError as error:
            self._lose(error)
            if tape.spool is not None:
                tape.spool.discard()
                tape.spool = None

    def noted(self, session: Session, note: Note) -> None:
        """Keep what belongs to the dialogue."""
        tape = self._tapes[session.number]
        if note.fact == "unsolicited-reply":
            tape.backlog.append(unsolicited(note.octets))
            tape.settle()
        elif note.fact == "stray-line":
            tape.backlog.append(stray(note.octets))
            tape.settle()
        if note.fact in ANOMALIES:
            tape.anomalies[note.fact] = None

    def ended(self, session: Session, how: str) -> None:
        """Write the session out. One in which nothing was said leaves no trace."""
        tape = self._tapes.pop(session.number)
        if tape.spool is not None:
            tape.spool.discard()
        self.commands += tape.commands
        if tape.parts:
            tape.backlog.append(_recorded(tape.take_parts()))
        try:
            tape.settle(at_end=True)
            if not tape.exchanges:
                return
            tape.flush()
            head = write_session_start(str(session.number))
            tail = write_session_end(
                how,
                session.opaque,
                tape.timing,
                empty=False,
                anomalies=tape.anomalies,
                client=_foreign(session.client_host),
            )
            self._file.add(chain([head.encode()], tape.pieces(), [tail.encode()]))
        except OSError as error:
            self._lose(error)

    def finish(self, replace: bool = True) -> None:
        """Put the cassette in its place, unless nothing was recorded or something was lost.

        Without `replace` a cassette that is there stays as it is.
        """
        try:
            if self._broken:
                self._failed(f"the recording is incomplete; it lies in {self._file.partial}")
            elif self.commands and not replace and self._file.path.exists():
                self._failed(
                    f"the command failed: {self._file.path} stays as it was, "
                    f"and this recording lies in {self._file.partial}"
                )
            elif self.commands:
                self._file.finish()
            else:
                self._file.discard()
        except OSError as error:
            self._lose(error)

    def _lose(self, error: OSError) -> None:
        if not self._broken:
            self._failed(f"recording to {self._file.path} failed: {error.strerror}")
        self._broken = True


def _foreign(host: str) -> str:
    """Return a client's address, or "" where that says nothing: it was on this machine."""
    return "" if not host or ip_address(host.partition("%")[0]).is_loopback else host


def _recorded(parts: list[Entry]) -> Recorded:
    """Return what is kept of an exchange, and of all replies to one message."""
    first = parts[0]
    changed = any(entry.heard is not entry.said for entry in parts)
    heard = [entry.heard.wire for entry in parts if entry.heard is not None]
    return Recorded(
        first.stage,
        first.sent,
        None,
        tuple(entry.said.wire for entry in parts if entry.said is not None),
        b"".join(heard) if changed and heard else None,
        changed,
        next((entry.rule for entry in parts if entry.rule), ""),
        first.by if first.by == PROXY else "",
        first.pipelined,
    )
