"""The statistics count what clients heard, by stage and code."""

from __future__ import annotations

import json

import pytest

from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.statistics import Statistics
from tests.observed import a_session, an_entry

MESSAGE = [
    ("CONNECT", "", "220 mail.example.org"),
    ("EHLO", "EHLO app.example.org", "250-mail.example.org\r\n250 PIPELINING"),
    ("MAIL", "MAIL FROM:<a@example.org>", "250 2.1.0 Ok"),
    ("RCPT", "RCPT TO:<b@example.net>", "250 2.1.5 Ok"),
    ("RCPT", "RCPT TO:<c@example.net>", "550 5.1.1 No such user"),
    ("RCPT", "RCPT TO:<d@example.net>", "250 2.1.5 Ok"),
    ("DATA", "DATA", "354 Go on"),
    ("END-OF-DATA", "", "250 2.0.0 Queued"),
    ("QUIT", "QUIT", "221 2.0.0 Bye"),
]


def counted(*exchanges: tuple[str, str, str | None]) -> Statistics:
    """Return the statistics of one session with these exchanges."""
    statistics, session = Statistics(), a_session()
    statistics.began(session)
    for stage, sent, heard in exchanges:
        statistics.exchanged(session, an_entry(stage, sent, heard))
    statistics.ended(session, "quit")
    return statistics


def test_nothing_was_counted_yet() -> None:
    """Before the first session everything is nought."""
    statistics = Statistics()
    assert (statistics.sessions, statistics.messages, statistics.matrix()) == (0, 0, {})
    assert statistics.as_text() == "0 sessions, 0 messages"


def test_matrix_counts_every_reply_in_the_order_of_a_session() -> None:
    """Stages come as in a session, and codes by number."""
    matrix = counted(*reversed(MESSAGE)).matrix()
    assert list(matrix.items()) == [
        ("CONNECT", {220: 1}),
        ("EHLO", {250: 1}),
        ("MAIL", {250: 1}),
        ("RCPT", {250: 2, 550: 1}),
        ("DATA", {354: 1}),
        ("END-OF-DATA", {250: 1}),
        ("QUIT", {221: 1}),
    ]
    assert list(matrix["RCPT"]) == [250, 550]


def test_sessions_add_up() -> None:
    """One object counts every session of a run."""
    statistics = Statistics()
    for number in (1, 2, 3):
        session = a_session(number)
        statistics.began(session)
        for exchange in MESSAGE:
            statistics.exchanged(session, an_entry(*exchange))
    assert (statistics.sessions, statistics.messages) == (3, 3)
    assert statistics.matrix()["RCPT"] == {250: 6, 550: 3}


def test_what_the_client_heard_counts() -> None:
    """A reply that a rule changed is counted as it was heard, an unanswered one not at all."""
    statistics, session = Statistics(), a_session()
    changed = an_entry("RCPT", "RCPT TO:<b@example.net>", "450 No", by="rule", said="250 Ok")
    statistics.exchanged(session, changed)
    statistics.exchanged(session, an_entry("NOOP", "NOOP", None))
    assert statistics.matrix() == {"RCPT": {450: 1}}


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
    assert statistics.as_json()["mail_data_octets"] == 12 + 3 + 5


def test_invented_verbs_do_not_grow_the_matrix_without_end() -> None:
    """A hostile client gets a hundred stages of its own, and one for all others."""
    invented = [(f"X{number}", f"X{number}", "500 5.5.2 What?") for number in range(1000)]
    matrix = counted(*invented).matrix()
    assert len(matrix) <= 101
    assert matrix["(other)"][500] == 1000 - (len(matrix) - 1)


def test_invented_verbs_do_not_hide_what_is_real() -> None:
    """Stages of the protocol keep their names, and messages count, however many were invented."""
    invented = [(f"X{number}", f"X{number}", "500 5.5.2 What?") for number in range(200)]
    statistics = counted(*invented, *MESSAGE)
    assert statistics.messages == 1
    assert statistics.matrix()["END-OF-DATA"] == {250: 1}


def test_text_is_a_line_a_stage() -> None:
    """The table has a head, and beneath it every stage with its codes and counts."""
    head, *rows = counted(*MESSAGE).as_text().splitlines()
    assert head.startswith("1 sessions, 1 messages")
    assert [row.split() for row in rows if "RCPT" in row or "MAIL" in row] == [
        ["MAIL", "250", "x", "1"],
        ["RCPT", "250", "x", "2", "550", "x", "1"],
    ]
    assert len(rows) == 7


def test_json_is_plain() -> None:
    """The report's values survive JSON; codes are texts there, since they are keys."""
    report = counted(*MESSAGE).as_json()
    assert json.loads(json.dumps(report)) == report
    assert (report["sessions"], report["messages"]) == (1, 1)
    assert report["matrix"]["RCPT"] == {"250": 2, "550": 1}
