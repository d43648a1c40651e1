"""The report for a person: a line a mail transaction, and a sum."""

import pytest

from smtpproxy.reports import report as module
from smtpproxy.reports.reporttable import coloured, plain
from tests.gathering import LETTER, OPENING, QUIT, Gathering

TWO = LETTER.replace("C: DATA", "C: RCPT TO:<c@example.net>\nS: 250 2.1.5 Ok\nC: DATA")
REFUSED = LETTER.replace("250 2.1.5 Ok", "550 5.1.1 No").partition("C: DATA")[0]


def test_a_line_a_transaction() -> None:
    """Who sent what to whom, the reply that decided, and how it came out, aligned."""
    gathering = Gathering()
    gathering.session(OPENING + TWO + QUIT)
    gathering.session(OPENING + REFUSED + REFUSED.replace("550 5.1.1 No", "-"), "upstream-drop")
    assert plain(gathering.report()).split("\n") == [
        "session  from             to                        subject  reply      outcome",
        "      1  <a@example.org>  b@example.net and 1 more  hello    250 2.0.0  accepted",
        "      2  <a@example.org>  b@example.net                      550 5.1.1  refused",
        "      2  <a@example.org>  b@example.net                      none       unfinished",
        "2 sessions, 3 mail transactions, 1 message taken",
    ]


def test_a_retry_is_told() -> None:
    """What came again says so."""
    gathering = Gathering()
    gathering.session(OPENING + LETTER.replace("250 2.0.0", "451 4.3.0") + LETTER + QUIT)
    shown = plain(gathering.report())
    assert "451 4.3.0  refused" in shown
    assert "250 2.0.0  accepted, again" in shown
    assert shown.endswith("1 session, 2 mail transactions, 1 message taken, 1 retry")


def test_a_run_without_mail_is_one_line() -> None:
    """There is no head without lines."""
    assert plain(Gathering().report()) == "0 sessions, 0 mail transactions, 0 messages taken"


def test_many_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table stays short, and says what it leaves out."""
    monkeypatch.setattr(module, "MOST_SESSIONS", 2)
    gathering = Gathering()
    for _ in range(3):
        gathering.session(OPENING + LETTER * 15 + QUIT)
    lines = plain(gathering.report()).split("\n")
    assert len(lines) == 1 + 20 + 3
    assert lines[-3:] == [
        "and 10 mail transactions more",
        "3 sessions, 45 mail transactions, 45 messages taken",
        "1 older session was counted, and is not kept",
    ]


def test_on_a_terminal_it_is_coloured_by_severity() -> None:
    """Green, yellow and red, and the same words."""
    gathering = Gathering()
    gathering.session(OPENING + LETTER + REFUSED + QUIT)
    shown = coloured(gathering.report(), width=100)
    assert "\x1b[32m" in shown
    assert "\x1b[31m" in shown
    assert "accepted" in shown


def test_a_subject_is_decoded_and_shown_safely() -> None:
    """RFC 2047: what a person meant, and no control character even then."""
    gathering = Gathering()
    gathering.session(OPENING + LETTER.replace("hello", "=?utf-8?q?h=C3=A9llo=1B[31m?=") + QUIT)
    shown = plain(gathering.report())
    assert "héllo\\x1b[31m" in shown
    assert "\x1b" not in shown
