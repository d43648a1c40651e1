"""What a person must know even where there is no log: upstream is not there, or not trusted."""

from __future__ import annotations

from smtpproxy.console import say
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.transcript import Entry, Note, Session

_ALARMING = frozenset({"upstream-unreachable", "not-introduced", "not-logged-in", "tls-failed"})


class Alarm:
    """An observer that says on standard error why upstream can't be reached."""

    def __init__(self) -> None:
        self._said = ""

    def began(self, session: Session) -> None:
        """Nothing to say."""

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Nothing to say."""

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Nothing to say."""

    def noted(self, session: Session, note: Note) -> None:
        """Say it once for each reason."""
        if note.fact in _ALARMING and note.detail != self._said:
            self._said = note.detail
            say(f"smtpproxy: {session.upstream}: {note.detail}")

    def ended(self, session: Session, how: str) -> None:
        """Nothing to say."""
