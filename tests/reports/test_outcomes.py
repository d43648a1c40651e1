"""How mail transactions come out, and how what was said is told."""

import pytest

from smtpproxy.reports.outcomes import address_of, header, reply_of, size_of, tried_again
from smtpproxy.reports.reported import ReportedReply
from tests.gathering import LETTER, OPENING, QUIT, Gathering
from tests.observed import an_entry


@pytest.mark.parametrize(
    ("stage", "sent", "address"),
    [
        ("MAIL", "MAIL FROM:<a@example.org> SIZE=1", "a@example.org"),
        ("MAIL", "mail from:<>", ""),
        ("RCPT", "RCPT TO:<@relay.example.com:b@example.net>", "b@example.net"),
        ("RCPT", "RCPT b@example.net", "b@example.net"),
        ("RCPT", "RCPT TO:<\x1b@x>", "\\x1b@x"),
    ],
)
def test_an_address_or_what_was_sent_for_one(stage: str, sent: str, address: str) -> None:
    """Without angle brackets and source route, and fit to be shown."""
    assert address_of(an_entry(stage, sent, "250 Ok")) == address


@pytest.mark.parametrize(
    ("code", "again"), [(None, True), (450, True), (421, True), (250, False), (550, False)]
)
def test_what_a_client_tries_again(code: int | None, again: bool) -> None:
    """After a 4xx, or after no answer at all (RFC 5321 §4.5.4.1)."""
    assert tried_again(code) is again


def test_no_answer_is_told_as_that() -> None:
    """With the rule that saw to it."""
    entry = an_entry("RCPT", "RCPT TO:<b@x>", None, by="rule", rule="drop")
    assert reply_of(entry) == ReportedReply(None, "rule", rule="drop")


def test_a_header_field_by_name() -> None:
    """The first of that name, in any case, or nothing."""
    gathering = Gathering()
    gathering.session(OPENING + LETTER.replace("Subject", "SUBJECT") + QUIT)
    (done,) = gathering.transactions
    assert header(done, "subject") == "hello"
    assert header(done, "date") == ""


def test_long_headers_weigh_more() -> None:
    """What a transaction takes follows what is kept of it."""
    gathering = Gathering()
    gathering.session(OPENING + LETTER + LETTER.replace("hello", "x" * 5000) + QUIT)
    light, heavy = map(size_of, gathering.transactions)
    assert 4900 < heavy - light < 5100
