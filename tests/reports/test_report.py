"""What each session did: transactions and how they came out, and how much of it is kept."""

from __future__ import annotations

import msgspec
import pytest

from smtpproxy.reports import report as module
from smtpproxy.reports.reported import (
    ABANDONED,
    ACCEPTED,
    REFUSED,
    UNFINISHED,
    Attempt,
    ReportedMessage,
    ReportedMiss,
    ReportedReply,
)
from smtpproxy.smtp.facts import Chunk, Reply
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Note
from tests.gathering import LETTER, OPENING, QUIT, Gathering
from tests.observed import NOON, an_entry

ENVELOPE = LETTER.partition("C: DATA")[0]
TAKEN = ReportedReply(250, "upstream", "Ok: queued as 1", "2.0.0")


def test_a_letter_that_was_taken() -> None:
    """Envelope, headers, size, and the final reply, which is that of the recipient, too."""
    gathering = Gathering()
    gathering.session(OPENING + LETTER + QUIT)
    (done,) = gathering.transactions
    assert (done.number, done.reverse_path, done.outcome) == (1, "a@example.org", ACCEPTED)
    assert done.mail == ReportedReply(250, "upstream", "Ok", "2.1.0")
    (recipient,) = done.recipients
    assert (recipient.address, recipient.stage) == ("b@example.net", "END-OF-DATA")
    assert recipient.reply == done.reply == TAKEN
    message = "Subject: hello\r\nMessage-ID: <1@app.example.org>\r\n\r\nHi.\r\n"
    headers = [("Subject", "hello"), ("Message-ID", "<1@app.example.org>")]
    assert done.message == ReportedMessage(len(message), headers, False)


def test_who_spoke_with_whom_and_how_it_ended() -> None:
    """A session is told by its label, with both peers, its times, and its end."""
    gathering = Gathering()
    gathering.session(OPENING + QUIT)
    (session,) = gathering.sessions
    assert (session.session, session.client) == ("run-1", "192.0.2.7:40001")
    assert session.upstream == "tcp:mail.example.org:25"
    assert (session.started, session.ended) == (
        "2026-11-23T12:00:00.000Z",
        "2026-11-23T12:00:01.000Z",
    )
    assert (session.how, session.transactions) == ("quit", [])


@pytest.mark.parametrize(
    ("dialogue", "how", "outcome", "code"),
    [
        ("C: MAIL FROM:<a@x>\nS: 552 5.3.4 Large\n" + QUIT, "quit", REFUSED, 552),
        ("C: MAIL FROM:<a@x>\nS: -\n", "upstream-drop", UNFINISHED, None),
        (ENVELOPE + "C: RSET\nS: 250 Ok\n" + QUIT, "quit", ABANDONED, 0),
        (ENVELOPE + QUIT, "quit", ABANDONED, 0),
        (ENVELOPE, "client-drop", UNFINISHED, 0),
        (ENVELOPE + "C: RSET\nS: 500 what\n", "client-drop", UNFINISHED, 0),
        (ENVELOPE.replace("250 2.1.5 Ok", "550 5.1.1 No") + QUIT, "quit", REFUSED, 0),
        (ENVELOPE.replace("250 2.1.5 Ok", "550 5.1.1 No"), "client-drop", REFUSED, 0),
        (ENVELOPE + "C: DATA\nS: 451 4.3.0 Later\n" + QUIT, "quit", REFUSED, 451),
        (LETTER.replace("250 2.0.0 Ok:", "554 5.6.0 Spam:") + QUIT, "quit", REFUSED, 554),
        (LETTER.replace("250 2.0.0 Ok: queued as 1", "-"), "upstream-drop", UNFINISHED, None),
        (LETTER.partition("C: Subject")[0], "client-drop", UNFINISHED, 0),
        (ENVELOPE + "C: DATA\nS: 250 2.0.0 What\n" + QUIT, "quit", ABANDONED, 250),
    ],
)
def test_how_a_transaction_comes_out(
    dialogue: str, how: str, outcome: str, code: int | None
) -> None:
    """Refused is what has a 4xx or 5xx for all of it; a code of 0 says that nothing decided."""
    gathering = Gathering()
    gathering.session(OPENING + dialogue, how)
    (done,) = gathering.transactions
    assert done.outcome == outcome
    assert (done.reply.code if isinstance(done.reply, ReportedReply) else 0) == code


def test_a_recipient_that_was_refused_keeps_its_reply() -> None:
    """One of two is refused by a rule: its reply is final, and the other has the message's."""
    refusal = "C: RCPT TO:<c@example.net>\nS: 450 4.2.0 Later\nC: DATA"
    gathering = Gathering()
    gathering.session(OPENING + LETTER.replace("C: DATA", refusal) + QUIT)
    (done,) = gathering.transactions
    first, second = done.recipients
    assert (first.stage, first.reply) == ("END-OF-DATA", TAKEN)
    assert (second.stage, second.reply.code) == ("RCPT", 450)
    totals = gathering.report().totals
    assert (totals.messages, totals.recipients_accepted, totals.recipients_refused) == (1, 1, 1)


def test_in_lmtp_each_recipient_has_a_reply_of_its_own() -> None:
    """RFC 2033 §4.2: the message is taken if one of them has it."""
    gathering = Gathering()
    session = gathering.begin()
    two = ENVELOPE + "C: RCPT TO:<c@example.net>\nS: 250 2.1.5 Ok\nC: DATA\nS: 354 go\n"
    gathering.tell(session, OPENING + two)
    for recipient, heard, more in (("b@", "550 5.2.1 Full", True), ("c@", "250 2.0.0 Ok", False)):
        entry = an_entry("END-OF-DATA", "", heard)
        entry.recipient, entry.more, entry.continues = f"{recipient}example.net", more, not more
        gathering.gatherer.exchanged(session, entry)
    gathering.end(session)
    (done,) = gathering.transactions
    assert done.outcome == ACCEPTED
    assert [(one.address, one.reply.code) for one in done.recipients] == [
        ("b@example.net", 550),
        ("c@example.net", 250),
    ]


def test_chunks_are_one_message() -> None:
    """RFC 3030: the size is that of all chunks, and headers may be cut by them."""
    gathering = Gathering()
    session = gathering.begin()
    gathering.tell(session, OPENING + ENVELOPE)
    for sent, octets in (("BDAT 10", b"Subject: h"), ("BDAT 10 LAST", b"ello\r\n\r\nHi")):
        gathering.gatherer.mail_data(session, Chunk(octets[:4], False))
        gathering.gatherer.mail_data(session, Chunk(octets[4:], True))
        gathering.gatherer.exchanged(session, an_entry("BDAT", sent, "250 2.0.0 Ok"))
    gathering.end(session)
    (done,) = gathering.transactions
    assert done.outcome == ACCEPTED
    assert done.message == ReportedMessage(20, [("Subject", "hello")], False)


def test_which_rules_answered() -> None:
    """Each reply that a rule gave counts, in its session and in all."""
    gathering = Gathering()
    for _ in range(2):
        gathering.session(OPENING + LETTER + LETTER + QUIT, rules={"RCPT": "greylist"})
    assert [session.rules for session in gathering.sessions] == [{"greylist": 2}] * 2
    assert gathering.report().rules == {"greylist": 4}
    assert gathering.transactions[0].recipients[0].reply == TAKEN


@pytest.mark.parametrize(
    ("first", "how"),
    [
        (LETTER.replace("250 2.0.0", "451 4.3.0"), "quit"),
        (LETTER.replace("250 2.0.0 Ok: queued as 1", "-"), "upstream-drop"),
        (LETTER.replace("250 2.1.5 Ok", "450 4.2.0 Later").partition("C: DATA")[0], "quit"),
    ],
)
def test_a_message_that_comes_again_is_a_retry(first: str, how: str) -> None:
    """The same envelope and Message-ID after a 4xx or a drop; and not once it was taken."""
    gathering = Gathering()
    gathering.session(OPENING + first, how)
    for _ in range(2):
        gathering.session(OPENING + LETTER + QUIT)
    assert [done.retry_of for done in gathering.transactions] == [
        msgspec.UNSET,
        Attempt("run-1", 1),
        msgspec.UNSET,
    ]
    assert gathering.report().totals.retries == 1


def test_recipients_that_were_deferred_are_tried_on_their_own() -> None:
    """A client tries again for those alone that had a 4xx."""
    deferred = "C: RCPT TO:<c@example.net>\nS: 450 4.2.0 Later\nC: DATA"
    gathering = Gathering()
    gathering.session(OPENING + LETTER.replace("C: DATA", deferred) + QUIT)
    gathering.session(OPENING + LETTER.replace("<b@", "<c@") + QUIT)
    assert gathering.transactions[1].retry_of == Attempt("run-1", 1)


@pytest.mark.parametrize(
    ("old", "new"), [("<1@", "<2@"), ("<a@", "<z@"), ("<b@", "<z@"), ("250 2.0.0", "554 5.0.0")]
)
def test_what_is_no_retry(old: str, new: str) -> None:
    """Another message, sender or recipient is another one; a 5xx is not tried again."""
    first = LETTER.replace("250 2.0.0", "451 4.3.0")
    second = LETTER
    if old.startswith("250"):
        first = LETTER.replace(old, new)
    else:
        second = LETTER.replace(old, new)
    gathering = Gathering()
    gathering.session(OPENING + first + second + QUIT)
    assert [done.retry_of for done in gathering.transactions] == [msgspec.UNSET] * 2


def test_the_tls_of_each_leg() -> None:
    """What is known of a leg's TLS, or why there is none."""
    gathering = Gathering()
    session = gathering.begin()
    facts = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "mail.example.org", "", "", "")
    gathering.gatherer.noted(session, Note("tls", "client", b"", NOON, facts))
    gathering.gatherer.noted(session, Note("tls-failed", "upstream: no\x1b trust", b"", NOON))
    gathering.end(session)
    (told,) = gathering.sessions
    assert [*told.tls] == ["client"]
    assert (told.tls["client"].version, told.tls["client"].sni) == ("TLSv1.3", "mail.example.org")
    assert told.tls_failed == {"upstream": "no\\x1b trust"}


def test_a_session_that_goes_on_is_told_of() -> None:
    """The report can be asked for at any time."""
    gathering = Gathering()
    gathering.tell(gathering.begin(), OPENING + LETTER)
    (session,) = gathering.sessions
    assert (session.ended, session.how, len(session.transactions)) == (None, "", 1)


def test_a_miss_is_told_with_its_session() -> None:
    """The misses are a list, and each session has the numbers of its own."""
    gathering = Gathering()
    gathering.begin()
    gathering.begin()
    miss = ReportedMiss(number=1, session="run-2", verdict="missing", stage="VRFY", sent="VRFY b")
    gathering.gatherer.missed(miss)
    report = gathering.report()
    assert report.misses == [miss]
    assert [session.misses for session in report.sessions] == [[], [1]]
    assert report.totals.misses == 1


def test_of_a_long_run_the_latest_sessions_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Older ones are counted, and the report says how many."""
    monkeypatch.setattr(module, "MOST_SESSIONS", 3)
    gathering = Gathering()
    for _ in range(5):
        gathering.session(OPENING + LETTER + QUIT)
    report = gathering.report()
    assert [session.session for session in report.sessions] == ["run-3", "run-4", "run-5"]
    assert (report.not_kept, report.totals.sessions, report.totals.messages) == (2, 5, 5)


def test_large_sessions_leave_room_for_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is octets that are bounded, also while a session goes on."""
    monkeypatch.setattr(module, "MOST_OCTETS", 5000)
    gathering = Gathering()
    for _ in range(9):
        gathering.session(OPENING + LETTER + QUIT)
    report = gathering.report()
    assert 0 < len(report.sessions) < 9
    assert report.not_kept == 9 - len(report.sessions)
    gathering.session(OPENING + LETTER * 20 + QUIT)
    (session,) = gathering.sessions
    assert 0 < len(session.transactions) < 20
    assert session.more_transactions == 20 - len(session.transactions)
    assert gathering.report().totals.messages == 29


def test_of_one_session_and_one_transaction_so_much_is_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Transactions and recipients beyond a bound are counted, accepted ones and refused ones."""
    monkeypatch.setattr(module, "MOST_TRANSACTIONS", 2)
    monkeypatch.setattr(module, "MOST_RECIPIENTS", 2)
    more = "".join(f"C: RCPT TO:<r{n}@example.net>\nS: 250 2.1.5 Ok\n" for n in range(3))
    refused = "C: RCPT TO:<x@example.net>\nS: 550 5.1.1 No\nC: DATA"
    gathering = Gathering()
    gathering.session(OPENING + LETTER.replace("C: DATA", more + refused) * 3 + QUIT)
    (session,) = gathering.sessions
    assert (len(session.transactions), session.more_transactions) == (2, 1)
    (first, _) = session.transactions
    assert (len(first.recipients), first.more_recipients) == (2, 3)
    totals = gathering.report().totals
    assert (totals.recipients_accepted, totals.recipients_refused) == (12, 3)


def test_nothing_is_kept_where_nobody_wants_it() -> None:
    """Without a report, what is expected can still be known."""
    gathering = Gathering("messages=1", "subject=hello", keep=False)
    gathering.session(OPENING + LETTER + QUIT)
    assert gathering.sessions == []
    assert gathering.unmet() == []


def test_what_peers_sent_is_fit_to_be_shown() -> None:
    """Addresses, headers and replies hold no control characters, and are cut."""
    hostile = LETTER.replace("<b@", "<\x1b[31m@").replace("hello", "\x1b]0;x\x07")
    hostile = hostile.replace("queued as 1", "\x1b" + "x" * 5000)
    gathering = Gathering()
    gathering.session(OPENING + hostile + QUIT)
    encoded = msgspec.json.encode(gathering.report())
    assert b"\\\\x1b[31m@example.net" in encoded
    assert b"\\u001b" not in encoded
    assert len(encoded) < 5000


def test_exchanges_outside_a_transaction_are_none() -> None:
    """RCPT, DATA and mail data before MAIL are no transaction, and break nothing."""
    gathering = Gathering()
    session = gathering.begin()
    gathering.tell(session, OPENING + "C: RCPT TO:<b@x>\nS: 503 5.5.1 MAIL first\n")
    gathering.tell(
        session,
        "C: DATA\nS: 354 go\nC: Hi.\nC: .\nS: 250 taken\n",
    )
    gathering.end(session)
    assert gathering.transactions == []
    assert gathering.report().totals.messages == 0


def test_a_reply_is_told_without_its_codes() -> None:
    """Text, enhanced status code and code are fields of their own."""
    gathering = Gathering()
    session = gathering.begin()
    entry = an_entry("MAIL", "MAIL FROM:<>", "250 x")
    entry.heard = Reply(550, b"550-5.1.1 one\r\n550 5.1.1 two\r\n")
    gathering.gatherer.exchanged(session, entry)
    (done,) = gathering.transactions
    assert (done.reverse_path, done.mail) == (
        "",
        ReportedReply(550, "upstream", "one\ntwo", "5.1.1"),
    )
