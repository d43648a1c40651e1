"""How many octets a second a session's lines take: how it is written, and what is refused."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Shape, Side
from smtpproxy.faults import Bandwidth, FaultError, Telling
from smtpproxy.faults.bandwidth import parse_rate
from smtpproxy.faults.base import Value
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "rate"),
    [
        ("1 B/s", 1),
        ("8 KiB/s", 8192),
        ("8kB/s", 8000),
        ("1.5 MB/s", 1_500_000),
        ("1.5 MiB/s", 1_572_864),
        ("0.5 GB/s", 500_000_000),
        (" 1 GiB/s ", 1 << 30),
    ],
)
def test_a_rate(value: str, rate: int) -> None:
    """It is a number with its unit, of 1000 octets or of 1024."""
    assert parse_rate(value) == rate


@pytest.mark.parametrize(
    ("value", "shapes"),
    [
        ({"to-client": "8 KiB/s"}, [Shape(Side.CLIENT, 8192)]),
        ({"to-upstream": "8 KiB/s"}, [Shape(Side.UPSTREAM, 8192)]),
        (
            {"to-upstream": "16 B/s", "to-client": "8 B/s"},
            [Shape(Side.CLIENT, 8), Shape(Side.UPSTREAM, 16)],
        ),
        ("8 B/s", [Shape(Side.CLIENT, 8), Shape(Side.UPSTREAM, 8)]),
    ],
)
def test_the_lines_become_slow(value: Value, shapes: list[Shape]) -> None:
    """Before anything is said; what is said stays as it is."""
    reply = Reply(220, b"220 mail.example.org\r\n")
    telling = Telling(reply, "CONNECT")
    Bandwidth.parse(value, "CONNECT").apply(telling)
    assert telling.before == shapes
    assert (telling.reply, telling.after) == (reply, [])


@pytest.mark.parametrize(
    "value",
    [
        *("", "8", "8 KiB", "KiB/s", "-1 B/s", "0 B/s", "0.9 B/s", "1.1 GiB/s", "1e3 B/s"),
        *("9" * 5000 + " B/s", {}, {"to": "8 B/s"}, {"to-client": {}}, {"to-client": "8"}),
    ],
)
def test_no_rate(value: Value) -> None:
    """What has no unit, is no rate, or is out of bounds is refused."""
    with pytest.raises(FaultError, match=r"^expected "):
        Bandwidth.parse(value, "CONNECT")


def test_at_another_stage_there_is_no_line_to_make() -> None:
    """It is for all of a session, and so for its beginning."""
    with pytest.raises(FaultError, match=r"^expected at CONNECT alone"):
        Bandwidth.parse("8 B/s", "RCPT")


@pytest.mark.parametrize(
    ("value", "word", "path"),
    [
        ({"to-client": "8 KB/s"}, "KB/s", ("to-client",)),
        ("8 Kib/s", "Kib/s", ()),
        ({"to-clinet": "8 B/s"}, "to-clinet", ("to-clinet",)),
    ],
)
def test_what_was_meant_can_be_told(value: Value, word: str, path: tuple[str, ...]) -> None:
    """The wrong word, those that are known, and where it stands."""
    with pytest.raises(FaultError) as caught:
        Bandwidth.parse(value, "CONNECT")
    assert (caught.value.word, caught.value.path) == (word, path)
    assert caught.value.known


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("8192 B/s", "8 KiB/s to the client and 8 KiB/s to upstream"),
        ({"to-upstream": "1000 B/s"}, "1 kB/s to upstream"),
        ({"to-client": "1.5 B/s"}, "1 B/s to the client"),
    ],
)
def test_its_words(value: Value, words: str) -> None:
    """A rate is told in the largest unit that it is whole in."""
    told = Bandwidth.parse(value, "CONNECT").words
    assert told == f"from here on no more than {words} goes over the line"
