"""What is compared of a message: all but its noise, wherever it was cut."""

import pytest

from smtpproxy.cassette.fingerprint import Fingerprint, Fingerprinter
from smtpproxy.cassette.matching import USUAL, Matching
from tests.allocated import memory

LETTER = b"From: a@example.org\r\nSubject: hello\r\n\r\nHi.\r\n"
MIXED = (
    b"Subject: hello\r\n"
    b'Content-Type: multipart/mixed;\r\n boundary="=_1"\r\n'
    b"\r\n"
    b"Preamble\r\n"
    b"--=_1\r\n"
    b"Content-Type: multipart/alternative; boundary=inner\r\n"
    b"\r\n"
    b"--inner\r\n"
    b"\r\n"
    b"--not a boundary\r\n"
    b"--inner--\r\n"
    b"--=_1--\r\n"
)
STRICT = Matching(message=True, ignored=())


def taken(message: bytes, matching: Matching = USUAL, step: int = 1 << 20) -> Fingerprint:
    """Return the fingerprint of a message that comes in pieces."""
    taking = Fingerprinter(matching)
    for at in range(0, len(message), step):
        taking.add(message[at : at + step])
    return taking.finish()


@pytest.mark.parametrize(
    "message", [LETTER, MIXED, b"", b"\r\n", b"no header\r\n", b"Subject: only", b"\r\n\r\nHi"]
)
def test_it_does_not_matter_where_a_message_is_cut(message: bytes) -> None:
    """Pieces of any size give the same fingerprint."""
    whole = taken(message)
    assert {taken(message, step=step) for step in range(1, len(message) + 2)} == {whole}


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"From:", b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\nFrom:"),
        (b"From:", b"Received: from a\r\n\tby b\r\nMESSAGE-ID: <1@x>\r\nFrom:"),
        (b"From:", b"ARC-Seal: i=1\r\nDKIM-Signature: v=1;\r\n b=x\r\nFrom:"),
        (b"Subject: hello", b"SUBJECT:\r\n  hello "),
    ],
)
def test_noise_does_not_count(old: bytes, new: bytes) -> None:
    """Header fields that differ at every run, and how fields are folded, are ignored."""
    assert taken(LETTER.replace(old, new)).digest == taken(LETTER).digest


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"hello", b"hallo"),
        (b"From:", b"X-Mailer: y\r\nFrom:"),
        (b"Hi.", b"Ho."),
        (b"Hi.", b"Hi. "),
        (b"\r\n\r\n", b"\r\n\r\n\r\n"),
        (b"From: a@example.org\r\nSubject: hello", b"Subject: hello\r\nFrom: a@example.org"),
    ],
)
def test_all_else_counts(old: bytes, new: bytes) -> None:
    """Other values, other fields, another order and another body are another message."""
    assert taken(LETTER.replace(old, new)).digest != taken(LETTER).digest


def test_what_is_ignored_can_be_changed() -> None:
    """Any field can be ignored, and none of the usual ones has to be."""
    other = LETTER.replace(b"From:", b"X-Mailer: y\r\nFrom:")
    assert taken(other, Matching(ignored=("X-*",))).digest == taken(LETTER).digest
    dated = LETTER.replace(b"From:", b"Date: now\r\nFrom:")
    assert taken(dated, STRICT).digest != taken(LETTER, STRICT).digest


def test_boundaries_are_known_by_their_number() -> None:
    """What MIME boundaries are called does not count, in any depth, unless it is to."""
    renamed = MIXED.replace(b"=_1", b"----next").replace(b"inner", b"part (2)")
    renamed = renamed.replace(b"boundary=part (2)", b'boundary="part (2)"')
    assert taken(renamed).digest == taken(MIXED).digest
    assert taken(renamed, STRICT).digest != taken(MIXED, STRICT).digest
    assert taken(MIXED.replace(b"not a", b"no")).digest != taken(MIXED).digest


def test_parts_of_a_message_are_told_apart() -> None:
    """A part more, or another header field within a part, is another message."""
    more = MIXED.replace(b"--inner--", b"--inner\r\n\r\n--inner--")
    assert taken(more).digest != taken(MIXED).digest
    typed = MIXED.replace(b"--inner\r\n", b"--inner\r\nContent-Type: text/html\r\n")
    assert taken(typed).digest != taken(MIXED).digest


def test_the_parts_are_told_by_name() -> None:
    """A person reads which header field differs, or that it is the body."""
    parts = dict(taken(LETTER).parts)
    assert parts["header From"] == "a@example.org"
    assert parts["header Subject"] == "hello"
    assert parts["body"].startswith("5 octets, SHA-256 ")


def test_long_values_are_cut_and_still_told_apart() -> None:
    """Two values of one beginning do not look the same."""
    one, other = (
        dict(taken(b"Subject: " + b"x" * 500 + end + b"\r\n\r\n").parts)["header Subject"]
        for end in (b"1", b"2")
    )
    assert one != other
    assert len(one) < 120


@pytest.mark.parametrize(
    "piece", [b"x" * 65536, b"X-A: b\r\n" * 8192, b"Subject: x\r\n y" + b" y\r\n" * 16384]
)
def test_a_message_of_any_length_is_held_in_bounds(piece: bytes) -> None:
    """Lines without an end, fields without number and folds without end take no more room."""
    taking = Fingerprinter(USUAL)

    def take() -> None:
        for _ in range(64):
            taking.add(piece)

    assert memory(take, peak=True) < 2 * 1024 * 1024
