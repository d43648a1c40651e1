"""Where a header section ends, wherever TCP cut the octets."""

from __future__ import annotations

import pytest

from smtpproxy.smtp.headersection import (
    MOST,
    HeaderSection,
    field_name,
    has_bare_line_end,
    header_fields,
)

SECTIONS = [
    (b"A: b\r\n", b"\r\nHi.\r\n"),
    (b"A: b\r\n c: d\r\n\te\r\nF:\r\n", b"\r\n\r\nHi.\r\n"),
    (b"", b"\r\nA: b\r\n"),
    (b"", b"Hi.\r\n\r\n"),
    (b"", b" A: b\r\n"),
    (b"A: b\r\n", b"Hi.\r\n"),
    (b"A: b\r\n", b""),
    (b"A: b\r\n", b"\r\n"),
    (b"A : b", b""),
    (b"", b"Hi"),
    (b"", b""),
    (b"A: b\r\n", b"\xff: c\r\n\r\n"),
    (b"A: b\n\nc\r\n", b"\r\n"),
]


@pytest.mark.parametrize(("header", "rest"), SECTIONS)
def test_where_it_ends(header: bytes, rest: bytes) -> None:
    """Behind the last field; a blank line, and what is no field, is not part of it."""
    message = header + rest
    for size in range(1, len(message) + 2):
        section = HeaderSection()
        for at in range(0, len(message), size):
            section.feed(message[at : at + size])
        assert section.finish()
        assert section.parts() == (header, rest)


@pytest.mark.parametrize("size", [1000, 4096, 10 * MOST])
@pytest.mark.parametrize(("more", "known"), [(0, True), (1, False)])
def test_one_that_is_too_large(size: int, more: int, known: bool) -> None:
    """64 KiB with the blank line are looked at, and not an octet more, however they come."""
    header = b"A: ".ljust(MOST - 4 + more, b"x") + b"\r\n"
    message = header + b"\r\nHi.\r\n"
    section = HeaderSection()
    for at in range(0, len(message), size):
        section.feed(message[at : at + size])
    assert section.finish() is known
    assert section.too_large is not known
    assert section.octets == message


def test_fields() -> None:
    """Folded ones are whole, and have a name without regard to case."""
    assert header_fields(b"A: b\r\n c\r\nB :\r\n") == [b"A: b\r\n c\r\n", b"B :\r\n"]
    assert header_fields(b"") == []
    assert header_fields(b"A: b") == [b"A: b\r\n"]
    assert [field_name(one) for one in (b"Ab: c:d\r\n", b"B \t: e\r\n")] == [b"ab", b"b"]


@pytest.mark.parametrize(
    ("octets", "bare"),
    [(b"a\r\nb\r\n", False), (b"a\nb", True), (b"a\rb", True), (b"a\r", True), (b"\n", True)],
)
def test_bare_line_ends(octets: bytes, bare: bool) -> None:
    """CR and LF stand together, or they are bare."""
    assert has_bare_line_end(octets) is bare
