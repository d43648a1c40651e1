"""The size and the header section of messages in passing."""

import pytest

from smtpproxy.reports.mailhead import MOST, Head, Passing
from smtpproxy.smtp.facts import Chunk, MailData
from tests.allocated import memory

LETTER = b"Subject: hello\r\nX-Folded: one\r\n\ttwo\r\n\r\nHi.\r\n..dot\r\n.\r\n"
FIELDS = [("Subject", "hello"), ("X-Folded", "one two")]


def passed(octets: bytes, step: int) -> Head:
    """Return what is kept of mail data that comes in pieces."""
    passing = Passing()
    for at in range(0, len(octets), step):
        passing.take(MailData(octets[at : at + step], at + step >= len(octets)))
    head = passing.answered()
    assert head is not None
    return head


@pytest.mark.parametrize("step", [1, 2, 3, 7, 4096])
def test_a_message_as_its_receiver_understands_it(step: int) -> None:
    """Dot-stuffing and the final dot do not count, wherever the octets were cut."""
    head = passed(LETTER, step)
    assert head.octets == len(LETTER) - len(b".") - len(b".\r\n")
    assert head.fields() == (FIELDS, False)


@pytest.mark.parametrize(
    ("message", "fields"),
    [
        (b"", []),
        (b"\r\nSubject: no header\r\n", []),
        (b"Subject: only", [("Subject", "only")]),
        (b"Subject : blank\r\nEmpty:\r\n\r\n", [("Subject", "blank"), ("Empty", "")]),
        (b"Subject: a\r\nno header field\r\nTo: b\r\n\r\n", [("Subject", "a")]),
        (b"A: \xff\x1b[31m\r\n\r\n", [("A", "\\xff\\x1b[31m")]),
    ],
)
def test_what_header_fields_are(message: bytes, fields: list[tuple[str, str]]) -> None:
    """RFC 5322 §2.2: lines with a colon, up to an empty line or what is none; fit to be shown."""
    head = Head()
    head.add(message)
    assert head.fields() == (fields, False)


def test_a_long_header_section_is_cut() -> None:
    """So much of it is kept, and it is told that there was more."""
    head = Head()
    head.add(b"X-A: b\r\n" * 20_000)
    fields, cut = head.fields()
    assert cut
    assert len(head.kept) == MOST
    assert 0 < len(fields) <= MOST // 8
    assert head.octets == 160_000


def test_a_long_body_is_no_long_header_section() -> None:
    """Only what belongs to the header section counts for that."""
    head = Head()
    head.add(b"Subject: a\r\n\r\n" + b"x" * 2 * MOST)
    assert head.fields() == ([("Subject", "a")], False)


def test_messages_wait_for_their_replies_in_order() -> None:
    """Chunks that are sent ahead are told apart, and joined by who knows that they belong so."""
    passing = Passing()
    for octets in (b"Sub", b"ject: a\r\n\r\n"):
        passing.take(Chunk(octets, True))
    first, second = passing.answered(), passing.answered()
    assert first is not None
    assert second is not None
    first.join(second)
    assert (first.octets, first.fields()) == (14, ([("Subject", "a")], False))
    assert passing.answered() is None


def test_what_waits_is_bounded() -> None:
    """However much is sent ahead, no more than one header section's octets are kept."""
    passing = Passing()

    def take() -> None:
        for _ in range(2000):
            passing.take(Chunk(b"x" * 10_000, True))

    assert memory(take) < 512 * 1024
