"""Mail data: its end is found, and dots are stuffed and unstuffed, wherever TCP cuts it."""

from collections.abc import Iterable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.smtp.maildata import (
    FINAL_DOT,
    DotFinder,
    EndFinder,
    Stuffer,
    Unstuffer,
    stuff,
    unstuff,
)
from tests.smtp.dialogue import every_cut

#: Octets among which every boundary case turns up soon.
NOISE = st.lists(st.sampled_from((b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"x"))).map(b"".join)
SIZES = st.integers(1, 7)


def slices(octets: bytes, size: int) -> list[bytes]:
    """Cut octets in pieces of one size."""
    return [octets[at : at + size] for at in range(0, len(octets), size)]


def find_end(pieces: Iterable[bytes]) -> int:
    """Return where mail data ends in the octets of all pieces, or -1."""
    finder = EndFinder()
    before = 0
    for piece in pieces:
        found = finder.find(piece)
        if found >= 0:
            return before + found
        before += len(piece)
    return -1


def unstuff_stream(pieces: Iterable[bytes]) -> tuple[bytes, bool]:
    """Return the message, and whether stuffing it again would give the same octets."""
    unstuffer = Unstuffer()
    message = b"".join([unstuffer.feed(piece) for piece in pieces])
    return message + unstuffer.finish(), unstuffer.exact


@pytest.mark.parametrize(
    ("data", "end"),
    [
        (b".\r\nQUIT\r\n", 3),
        (b"a\r\n.\r\nQUIT\r\n", 6),
        (b"\r\n.\r\n.\r\n", 5),
        (b"..\r\n...\r\n.\r\n", 12),
        (b"\r\r\n.\r\n", 6),
        (b"a\r\n.\r\r\n.\r\n", 10),
    ],
)
def test_end(data: bytes, end: int) -> None:
    """RFC 5321 §4.1.1.4: CRLF.CRLF ends mail data, or a lone dot at once; the first one counts."""
    for pieces in every_cut(data):
        assert find_end(pieces) == end, pieces


@pytest.mark.parametrize(
    "data",
    [
        *(b"\n.\n", b"a\n.\n", b"a\n.\r\n", b"a\r\n.\n", b"a\r.\r", b"a\r.\r\n", b"a\r\n.\r"),
        *(b"a\r\n.\0\r\n", b"a\r\n\0.\r\n", b"a\r\n. \r\n", b"a\r\n..\r\n", b"a.\r\n", b"x.\r\n"),
        *(b".\n", b".\r", b"..\r\n", b"a\n\r.\r\n", b"a\r\n.\n\r\n"),
    ],
)
def test_no_end(data: bytes) -> None:
    """RFC 5321 §4.1.1.4: nothing but CRLF.CRLF ends mail data, else messages can be smuggled."""
    for pieces in every_cut(data):
        assert find_end(pieces) == -1, pieces


@settings(max_examples=300, deadline=None)
@given(data=NOISE, size=SIZES)
def test_end_in_a_stream(data: bytes, size: int) -> None:
    """The end is the first CRLF.CRLF, the CRLF of the DATA line counted in, for every cut."""
    at = (b"\r\n" + data).find(b"\r\n.\r\n")
    assert find_end(slices(data, size)) == (at + len(FINAL_DOT) if at >= 0 else -1)


STUFFED = [
    (b"", b""),
    (b"Subject: hello\r\n", b"Subject: hello\r\n"),
    (b".\r\n", b"..\r\n"),
    (b"..\r\n", b"...\r\n"),
    (b"a\r\n.b\r\n", b"a\r\n..b\r\n"),
    (b"\r\n.\r\n.\r\n", b"\r\n..\r\n..\r\n"),
    (b"a.b\r\n", b"a.b\r\n"),
    (b"a\n.b\r\n", b"a\n.b\r\n"),
    (b"a\r.b\r\n", b"a\r.b\r\n"),
]


@pytest.mark.parametrize(("message", "wire"), STUFFED)
def test_stuffing(message: bytes, wire: bytes) -> None:
    """RFC 5321 §4.5.2: a line that begins with a dot gets one more; a line begins behind CRLF."""
    assert stuff(message) == wire
    assert unstuff(wire) == message
    for pieces in every_cut(wire):
        assert unstuff_stream(pieces) == (message, True), pieces


@pytest.mark.parametrize(
    ("wire", "message"),
    [
        (b".a\r\n", b"a\r\n"),
        (b"a\r\n.b\r\n", b"a\r\nb\r\n"),
        (b"..a\r\n.b\r\n", b".a\r\nb\r\n"),
        (b".\n\r\n", b"\n\r\n"),
        (b".", b""),
        (b"a\r\n.", b"a\r\n"),
    ],
)
def test_dots_that_were_not_stuffed(wire: bytes, message: bytes) -> None:
    """RFC 5321 §4.5.2: a receiver drops any first dot; that it was the only one is told."""
    assert unstuff(wire) == message
    for pieces in every_cut(wire):
        assert unstuff_stream(pieces) == (message, False), pieces


@settings(max_examples=300, deadline=None)
@given(wire=NOISE, size=SIZES)
def test_unstuffing_a_stream(wire: bytes, size: int) -> None:
    """A stream is unstuffed line by line, and `exact` says whether stuffing would undo it."""
    lines = wire.split(b"\r\n")
    message = b"\r\n".join(line.removeprefix(b".") for line in lines)
    exact = not any(line[:1] == b"." and line[:2] != b".." for line in lines)
    assert unstuff_stream(slices(wire, size)) == (message, exact)
    assert unstuff(wire) == message
    assert (stuff(message) == wire) is exact


@settings(max_examples=200, deadline=None)
@given(message=NOISE, size=SIZES)
def test_stuffed_messages_survive(message: bytes, size: int) -> None:
    """What was stuffed holds no end of mail data before its final dot, and comes out as it was."""
    wire = stuff(message + b"\r\n")
    assert find_end(slices(wire + FINAL_DOT, size)) == len(wire + FINAL_DOT)
    assert unstuff_stream(slices(wire, size)) == (message + b"\r\n", True)


@settings(max_examples=100, deadline=None)
@given(pieces=st.lists(NOISE))
def test_at_most_two_octets_are_held_back(pieces: list[bytes]) -> None:
    """The unstuffer streams: what it has given out is short of the message by two at the most."""
    unstuffer = Unstuffer()
    given_out = fed = b""
    for piece in pieces:
        given_out += unstuffer.feed(piece)
        fed += piece
        assert len(unstuff(fed)) - len(given_out) <= 2


@pytest.mark.parametrize(
    ("message", "wire"),
    [
        (b"", b".\r\n"),
        (b"a\r\n", b"a\r\n.\r\n"),
        (b".\r\n..\r\n", b"..\r\n...\r\n.\r\n"),
        (b"a", b"a\r\n.\r\n"),
        (b"a\r", b"a\r\n.\r\n"),
        (b"a\n.b\r\n.c", b"a\n.b\r\n..c\r\n.\r\n"),
    ],
)
def test_stuffer(message: bytes, wire: bytes) -> None:
    """A stream is stuffed as a whole is, and ends by its dot on a line of its own."""
    for pieces in every_cut(message):
        stuffer = Stuffer()
        assert b"".join(map(stuffer.feed, pieces)) + stuffer.finish() == wire


@pytest.mark.parametrize("wire", [b".\r\n", b"a\r\n.\r\n", b"..\r\n.\r\n"])
def test_dot_finder(wire: bytes) -> None:
    """All but the final dot comes out, wherever TCP cut it."""
    for pieces in every_cut(wire):
        dot, last = DotFinder(), len(pieces) - 1
        found = b"".join(dot.feed(piece, at == last) for at, piece in enumerate(pieces))
        assert found + FINAL_DOT == wire
