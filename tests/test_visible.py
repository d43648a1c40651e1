"""What peers sent is shown so that no terminal obeys it."""

import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.visible import visible

#: Every character that has the Unicode property Bidi_Control (UAX #9).
BIDI_CONTROLS = [
    *("\u061c", "\u200e", "\u200f"),
    *map(chr, range(0x202A, 0x202F)),
    *map(chr, range(0x2066, 0x206A)),
]


@pytest.mark.parametrize(
    "text", ["", "250 2.1.0 Ok", "Grüße aus Zürich", "日本語", "a\\b", "~ !\"'<>", "😀"]
)
def test_text_is_shown_as_it_is(text: str) -> None:
    """Text without controls is not changed."""
    assert visible(text.encode()) == text


@pytest.mark.parametrize(
    ("octets", "shown"),
    [
        (b"\x1b[31mred\x1b[0m", r"\x1b[31mred\x1b[0m"),
        (b"a\r\nb\tc", r"a\x0d\x0ab\x09c"),
        (b"\0\x7f", r"\x00\x7f"),
        ("\x9b31m".encode(), r"\x9b31m"),
        (b"\xff\xfe ok", r"\xff\xfe ok"),
        ("a\u2028b\u0085c".encode(), r"a\u2028b\x85c"),
        ("\ufeffhello\u200b".encode(), r"\ufeffhello\u200b"),
        ("gmp\u202egnp.exe".encode(), r"gmp\u202egnp.exe"),
        ("\ud800".encode("utf-8", "surrogatepass"), r"\xed\xa0\x80"),
    ],
)
def test_controls_are_shown(octets: bytes, shown: str) -> None:
    """Controls, separators, marks that hide or reorder, and broken UTF-8 appear as their number."""
    assert visible(octets) == shown


@pytest.mark.parametrize("mark", BIDI_CONTROLS, ids="U+{0!a}".format)
def test_marks_that_reorder_are_shown(mark: str) -> None:
    """Nothing that turns the direction of text round reaches a terminal."""
    assert visible(f"a{mark}b".encode()) == f"a\\u{ord(mark):04x}b"


@settings(max_examples=200, deadline=None)
@given(octets=st.one_of(st.binary(), st.text().map(str.encode)))
def test_one_line_without_controls(octets: bytes) -> None:
    """Whatever came, what is shown is one line, and holds no control and no separator."""
    shown = visible(octets)
    assert len(shown.splitlines()) <= 1
    assert {unicodedata.category(letter) for letter in shown} & {"Cc", "Zl", "Zp", "Cs"} == set()
