"""All that is kept or shown of a session, in memory: cassette, logs and statistics."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, NamedTuple

from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.store import CassetteFile
from smtpproxy.cassette.write import write_header
from smtpproxy.exchange import Exchange
from smtpproxy.log import JsonLog, TextLog
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.statistics import Statistics
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Session, Transcript
from tests.dialogue import Witness


class Kept(NamedTuple):
    """What remains of a session."""

    cassette: bytes
    json: list[bytes]  # each what was written in one go
    text: list[bytes]
    counts: dict[str, Any]
    failures: list[str]


class _Shelf(CassetteFile):
    """A cassette's file that is none."""

    def __init__(self) -> None:
        self.path = self.partial = self.folder = Path("nowhere.yaml")
        self.text = write_header("", "2026-11-23T12:00:00Z").encode()

    def add(self, session: Iterable[bytes]) -> None:
        """Append a session's document."""
        self.text += b"".join(session)


class Observing(Witness):
    """A witness that tells everything to the observers, too."""

    def __init__(self) -> None:
        super().__init__()
        self.session = Session(1, "run-1", "192.0.2.7:40000", "tcp:mail.example.org:25", 0.0)
        self._shelf = _Shelf()
        self._json: list[bytes] = []
        self._text: list[bytes] = []
        self._failures: list[str] = []
        self._statistics = Statistics()
        observers = (
            Recorder(self._shelf, self._failures.append),
            JsonLog(self._json.append),
            TextLog(self._text.append),
            self._statistics,
        )
        self._transcript = Transcript(self.session, observers, lambda: 0.0)

    def kept(self) -> Kept:
        """Return what remains, now that the session is over."""
        counts = self._statistics.as_json()
        return Kept(self._shelf.text, self._json, self._text, counts, self._failures)

    def exchanged(self, exchange: Exchange) -> None:
        """Hand it on."""
        self._transcript.exchanged(exchange)
        super().exchanged(exchange)

    def authenticating(self, exchange: Exchange) -> None:
        """Hand it on."""
        self._transcript.authenticating(exchange)

    def mail_data(self, fact: MailData | Chunk) -> None:
        """Hand it on."""
        self._transcript.mail_data(fact)
        super().mail_data(fact)

    def noted(self, fact: str, detail: str, octets: bytes) -> None:
        """Hand it on."""
        self._transcript.noted(fact, detail, octets)
        super().noted(fact, detail, octets)

    def secured(self, side: str, facts: TlsFacts) -> None:
        """Hand it on."""
        self._transcript.secured(side, facts)
        super().secured(side, facts)

    def ended(self, how: str) -> None:
        """Hand it on."""
        self._transcript.ended(how)
        super().ended(how)
