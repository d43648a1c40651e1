"""Parts are paired by what was said in them."""

from __future__ import annotations

from smtpproxy.cassette.matching import Matching
from smtpproxy.cassette.pairs import paired, pairs
from smtpproxy.cassette.parts import Cutter, Part
from tests.cassette.dialogues import cassette
from tests.cassette.replaying import CLOSING, OPENING, letter, lines


def session(sender: str, *recipients: str, code: int = 250) -> str:
    """Return a dialogue of one transaction."""
    rcpts = "".join(f"C: RCPT TO:<{one}@example.net>\nS: {code} Ok\n" for one in recipients)
    return f"C: MAIL FROM:<{sender}@example.org>\nS: 250 Ok\n{rcpts}"


def parts(cutter: Cutter, dialogues: list[str]) -> list[Part]:
    """Return all parts of a cassette."""
    return [part for one in cassette(*dialogues).sessions for part in cutter.cut(one)]


def labels(old: list[str], new: list[str]) -> list[tuple[str | None, str | None]]:
    """Return the labels of each pair of transactions, of which each session has one."""
    cutter = Cutter(Matching())
    sides = ([one for one in parts(cutter, side) if not one.frame] for side in (old, new))
    return [(a.label if a else None, b.label if b else None) for a, b in paired(*sides)]


def test_order_does_not_count() -> None:
    """Clients speak at the same time: which session ended first says nothing."""
    a, b = session("a", "x"), session("b", "y")
    assert labels([a, b], [b, a]) == [("1", "2"), ("2", "1")]


def test_of_equals_the_same_label_is_the_same() -> None:
    """Equal dialogues are paired by label where there are labels to go by."""
    a = session("a", "x")
    assert labels([a, a, a], [a, a, a]) == [("1", "1"), ("2", "2"), ("3", "3")]


def test_the_most_alike_is_the_same() -> None:
    """A session that has changed is found again by what it has in common with the old one."""
    a, b = session("a", "x", "y", "z"), session("b", "u", "v", "w")
    assert labels([a, b], [session("b", "u", "v"), session("a", "x", "z")]) == [
        ("1", "2"),
        ("2", "1"),
    ]


def test_strangers_are_not_paired() -> None:
    """A part that has nothing in common with any is gone, and another one is new."""
    assert labels([session("a", "x")], ["C: VRFY x\nS: 252 try"]) == [("1", None), (None, "1")]


def test_of_equals_that_which_was_answered_alike_is_the_same() -> None:
    """Whichever came first."""
    refused, taken = session("a", "x", code=550), session("a", "x")
    assert labels([refused, taken], [taken, refused]) == [("1", "2"), ("2", "1")]


def told(old: list[str], new: list[str]) -> list[tuple[str | None, str | None]]:
    """Return the first command of each pair of parts."""
    cutter = Cutter(Matching())
    found = pairs(parts(cutter, old), parts(cutter, new))
    return [
        (a.dialogue[-1].stage if a else None, b.dialogue[-1].stage if b else None) for a, b in found
    ]


def test_frames_of_one_kind_are_compared_once() -> None:
    """However many sessions there were, where they were answered alike."""
    one = lines(OPENING, letter(1), letter(2), CLOSING)
    two = [lines(OPENING, letter(number), CLOSING) for number in (1, 2)]
    assert told([one], two) == told(two, [one]) == [("END-OF-DATA", "END-OF-DATA")] * 2


def test_a_frame_that_was_answered_otherwise_is_compared() -> None:
    """Each other answer once, with one of the other side's."""
    one, other = (lines(opening, CLOSING) for opening in (OPENING, OPENING.replace("ready", "hi")))
    assert told([one, one], [one, other, other]) == [("QUIT", "QUIT")]
    assert told([one, other, other], [one]) == [("QUIT", "QUIT")]


def test_a_transaction_is_sought_under_its_own_prologue() -> None:
    """One that is under another is new there, and not the same; unless that prologue is new."""
    secure = lines(OPENING, *OPENING.splitlines()[1:])
    old = [lines(OPENING, letter(1, "b")), lines(secure, letter(2, "c"))]
    moved = [lines(OPENING, letter(1, "b"), letter(2, "c")), lines(secure, letter(3, "d"))]
    found = told(old, moved)
    assert (None, "END-OF-DATA") in found
    assert ("END-OF-DATA", None) not in found
    plain, renewed = (
        [lines(opening, letter(1, "b"), letter(2, "c"))] for opening in (OPENING, secure)
    )
    assert ("END-OF-DATA", None) not in told(plain, renewed)
