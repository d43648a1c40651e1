"""Whole sessions, made up and broken at random: whatever happens can be told."""

from __future__ import annotations

import msgspec
from hypothesis import given, settings

from smtpproxy.reports.expectations import Expectations
from smtpproxy.reports.report import Gatherer
from smtpproxy.reports.reported import (
    ABANDONED,
    ACCEPTED,
    REFUSED,
    UNFINISHED,
    ReportedReply,
    RunReport,
)
from smtpproxy.statistics import Statistics
from smtpproxy.tools.expecting import read_expectation
from smtpproxy.transcript import Transcript
from tests.generated import Session, broken_sessions, sessions
from tests.observed import NOON, a_session
from tests.relaying import Event, Relaying

EXPECTED = [read_expectation(text) for text in ("messages=0", "recipient=*")]


def told(events: list[Event]) -> tuple[RunReport, Statistics]:
    """Return the report of one session, and its statistics."""
    gatherer, statistics = Gatherer(True, Expectations(EXPECTED)), Statistics()
    transcript = Transcript(a_session(), [gatherer, statistics], lambda: NOON)
    Relaying(transcript).play(events)
    return gatherer.report("relay", "", NOON, NOON, [], []), statistics


@settings(max_examples=300, deadline=None)
@given(broken_sessions())
def test_every_session_can_be_told(events: list[Event]) -> None:
    """A report is what its types say, whoever broke what off."""
    report, _ = told(events)
    assert msgspec.json.decode(msgspec.json.encode(report), type=RunReport) == report
    for session in report.sessions:
        for number, done in enumerate(session.transactions, start=1):
            assert done.number == number
            assert done.outcome in (ACCEPTED, REFUSED, ABANDONED, UNFINISHED)
            assert isinstance(done.mail, ReportedReply)


@settings(max_examples=300, deadline=None)
@given(sessions())
def test_the_report_and_the_statistics_agree(session: Session) -> None:
    """Transactions that were begun are those whose MAIL had a 2xx; no message without a 2xx.

    In LMTP a message that one recipient gets is one, whatever the last of its replies is.
    """
    report, statistics = told(session.events)
    figures = statistics.report()
    begun = [
        done
        for one in report.sessions
        for done in one.transactions
        if done.mail.code is not None and done.mail.code // 100 == 2
    ]
    assert len(begun) == figures.transactions
    taken = [
        count
        for stage in ("END-OF-DATA", "BDAT")
        for code, count in figures.matrix.get(stage, {}).items()
        if code // 100 == 2
    ]
    assert report.totals.messages <= sum(taken)
