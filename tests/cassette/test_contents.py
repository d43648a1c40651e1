"""How two messages differ."""

from __future__ import annotations

from smtpproxy.cassette.contents import message_changes
from smtpproxy.cassette.model import Kept


def test_headers_are_compared_as_a_set() -> None:
    """Order and folding of headers do not count; each that differs is told beside its like."""
    old = Kept(b"A: 1\r\nB: 2 3\r\n\r\nHi\r\n")
    assert list(message_changes(old, Kept(b"B: 2\r\n 3\r\nA: 1\r\n\r\nHi\r\n"))) == []
    assert list(message_changes(old, Kept(b"A: 9\r\nB: 2 3\r\n\r\nHi\r\n"))) == [("A: 1", "A: 9")]


def test_bodies_part_somewhere() -> None:
    """The first line that differs is told, and so is an end that came earlier."""
    old = Kept(b"A: 1\r\n\r\none\r\ntwo\r\n")
    assert list(message_changes(old, Kept(b"A: 1\r\n\r\none\r\n2\r\n"))) == [
        ("body line 2: two", "body line 2: 2")
    ]
    assert list(message_changes(old, Kept(b"A: 1\r\n\r\none\r\ntwo"))) == [
        ("body line 3: ", "body line 3: (the end)")
    ]


def test_files_are_compared_by_name() -> None:
    """A name is the SHA-256 of what the file holds; the size is what can be told."""
    old, new = (Kept(b"", file=letter * 64 + ".eml", size=100000) for letter in "ab")
    assert list(message_changes(old, old)) == []
    assert list(message_changes(old, new._replace(size=5))) == [("100,000 octets", "5 octets")]


def test_no_message_is_a_change() -> None:
    """A message that was not sent any more is told by its size."""
    assert list(message_changes(Kept(b"12345"), None)) == [("5 octets", "")]
