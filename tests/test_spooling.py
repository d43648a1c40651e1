"""A message that is kept until it is known what becomes of it."""

from __future__ import annotations

import errno
import io

import pytest

from smtpproxy.spooling import Spool, SpoolError


def read_all(spool: Spool, piece: int = 7) -> bytes:
    """Return what a spool has, piece by piece."""
    found = b""
    while octets := spool.read(piece):
        assert len(octets) <= piece
        found += octets
    return found


@pytest.mark.parametrize("room", [0, 5, 64, 100])
def test_all_comes_back_in_order(room: int) -> None:
    """Whether it stayed in memory or went to a file, in whatever pieces."""
    spool = Spool(room=room)
    pieces = [b"a" * 30, b"", b"b" * 3, b"c" * 31]
    for piece in pieces:
        spool.add(piece)
    assert spool.size == 64
    assert spool.large is (room < 64)
    assert read_all(spool) == b"".join(pieces)


def test_a_small_message_opens_no_file() -> None:
    """Most messages are small."""

    def refuse() -> io.BytesIO:
        raise AssertionError("a file was opened")

    spool = Spool(refuse, room=10)
    spool.add(b"x" * 10)
    assert read_all(spool) == b"x" * 10


def test_it_is_bounded() -> None:
    """Beyond its limit nothing is kept, and that is no fault of the disk."""
    spool = Spool(room=4, limit=10)
    spool.add(b"x" * 10)
    with pytest.raises(SpoolError, match="more than 10 octets") as caught:
        spool.add(b"y")
    assert caught.value.full


def test_a_disk_that_is_full() -> None:
    """It is said in words, and is a matter of this disk, at this time."""

    class Full(io.BytesIO):
        def write(self, octets: object, /) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(SpoolError, match="No space left on device") as caught:
        Spool(Full, room=1).add(b"xx")
    assert not caught.value.full


def test_its_file_is_closed() -> None:
    """Once, or twice: nothing stays behind."""
    opened: list[io.BytesIO] = []

    def opening() -> io.BytesIO:
        opened.append(io.BytesIO())
        return opened[-1]

    spool = Spool(opening, room=0)
    spool.add(b"x")
    spool.close()
    spool.close()
    assert [one.closed for one in opened] == [True]
