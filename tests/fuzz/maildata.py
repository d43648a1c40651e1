"""Fuzz target: mail data. Where it ends, dot-stuffing both ways, and what is odd in it."""

from __future__ import annotations

from smtpproxy.smtp.lookalike import Found, MailDataScan
from smtpproxy.smtp.maildata import FINAL_DOT, EndFinder, Unstuffer, stuff, unstuff
from tests.fuzz.drawn import drawn
from tests.smtp.reference_oddities import odd_in_mail_data


def check(octets: bytes) -> None:
    """All agrees with what is done in one go by the simplest means, for every cut."""
    given = drawn(octets)
    data = given.body
    end = (b"\r\n" + data).find(b"\r\n" + FINAL_DOT)
    message = b"\r\n".join(line.removeprefix(b".") for line in data.split(b"\r\n"))
    exact = not any(line[:1] == b"." and line[:2] != b".." for line in data.split(b"\r\n"))
    part = data[: end + len(FINAL_DOT)] if end >= 0 else data
    odd = odd_in_mail_data(part)
    for pieces in given.pieces(data):
        assert _end(pieces) == (end + len(FINAL_DOT) if end >= 0 else -1), pieces
        assert _unstuffed(pieces) == (message, exact), pieces
    for pieces in given.pieces(part):
        found = _odd(pieces)
        assert found == _odd([part]), pieces
        assert len(found) == len(odd), "each is found once"
        assert set(found) == odd, pieces
    assert unstuff(data) == message
    assert (stuff(message) == data) is exact
    assert unstuff(stuff(data)) == data
    wire = stuff(data + b"\r\n") + FINAL_DOT
    assert _end([wire]) == len(wire)


def _end(pieces: list[bytes]) -> int:
    finder = EndFinder()
    before = 0
    for piece in pieces:
        found = finder.find(piece)
        if found >= 0:
            return before + found
        before += len(piece)
    return -1


def _unstuffed(pieces: list[bytes]) -> tuple[bytes, bool]:
    unstuffer = Unstuffer()
    message = b""
    fed = 0
    for piece in pieces:
        message += unstuffer.feed(piece)
        fed += len(piece)
    message += unstuffer.finish()
    return message, unstuffer.exact


def _odd(pieces: list[bytes]) -> list[Found]:
    scan = MailDataScan()
    return [one for piece in pieces for one in scan.look(piece)]
