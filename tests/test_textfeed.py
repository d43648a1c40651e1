"""Text piece by piece: the same text, the same places, wherever the pieces are cut."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.textfeed import FeedError, TextFeed


class Trickle(io.BytesIO):
    """A file that gives its octets in small pieces."""

    def __init__(self, octets: bytes, most: int) -> None:
        super().__init__(octets)
        self._most = most

    def read(self, size: int | None = -1) -> bytes:
        """Return a few octets."""
        return super().read(self._most)


def whole(feed: TextFeed) -> str:
    """Return all text of a feed."""
    return "".join(iter(feed.read, ""))


ALLOWED = st.characters(exclude_categories=("Cs", "Cc", "Cn"), exclude_characters="\ufeff")


@given(st.text(ALLOWED | st.sampled_from("\t\n\r\x85")), st.integers(1, 5))
def test_the_text_is_whole(text: str, most: int) -> None:
    """However the octets are cut, also within a character, they are the same text."""
    feed = TextFeed(Trickle(text.encode(), most))
    assert whole(feed) == text
    assert feed.octets == len(text.encode())


@pytest.mark.parametrize("most", [1, 2, 3, 100])
def test_a_byte_order_mark_is_left_out(most: int) -> None:
    """It stands for the encoding, and counts as no character."""
    assert whole(TextFeed(Trickle(b"\xef\xbb\xbfa: 1\n", most))) == "a: 1\n"


@pytest.mark.parametrize("most", [1, 3, 100])
@pytest.mark.parametrize(
    ("octets", "line", "problem"),
    [
        (b"a\nb\xff", 2, "is not UTF-8"),
        (b"a\n\n\xed\xa0\x80", 3, "is not UTF-8"),
        (b"a\n\xc3", 2, "is not UTF-8"),
        (b"\xff\xfea\0", 1, "is not UTF-8"),
        (b"a\n\0", 2, "is not YAML: the character #x0000 is not allowed"),
        ("é\n\ufeff".encode(), 2, "is not YAML: the character #xfeff is not allowed"),
        ("\ufffe".encode(), 1, "is not YAML: the character #xfffe is not allowed"),
        (b"a\n\x7f", 2, "is not YAML: the character #x007f is not allowed"),
        (b"\xc2\x80", 1, "is not YAML: the character #x0080 is not allowed"),
    ],
)
def test_what_is_no_text(octets: bytes, line: int, problem: str, most: int) -> None:
    """What YAML does not allow is told with its line, wherever the octets are cut."""
    with pytest.raises(FeedError) as error:
        whole(TextFeed(Trickle(octets, most)))
    assert (error.value.line, error.value.problem) == (line, problem)


def test_places_are_known_in_the_window() -> None:
    """Of the last two pieces it is known what stands where; before them, nothing is."""
    feed = TextFeed(Trickle(b"a: b # c\nd: e\nf: g #\n", 7))
    first = feed.read() + feed.read()
    assert first == "a: b # c\nd: e\n"
    assert feed.begins_comment(4)
    assert not feed.begins_comment(2)
    assert [feed.line_at(index, 99) for index in (0, 8, 9, 13)] == [
        *["a: b # c"] * 2,
        *["d: e"] * 2,
    ]
    assert feed.line_at(0, 7) == ""
    feed.read()
    assert not feed.begins_comment(4)
    assert feed.line_at(3, 99) == ""
    assert feed.line_at(15, 99) == "f: g #"
    assert feed.line_at(99, 99) == ""
