"""Sessions are cut into transactions, and the frames that those stand in."""

from __future__ import annotations

from smtpproxy.cassette.matching import Matching
from smtpproxy.cassette.parts import Cutter, Part
from tests.cassette.dialogues import cassette, dialogue
from tests.cassette.replaying import CLOSING, LETTER, OPENING, letter, lines


def cut(*dialogues: str) -> list[list[Part]]:
    """Return the parts of each session."""
    cutter = Cutter(Matching())
    return [cutter.cut(session) for session in cassette(*dialogues).sessions]


def stages(parts: list[Part]) -> list[list[str]]:
    """Return the stages in each part."""
    return [[one.stage for one in part.dialogue] for part in parts]


LETTERS = ["MAIL", "RCPT", "DATA", "END-OF-DATA"]


def test_transactions_are_taken_out_of_their_frame() -> None:
    """What begins and ends a session is one part, and each transaction another."""
    (parts,) = cut(lines(OPENING, LETTER, letter(2), CLOSING))
    assert stages(parts) == [["CONNECT", "EHLO", "QUIT"], LETTERS, LETTERS]
    assert [part.frame for part in parts] == [True, False, False]
    assert [part.ended for part in parts] == ["quit", "", ""]


def test_what_belongs_to_no_transaction() -> None:
    """NOOP anywhere and RSET outside of one are of the frame; RSET within ends it."""
    begun = "C: MAIL FROM:<a@example.org>\nS: 250 ok"
    noop, rset = "C: NOOP\nS: 250 ok", "C: RSET\nS: 250 ok"
    (parts,) = cut(lines(OPENING, noop, rset, begun, noop, rset, LETTER))
    assert stages(parts) == [["CONNECT", "EHLO", "NOOP", "RSET", "NOOP"], ["MAIL", "RSET"], LETTERS]


def test_what_stands_alone() -> None:
    """VRFY is a part of its own outside of a transaction, and a line of it within."""
    vrfy, begun = "C: VRFY b\nS: 252 try", "C: MAIL FROM:<a@example.org>\nS: 250 ok"
    (parts,) = cut(lines(OPENING, vrfy, begun, vrfy, begun))
    assert stages(parts)[1:] == [["VRFY"], ["MAIL", "VRFY"], ["MAIL"]]


def test_prologues_are_told_apart() -> None:
    """By the commands before a transaction, in whichever session; EHLO's argument is nothing."""
    other = OPENING.replace("app.example.org", "b.example.org")
    hello = dialogue("C: EHLO x\nS: 250 mail.example.org")
    first, second, third = cut(
        lines(OPENING, LETTER, LETTER), lines(other, LETTER), lines(OPENING, hello, LETTER)
    )
    assert first[1].prologue == first[2].prologue == second[1].prologue
    assert third[1].prologue != first[1].prologue
