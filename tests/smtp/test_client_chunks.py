"""BDAT: its chunks are counted, whatever is in them and however they are answered."""

import pytest

from smtpproxy.smtp.client import ClientReader, Framing
from smtpproxy.smtp.facts import Chunk, Command
from tests.smtp.dialogue import every_cut
from tests.smtp.reading import ClientReading, Facts, in_turn, read_client, read_on


@pytest.mark.parametrize("code", [250, 503, 552])
def test_chunks(code: int) -> None:
    """RFC 3030 §2: BDAT takes exactly its octets, whatever they are, even when it is refused."""
    octets = b"BDAT 9\r\n\r\n.\r\nQUITbdat 0 LAST\r\nNOOP\r\n"
    expected = Facts(
        [
            Command("BDAT", b"BDAT 9\r\n"),
            Chunk(b"\r\n.\r\nQUIT", last=True),
            Command("BDAT", b"bdat 0 LAST\r\n"),
            Chunk(b"", last=True),
            Command("NOOP", b"NOOP\r\n"),
        ]
    )
    for pieces in every_cut(octets):
        assert read_client(pieces, in_turn([code] * 3)) == ClientReading(expected, b"")


def test_chunk_refused_before_it_is_complete() -> None:
    """RFC 3030 §2: a reply that comes too early does not shorten the chunk."""
    reader = ClientReader()
    reader.receive(b"BDAT 6\r\nQU")
    assert read_on(reader) == [Command("BDAT", b"BDAT 6\r\n"), Chunk(b"QU", last=False)]
    reader.answered("BDAT", 552)
    reader.receive(b"IT\r\nRSET\r\n")
    assert read_on(reader) == [Chunk(b"IT\r\n", last=True), Command("RSET", b"RSET\r\n")]


@pytest.mark.parametrize(
    "line",
    [
        b"BDAT\r\n",
        b"BDAT x\r\n",
        b"BDAT -5\r\n",
        b"BDAT +5\r\n",
        b"BDAT 5_0\r\n",
        b"BDAT 5 MORE\r\n",
    ],
)
def test_chunk_of_no_readable_size(line: bytes) -> None:
    """A BDAT whose size can't be read has an empty chunk, and what follows is a command."""
    expected = Facts(
        [
            Command("BDAT", line),
            Chunk(b"", last=True),
            Command("QUIT", b"QUIT\r\n"),
        ]
    )
    for pieces in every_cut(line + b"QUIT\r\n"):
        assert read_client(pieces, in_turn([])) == ClientReading(expected, b"")


def test_chunk_larger_than_memory_is_only_counted() -> None:
    """A chunk is streamed: its size costs nothing before its octets come."""
    reader = ClientReader()
    reader.receive(b"BDAT 9999999999999999999\r\nabc")
    assert read_on(reader) == [
        Command("BDAT", b"BDAT 9999999999999999999\r\n"),
        Chunk(b"abc", last=False),
    ]
    assert reader.framing is Framing.CHUNK
