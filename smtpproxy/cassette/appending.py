"""The observer of a cassette that grows: it keeps the sessions that have gone on to upstream.

Owns what is new in them: what was told from the cassette stands there already.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from smtpproxy.cassette.model import RecordedSession
from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.store import CassetteFile
from smtpproxy.catchup import FACT
from smtpproxy.transcript import Entry, Note, Session

DEPARTED = "departed"
#: What keeps a session from upstream that has departed for it.
_IN_VAIN = frozenset({FACT, "upstream-unreachable", "not-introduced", "tls-failed"})
#: How a session ends whose client, or whose run, did not wait for that.
_OF_ITSELF = frozenset({"client-drop", "client-reset", "client-timeout", "shutdown"})


class Appender(Recorder):
    """Keeps what upstream said, of sessions that the cassette did not have."""

    def __init__(
        self,
        file: CassetteFile,
        failed: Callable[[str], None],
        lost: Callable[[Session, str], None] = lambda session, why: None,
        first: int = 1,
        astray: Callable[[Session, str], None] = lambda session, why: None,
    ) -> None:
        """`first` is the label of the first session that is added.

        `astray` is told of a session that could not go on upstream, and why.
        """
        super().__init__(file, failed, lost)
        self._next = first
        self._astray = astray
        self._on_the_way: set[int] = set()  # sessions that upstream has not answered yet

    def began(self, session: Session) -> None:
        """Nothing yet: the cassette answers."""

    def caught_up(self, session: Session, entry: Entry) -> None:
        """Keep what upstream said to what the client had said before."""
        super().exchanged(session, entry)

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Keep an exchange; with the first that upstream answers a session has arrived there."""
        if entry.said is not None:
            self._on_the_way.discard(session.number)
        super().exchanged(session, entry)

    def ended(self, session: Session, how: str) -> None:
        """Write the session down, unless it never arrived: there is nothing new in it."""
        if session.number in self._on_the_way:
            self._forget(session, "" if how in _OF_ITSELF else how)
        super().ended(session, how)

    def noted(self, session: Session, note: Note) -> None:
        """Begin to keep a session that departs; one that gets nowhere is a miss."""
        if note.fact == DEPARTED:
            self._on_the_way.add(session.number)
            super().began(session)
        elif note.fact in _IN_VAIN and session.number in self._on_the_way:
            self._forget(session, note.detail)
        super().noted(session, note)

    def _forget(self, session: Session, why: str) -> None:
        """Keep nothing of a session that has not arrived; `why`, if that is not as it should be."""
        self._on_the_way.discard(session.number)
        self._tapes.pop(session.number, None)
        if why:
            self._astray(session, why)

    def _label(self, session: Session) -> str:
        label, self._next = self._next, self._next + 1
        return str(label)


def next_label(sessions: Iterable[RecordedSession]) -> int:
    """Return a number behind all that are labels."""
    numbers = (int(one.label) for one in sessions if one.label.isdecimal() and len(one.label) < 10)
    return max(numbers, default=0) + 1
