"""The statistics count what clients heard, by stage and code, and time what upstream said."""

from __future__ import annotations

import json

import pytest

from smtpproxy.figures import Recipients, Report
from smtpproxy.reasons import Reason, Reasons
from smtpproxy.smtp.facts import Chunk, Command, MailData
from smtpproxy.statistics import Statistics
from smtpproxy.transcript import Note, Session
from tests.observed import NOON, SERVER, a_session, an_entry

MESSAGE = [
    ("CONNECT", "", "220 mail.example.org"),
    ("EHLO", "EHLO app.example.org", "250-mail.example.org\r\n250 PIPELINING"),
    ("MAIL", "MAIL FROM:<a@example.org>", "250 2.1.0 Ok"),
    ("RCPT", "RCPT TO:<b@example.net>", "250 2.1.5 Ok"),
    ("RCPT", "RCPT TO:<c@example.net>", "550 5.1.1 No such user"),
    ("RCPT", "RCPT TO:<d@Example.COM>", "250 2.1.5 Ok"),
    ("DATA", "DATA", "354 Go on"),
    ("END-OF-DATA", "", "250 2.0.0 Queued"),
    ("QUIT", "QUIT", "221 2.0.0 Bye"),
]


def play(
    statistics: Statistics, session: Session, *exchanges: tuple[str, str, str | None]
) -> Statistics:
    """Let the statistics hear these exchanges, and the session's state follow them."""
    for stage, sent, heard in exchanges:
        entry = an_entry(stage, sent, heard)
        statistics.exchanged(session, entry)
        if entry.heard is not None:
            command = Command(stage, entry.sent) if sent else None
            session.state.observe(stage, command, entry.heard.code)
    return statistics


def counted(*exchanges: tuple[str, str, str | None]) -> Report:
    """Return what the statistics say of one session with these exchanges."""
    statistics, session = Statistics(), a_session()
    statistics.began(session)
    play(statistics, session, *exchanges)
    statistics.ended(session, "quit")
    return statistics.report()


def lmtp(*replies: tuple[str, str]) -> Report:
    """Return what is said of a message in LMTP, whose recipients have these replies."""
    statistics, session = Statistics(), a_session()
    for number, (recipient, heard) in enumerate(replies, 1):
        entry = an_entry("END-OF-DATA", "", heard)
        entry.recipient, entry.more = recipient, number < len(replies)
        entry.continues = number > 1
        statistics.exchanged(session, entry)
    return statistics.report()


def test_nothing_was_counted_yet() -> None:
    """Before the first session everything is nought."""
    report = Statistics().report()
    assert (report.sessions, report.messages, report.matrix) == (0, 0, {})
    assert (report.domains, report.upstreams) == ({}, {})


def test_a_session_is_counted() -> None:
    """One message for two of three recipients: each figure, as counted by hand."""
    report = counted(*MESSAGE)
    assert (report.sessions, report.transactions, report.messages) == (1, 1, 1)
    assert report.recipients == Recipients(accepted=2, refused=1)
    assert report.ended == {"quit": 1}
    assert report.matrix == {
        "CONNECT": {220: 1},
        "EHLO": {250: 1},
        "MAIL": {250: 1},
        "RCPT": {250: 2, 550: 1},
        "DATA": {354: 1},
        "END-OF-DATA": {250: 1},
        "QUIT": {221: 1},
    }


def test_sessions_add_up() -> None:
    """One object counts every session of a run."""
    statistics = Statistics()
    for number in (1, 2, 3):
        session = a_session(number)
        statistics.began(session)
        play(statistics, session, *MESSAGE)
    report = statistics.report()
    assert (report.sessions, report.messages) == (3, 3)
    assert report.matrix["RCPT"] == {250: 6, 550: 3}


def test_what_the_client_heard_counts() -> None:
    """A reply that a rule changed is counted as it was heard, an unanswered one not at all."""
    statistics, session = Statistics(), a_session()
    changed = an_entry("RCPT", "RCPT TO:<b@example.net>", "450 No", by="rule", said="250 Ok")
    statistics.exchanged(session, changed)
    statistics.exchanged(session, an_entry("NOOP", "NOOP", None))
    report = statistics.report()
    assert report.matrix == {"RCPT": {450: 1}}
    assert report.domains == {"example.net": {"RCPT": {450: 1}}}


def test_only_what_upstream_said_is_timed() -> None:
    """A reply that a rule made up took upstream no time; one that nobody heard took some."""
    statistics, session = Statistics(), a_session()
    for seconds in (0.010, 0.020, 0.500):
        entry = an_entry("RCPT", "RCPT TO:<b@example.net>", "250 Ok")
        entry.seconds = seconds
        statistics.exchanged(session, entry)
    made_up = an_entry("RCPT", "RCPT TO:<b@example.net>", "450 No", by="rule")
    unheard = an_entry("DATA", "DATA", None, said="354 Go on")
    statistics.exchanged(session, made_up)
    statistics.exchanged(session, unheard)
    report = statistics.report()
    rcpt = report.reply_ms["RCPT"]
    assert rcpt.count == 3
    assert (rcpt.p50, rcpt.p95, rcpt.p99) == pytest.approx((20, 500, 500), rel=0.03)
    assert report.reply_ms["DATA"].count == 1
    assert report.matrix == {"RCPT": {250: 3, 450: 1}}


@pytest.mark.parametrize(
    ("stage", "sent", "heard", "messages"),
    [
        ("END-OF-DATA", "", "250 2.0.0 Queued", 1),
        ("END-OF-DATA", "", "451 4.3.0 No", 0),
        ("END-OF-DATA", "", "552 5.3.4 No", 0),
        ("END-OF-DATA", "", None, 0),
        ("DATA", "DATA", "250 What?", 0),
        ("BDAT", "BDAT 5", "250 2.0.0 Ok", 0),
        ("BDAT", "BDAT 5 LAST", "250 2.0.0 Queued", 1),
        ("BDAT", "bdat 0 last", "250 2.0.0 Queued", 1),
        ("BDAT", "BDAT 5 LAST", "552 5.3.4 No", 0),
        # RFC 5321 §4.1.1: blanks before the CRLF are to be tolerated.
        ("BDAT", "BDAT 5 LAST ", "250 2.0.0 Queued", 1),
    ],
)
def test_message_is_what_a_server_took(
    stage: str, sent: str, heard: str | None, messages: int
) -> None:
    """A 2xx at the end of mail data, or to the last chunk (RFC 3030 §2), makes a message."""
    assert counted((stage, sent, heard)).messages == messages


def test_octets_of_mail_data_are_counted() -> None:
    """Mail data and chunks both count, as they were sent."""
    statistics = Statistics()
    statistics.mail_data(a_session(), MailData(b"Subject: x\r\n", last=False))
    statistics.mail_data(a_session(), MailData(b".\r\n", last=True))
    statistics.mail_data(a_session(), Chunk(b"hello", last=True))
    assert statistics.report().mail_data_octets == 12 + 3 + 5


def test_ends_are_counted_by_name() -> None:
    """How sessions ended is told, the most usual first."""
    statistics = Statistics()
    for number, how in enumerate(["quit", "client-drop", "quit", "timeout"]):
        statistics.began(a_session(number))
        statistics.ended(a_session(number), how)
    ended = [("quit", 2), ("client-drop", 1), ("timeout", 1)]
    assert list(statistics.report().ended.items()) == ended


def test_anomalies_are_counted_by_name() -> None:
    """Those of a reply and those in mail data add up; another fact is no anomaly."""
    statistics, session = Statistics(), a_session()
    entry = an_entry("NOOP", "NOOP\r", "250 Ok")
    entry.odd = ("bare-cr", "nul")
    statistics.exchanged(session, entry)
    statistics.noted(session, Note("bare-cr", "mail data", b"", NOON))
    statistics.noted(session, Note("opaque", "STARTTLS", b"", NOON))
    assert statistics.report().anomalies == {"bare-cr": 2, "nul": 1}


def test_invented_verbs_do_not_grow_the_matrix_without_end() -> None:
    """A hostile client gets a hundred stages of its own, and one for all others."""
    invented = [(f"X{number}", f"X{number}", "500 5.5.2 What?") for number in range(1000)]
    report = counted(*invented)
    assert len(report.matrix) == len(report.reply_ms) == 101
    assert report.matrix["(other)"] == {500: 900}


def test_invented_verbs_do_not_hide_what_is_real() -> None:
    """Stages of the protocol keep their names, and messages count, however many were invented."""
    invented = [(f"X{number}", f"X{number}", "500 5.5.2 What?") for number in range(200)]
    report = counted(*invented, *MESSAGE)
    assert report.messages == 1
    assert report.matrix["END-OF-DATA"] == {250: 1}


# By recipient domain.


def test_a_message_counts_for_each_domain_that_was_accepted() -> None:
    """RCPTs count for their own domain, the one reply to a message for each, but once."""
    refused = ("RCPT", "RCPT TO:<e@refused.example>", "554 5.7.1 No")
    again = ("RCPT", "RCPT TO:<f@example.net>", "250 2.1.5 Ok")
    assert counted(*MESSAGE[:6], refused, again, *MESSAGE[6:]).domains == {
        "example.net": {"RCPT": {250: 2, 550: 1}, "END-OF-DATA": {250: 1}},
        "example.com": {"RCPT": {250: 1}, "END-OF-DATA": {250: 1}},
        "refused.example": {"RCPT": {554: 1}},
    }


def test_a_message_counts_for_its_own_recipients_alone() -> None:
    """The recipients of an earlier transaction are forgotten."""
    later = ("RCPT", "RCPT TO:<b@later.example>", "250 2.1.5 Ok")
    report = counted(*MESSAGE[:8], MESSAGE[2], later, *MESSAGE[6:])
    assert report.domains["later.example"] == {"RCPT": {250: 1}, "END-OF-DATA": {250: 1}}
    assert report.domains["example.com"] == {"RCPT": {250: 1}, "END-OF-DATA": {250: 1}}


def test_the_last_chunk_counts_for_each_domain() -> None:
    """RFC 3030 §2: BDAT LAST ends a message, the chunks before it do not."""
    chunks = [("BDAT", "BDAT 5", "250 Ok"), ("BDAT", "BDAT 5 LAST", "250 Queued")]
    report = counted(*MESSAGE[:4], *chunks)
    assert report.domains == {"example.net": {"RCPT": {250: 1}, "BDAT": {250: 1}}}


def test_each_reply_of_lmtp_counts_for_its_recipients_domain() -> None:
    """RFC 2033 §4.2: a reply a recipient; it is one message, taken if anyone has it."""
    report = lmtp(
        ("a@one.example", "250 Ok"), ("b@two.example", "452 Full"), ("c@ONE.example", "250 Ok")
    )
    assert report.messages == 1
    assert report.domains == {
        "one.example": {"END-OF-DATA": {250: 2}},
        "two.example": {"END-OF-DATA": {452: 1}},
    }


def test_replies_for_all_recipients_of_prdr_count_for_no_domain() -> None:
    """Around the replies to each stand 353 and one for all, which decides."""
    report = lmtp(("", "353 Go on"), ("a@one.example", "250 Ok"), ("", "550 No"))
    assert report.messages == 0
    assert report.domains == {"one.example": {"END-OF-DATA": {250: 1}}}


# By upstream, and by reason.


def test_each_upstream_has_its_own_figures() -> None:
    """Whatever is counted is counted of the session's upstream, and of all."""
    statistics, other = Statistics(), a_session(2)
    other.upstream = "tcp:other.example.org:25"
    for session, exchanges in ((a_session(), MESSAGE), (other, MESSAGE[:2])):
        statistics.began(session)
        play(statistics, session, *exchanges)
        statistics.mail_data(session, MailData(b"12345", last=False))
        statistics.ended(session, "quit")
    report = statistics.report()
    assert list(report.upstreams) == [SERVER, "tcp:other.example.org:25"]
    mine, its = report.upstreams.values()
    assert (mine.sessions, mine.messages, mine.recipients.refused) == (1, 1, 1)
    assert (its.sessions, its.messages, its.mail_data_octets) == (1, 0, 5)
    assert its.matrix == {"CONNECT": {220: 1}, "EHLO": {250: 1}}
    assert report.matrix["CONNECT"] == {220: 2}
    assert (report.sessions, report.mail_data_octets) == (2, 10)
    assert report.reply_ms["CONNECT"].count == 2


def test_refusals_are_counted_by_reason() -> None:
    """Each 4xx and 5xx that a client heard has one, whoever said it; other replies have none."""
    rules = [Reason("InvalidRecipient", "(?i)no such user"), Reason("SpamBlock", "spam|Ok")]
    statistics = Statistics(Reasons(rules))
    play(
        statistics,
        a_session(),
        *MESSAGE,
        ("MAIL", "MAIL FROM:<a@example.org>", "554 5.7.1 spam"),
        ("MAIL", "MAIL FROM:<a@example.org>", "450 4.2.0 spam"),
        ("RCPT", "RCPT TO:<b@example.net>", "450 4.2.0 spam"),
        ("NOOP", "NOOP", "421 4.3.2 Later"),
    )
    reasons = [("SpamBlock", 3), ("InvalidRecipient", 1), ("Uncategorized", 1)]
    assert list(statistics.report().reasons.items()) == reasons


def test_json_is_plain() -> None:
    """The report's values survive JSON; codes are texts there, since they are keys."""
    statistics = Statistics()
    report = play(statistics, a_session(), *MESSAGE).as_json()
    assert json.loads(json.dumps(report)) == report
    assert (next(iter(report)), report["version"], report["messages"]) == ("version", 1, 1)
    assert report["matrix"]["RCPT"] == {"250": 2, "550": 1}
