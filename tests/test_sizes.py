"""Sizes in octets, as people write them."""

from __future__ import annotations

import pytest

from smtpproxy.sizes import parse_size


@pytest.mark.parametrize(
    ("text", "octets"),
    [
        ("512", 512),
        ("10 KiB", 10_240),
        ("10kB", 10_000),
        (" 1 MiB ", 1_048_576),
        ("2 GB", 2_000_000_000),
        ("7 octets", 7),
    ],
)
def test_a_size(text: str, octets: int) -> None:
    """A number alone is octets; kB are 1,000 of them, and KiB 1,024."""
    assert parse_size(text) == octets


@pytest.mark.parametrize(
    "text", ["", "KiB", "1 kib", "-1", "1.5 KiB", "1 KiB 2", "1" * 16, "\u0661"]
)
def test_no_size(text: str) -> None:
    """What is no such text is none."""
    assert parse_size(text) is None
