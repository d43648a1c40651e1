"""What a live exchange is nearest to, and how they differ."""

import pytest

from smtpproxy.cassette.closest import DIFFERS, FITS, IGNORED, Compared, compare, nearest_to
from smtpproxy.cassette.fingerprint import Fingerprint
from smtpproxy.cassette.matching import USUAL, Matching
from smtpproxy.cassette.model import END_OF_DATA, Recorded
from smtpproxy.cassette.points import Branch, Point
from smtpproxy.smtp.client import parse_command


def compared(sent: str, recorded: str, matching: Matching = USUAL) -> dict[str, str]:
    """Return how each field of two commands fares."""
    line = f"{sent}\r\n".encode()
    found = compare(parse_command(line).verb, line, f"{recorded}\r\n".encode(), matching)
    return {one.name: one.outcome for one in found}


@pytest.mark.parametrize(
    ("sent", "recorded", "fields"),
    [
        ("RCPT TO:<b@x>", "rcpt to: <b@X>", {"local part": FITS, "domain": FITS}),
        ("RCPT TO:<c@x>", "RCPT TO:<b@x>", {"local part": DIFFERS, "domain": FITS}),
        ("RCPT TO:<b@y>", "RCPT TO:<b@x>", {"local part": FITS, "domain": DIFFERS}),
        ("RCPT TO:<B@x>", "RCPT TO:<b@x>", {"local part": DIFFERS, "domain": FITS}),
        ("RCPT TO:<Postmaster>", "RCPT TO:<postmaster>", {"local part": FITS}),
        ("RCPT TO:<b@x>", "RCPT TO:<b>", {"local part": FITS, "domain": DIFFERS}),
        (
            "MAIL FROM:<a@x> SIZE=1 BODY=8BITMIME RET=FULL",
            "MAIL FROM:<a@x> SIZE=2 ret=full",
            {"local part": FITS, "domain": FITS, "SIZE": IGNORED, "BODY": DIFFERS, "RET": FITS},
        ),
        ("EHLO a", "EHLO b", {"argument": IGNORED}),
        ("VRFY a", "VRFY b", {"argument": DIFFERS}),
        (
            "AUTH PLAIN [redacted]",
            "AUTH LOGIN",
            {"mechanism": DIFFERS, "initial response": DIFFERS},
        ),
        ("BDAT 4 LAST", "BDAT 3", {"octets": IGNORED, "LAST": DIFFERS}),
        (
            "MAIL a@x",
            "MAIL FROM:<a@x>",
            {"line": DIFFERS, "local part": DIFFERS, "domain": DIFFERS},
        ),
    ],
)
def test_field_by_field(sent: str, recorded: str, fields: dict[str, str]) -> None:
    """Each part of a command fits, differs, or does not count."""
    assert compared(sent, recorded) == {"verb": FITS, **fields}


@pytest.mark.parametrize("matching", [Matching(envelope=False), Matching(ignored=("recipient",))])
def test_an_address_that_is_not_compared_is_ignored(matching: Matching) -> None:
    """What does not count is told as that."""
    assert compared("RCPT TO:<c@y>", "RCPT TO:<b@x>", matching) == {
        "verb": FITS,
        "local part": IGNORED,
        "domain": IGNORED,
    }


def test_both_values_are_told_fit_to_be_shown() -> None:
    """What was sent and what was recorded stand side by side, controls escaped."""
    found = compare("RCPT", b"RCPT TO:<\x1b[31m@x>\r\n", b"RCPT TO:<b@x>\r\n", USUAL)
    assert found[1] == Compared("local part", "\\x1b[31m", "b", DIFFERS)


def test_messages_are_compared_by_their_parts() -> None:
    """Where no part differs, the order of header fields does."""
    one = Fingerprint(b"1", (("header Subject", "a"), ("body", "x")))
    other = Fingerprint(b"2", (("header Subject", "b"), ("body", "x")))
    found = compare(END_OF_DATA, b"", b"", USUAL, one, other)
    assert [(field.name, field.outcome) for field in found] == [
        ("verb", FITS),
        ("header Subject", DIFFERS),
        ("body", FITS),
    ]
    *_, last = compare(END_OF_DATA, b"", b"", USUAL, one, one._replace(digest=b"2"))
    assert last == Compared("message", "in another order", "", DIFFERS)


def branches(*lines: str) -> list[Branch]:
    """Return what was recorded at one place, a command a line."""
    point = Point()
    for number, line in enumerate(lines, start=1):
        point.follow(Recorded("RCPT", f"RCPT {line}\r\n".encode(), line=number))
    return list(point.branches.values())


@pytest.mark.parametrize(
    ("recorded", "sent", "line"),
    [
        (["TO:<b@x>", "TO:<c@y>"], "TO:<c@z>", 2),
        (["TO:<b@x> NOTIFY=NEVER", "TO:<c@y>"], "TO:<b@x>", 1),
        (["TO:<zoe@x>", "TO:<alice@x>"], "TO:<alise@x>", 2),
        (["TO:<b@x>", "TO:<c@x>"], "TO:<d@x>", 1),
    ],
)
def test_the_nearest_of_several(recorded: list[str], sent: str, line: int) -> None:
    """The fewest fields that differ, then what is spelled alike, then what was recorded first."""
    found = nearest_to("RCPT", f"RCPT {sent}\r\n".encode(), branches(*recorded), USUAL)
    assert found is not None
    assert found.example.line == line


def test_what_is_unused_is_nearer() -> None:
    """Among equals, what nobody has replayed is likelier to have been meant."""
    first, second = branches("TO:<alice@x>", "TO:<zoe@x>")
    first.claim()
    assert nearest_to("RCPT", b"RCPT TO:<alise@x>\r\n", [first, second], USUAL) is second


def test_nothing_is_near_where_there_is_nothing() -> None:
    """A place without exchanges of a stage has no nearest."""
    assert nearest_to("RCPT", b"RCPT TO:<b@x>\r\n", [], USUAL) is None
