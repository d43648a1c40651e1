"""What a run is held to, and what is said where it is not so."""

import pytest

from smtpproxy.reports.expectations import decoded
from smtpproxy.reports.reported import ReportedMiss
from tests.gathering import LETTER, OPENING, QUIT, Gathering

REFUSED = LETTER.replace("250 2.1.5 Ok", "550 5.1.1 No").partition("C: DATA")[0]
BOUNCE = LETTER.replace("<a@example.org>", "<>").replace("hello", "=?utf-8?b?aMOpbGxv?=")


@pytest.mark.parametrize(
    "expected",
    [
        ["messages=2"],
        ["sessions=1", "refused=1", "misses=0"],
        ["recipient=b@example.net"],
        ["recipient=*@EXAMPLE.net", "sender=a@*"],
        ["sender="],
        ["subject=h?llo", "subject=héllo"],
        ["subject=/^h.llo$/"],
    ],
)
def test_what_is_as_expected(expected: list[str]) -> None:
    """Counts are exact; a pattern is met by any message that was taken."""
    gathering = Gathering(*expected)
    gathering.session(OPENING + LETTER + BOUNCE + REFUSED + QUIT)
    assert gathering.unmet() == []


@pytest.mark.parametrize(
    ("expected", "told"),
    [
        (
            "messages=1",
            'expected messages=1, got 2: <a@example.org> to b@example.net "hello"; '
            '<> to b@example.net "héllo"',
        ),
        ("messages=0", "expected messages=0, got 2: "),
        ("refused=0", "expected refused=0, got 1: b@example.net 550 at RCPT"),
        ("sessions=2", "expected sessions=2, got 1"),
        ("misses=1", "expected misses=1, got 0"),
        ("recipient=c@example.net", "expected recipient=c@example.net, got only b@example.net"),
        ("sender=b@*", "expected sender=b@*, got only a@example.org; (none)"),
        ("subject=Hi*", "expected subject=Hi*, got only hello; héllo"),
    ],
)
def test_what_is_not_as_expected_is_one_line(expected: str, told: str) -> None:
    """It says what was expected and what came, with examples."""
    gathering = Gathering(expected)
    gathering.session(OPENING + LETTER + BOUNCE + REFUSED + QUIT)
    (line,) = gathering.unmet()
    assert line.startswith(told)


def test_who_was_refused_has_no_message() -> None:
    """A recipient counts once its message was taken, not by its RCPT."""
    gathering = Gathering("recipient=b@example.net", "refused=1")
    gathering.session(OPENING + LETTER.replace("250 2.0.0", "554 5.6.0") + QUIT)
    assert gathering.unmet() == ["expected recipient=b@example.net, got no message that was taken"]


def test_a_refused_mail_counts_as_refused() -> None:
    """There, and at DATA without recipients, it is the transaction that is refused."""
    gathering = Gathering("refused=0")
    gathering.session(OPENING + "C: MAIL FROM:<a@x>\nS: 552 5.3.4 Large\n" + QUIT)
    assert gathering.unmet() == ["expected refused=0, got 1: from <a@x> 552"]


def test_misses_count() -> None:
    """Those of a replay, whoever heard of them."""
    gathering = Gathering("misses=0")
    gathering.gatherer.missed(
        ReportedMiss(number=1, session="run-1", verdict="missing", stage="VRFY", sent="VRFY b")
    )
    assert gathering.unmet() == ["expected misses=0, got 1"]


def test_of_many_a_few_are_told() -> None:
    """A line stays a line, however much came."""
    gathering = Gathering("messages=0")
    for number in range(50):
        gathering.session(OPENING + LETTER.replace("hello", f"{number} {'x' * 200}") + QUIT)
    (line,) = gathering.unmet()
    assert line.startswith("expected messages=0, got 50: ")
    assert line.endswith("; …")
    assert len(line) < 400


@pytest.mark.parametrize(
    ("subject", "text"),
    [
        ("hello", "hello"),
        ("=?utf-8?q?h=C3=A9llo?= you", "héllo you"),
        ("=?no-such-charset?q?x?=", "=?no-such-charset?q?x?="),
        ("=?utf-8?b?#?=", "=?utf-8?b?#?="),
        ("=?utf-8?q?=1B[31m?=", "\\x1b[31m"),
    ],
)
def test_subjects_are_compared_as_people_read_them(subject: str, text: str) -> None:
    """RFC 2047; what can't be decoded is taken as it is."""
    assert decoded(subject) == text
