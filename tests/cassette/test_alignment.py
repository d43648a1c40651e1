"""What belongs together in two dialogues that are alike."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.cassette.alignment import aligned


@pytest.mark.parametrize(
    ("one", "other", "equal"),
    [
        ("", "", ""),
        ("abc", "abc", "abc"),
        ("abc", "axc", "ac"),
        ("abc", "abxc", "abc"),
        ("abc", "xyz", ""),
        ("aa", "a", "a"),
    ],
)
def test_what_is_equal_is_found(one: str, other: str, equal: str) -> None:
    """At the beginning, at the end, and in between."""
    assert "".join(one[i:j] for same, i, j, _, _ in aligned(one, other) if same) == equal


@given(st.text("abc", max_size=12), st.text("abc", max_size=12))
def test_each_place_is_told_once(one: str, other: str) -> None:
    """Spans follow one another, in order, and where they are equal so are the dialogues."""
    spans = list(aligned(one, other))
    assert "".join(one[i:j] for _, i, j, _, _ in spans) == one
    assert "".join(other[k:m] for _, _, _, k, m in spans) == other
    assert all(one[i:j] == other[k:m] for same, i, j, k, m in spans if same)
