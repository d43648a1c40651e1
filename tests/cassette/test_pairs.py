"""Sessions are paired by what was said in them."""

from __future__ import annotations

from smtpproxy.cassette.pairs import paired
from tests.cassette.dialogues import cassette


def session(sender: str, *recipients: str) -> str:
    """Return a dialogue."""
    rcpts = "".join(f"C: RCPT TO:<{one}@example.net>\nS: 250 Ok\n" for one in recipients)
    return (
        f"S: 220 Hi\nC: HELO x\nS: 250 Hi\nC: MAIL FROM:<{sender}@example.org>\nS: 250 Ok\n{rcpts}"
    )


def pairs(old: list[str], new: list[str]) -> list[tuple[str | None, str | None]]:
    """Return the labels of each pair."""
    found = paired(cassette(*old).sessions, cassette(*new).sessions)
    return [(a.label if a else None, b.label if b else None) for a, b in found]


def test_order_does_not_count() -> None:
    """Clients speak at the same time: which session ended first says nothing."""
    a, b = session("a", "x"), session("b", "y")
    assert pairs([a, b], [b, a]) == [("1", "2"), ("2", "1")]


def test_of_equals_the_same_label_is_the_same() -> None:
    """Equal dialogues are paired by label where there are labels to go by."""
    a = session("a", "x")
    assert pairs([a, a, a], [a, a, a]) == [("1", "1"), ("2", "2"), ("3", "3")]


def test_the_most_alike_is_the_same() -> None:
    """A session that has changed is found again by what it has in common with the old one."""
    a, b = session("a", "x", "y", "z"), session("b", "u", "v", "w")
    assert pairs([a, b], [session("b", "u", "v"), session("a", "x", "z")]) == [
        ("1", "2"),
        ("2", "1"),
    ]


def test_strangers_are_not_paired() -> None:
    """A session that has nothing in common with any is gone, and another one is new."""
    assert pairs(["S: 220 Hi\nC: QUIT\nS: 221 Bye"], ["C: VRFY x\nC: VRFY y\nC: VRFY z"]) == [
        ("1", None),
        (None, "1"),
    ]
