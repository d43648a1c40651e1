"""Sessions as dialogues, told to the observer that gathers the report."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from smtpproxy.reports.expectations import Expectations
from smtpproxy.reports.report import Gatherer
from smtpproxy.reports.reported import ReportedSession, ReportedTransaction, RunReport
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import MailData
from smtpproxy.tools.expecting import read_expectation
from smtpproxy.transcript import Session
from tests.cassette.dialogues import segments, wire
from tests.observed import NOON, a_session, an_entry

OPENING = "S: 220 ready\nC: EHLO app.example.org\nS: 250 mail.example.org\n"
LETTER = """
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.net>
S: 250 2.1.5 Ok
C: DATA
S: 354 go
C: Subject: hello
C: Message-ID: <1@app.example.org>
C:
C: Hi.
C: .
S: 250 2.0.0 Ok: queued as 1
"""
QUIT = "C: QUIT\nS: 221 2.0.0 Bye\n"


def _exchanges(text: str) -> Iterator[tuple[str, list[str], list[str]]]:
    """Yield each stage, its lines and its reply, of a dialogue of one line at a time.

    `S: -` is no reply.
    """
    sent: list[str] = []
    stage = "CONNECT"
    for who, lines in segments("\n".join(filter(None, text.splitlines()))):
        if who == "C":
            sent = lines
            continue
        yield stage, sent, [] if lines == ["-"] else lines
        stage, sent = ("END-OF-DATA" if lines[-1].startswith("354") else ""), []


class Gathering:
    """A gatherer that is told of sessions."""

    def __init__(self, *expected: str, keep: bool = True) -> None:
        self.expectations = Expectations([read_expectation(text) for text in expected])
        self.gatherer = Gatherer(keep, self.expectations)
        self._numbers = itertools.count(1)

    def session(self, text: str, how: str = "quit", rules: dict[str, str] | None = None) -> Session:
        """Tell of a whole session; `rules` are the names of those that answer, by stage."""
        session = self.begin()
        self.tell(session, text, rules or {})
        self.end(session, how)
        return session

    def begin(self) -> Session:
        """Tell that a session begins."""
        number = next(self._numbers)
        session = a_session(number, f"run-{number}")
        self.gatherer.began(session)
        return session

    def end(self, session: Session, how: str = "quit") -> None:
        """Tell that it ends."""
        session.ended = NOON + 1
        self.gatherer.ended(session, how)

    def tell(self, session: Session, text: str, rules: dict[str, str] | None = None) -> None:
        """Tell of exchanges, mail data among them."""
        for stage, sent, heard in _exchanges(text):
            line = "" if stage or not sent else sent[0]
            name = stage or parse_command(wire([line])).verb
            if stage == "END-OF-DATA":
                self.gatherer.mail_data(session, MailData(wire(sent), True))
            rule = (rules or {}).get(name, "")
            reply = "\r\n".join(heard) if heard else None
            entry = an_entry(name, line, reply, by="rule" if rule else "upstream", rule=rule)
            self.gatherer.exchanged(session, entry)

    def report(self) -> RunReport:
        """Return the report."""
        return self.gatherer.report("relay", "sink:", NOON, NOON + 2, [], [])

    @property
    def sessions(self) -> list[ReportedSession]:
        """What is told of the sessions."""
        return self.report().sessions

    @property
    def transactions(self) -> list[ReportedTransaction]:
        """What is told of all mail transactions."""
        return [done for session in self.sessions for done in session.transactions]

    def unmet(self) -> list[str]:
        """Return what is not as expected."""
        return self.expectations.unmet(self.gatherer.totals)
