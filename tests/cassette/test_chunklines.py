"""Chunks of BDAT are shown as lines, and read again as what they were."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.cassette.chunklines import fitted, shown
from smtpproxy.cassette.overheard import Side, Turn, hear
from smtpproxy.visible import visible_text


def transcript(*chunks: bytes, answered: bool = True) -> bytes:
    """Return a dialogue of BDATs as it is shown."""
    lines = ["S: 220 mail.example.org"]
    for chunk in chunks:
        lines += [f"C: BDAT {len(chunk)}", *(f"C: {line}" for line in shown(chunk))]
        lines += ["S: 250 ok"] if answered else []
    return "".join(f"{line}\n" for line in [*lines, "C: QUIT", "S: 221 bye"]).encode()


def read(text: bytes) -> tuple[bytes, list[int]]:
    """Return what the client sent, and the lines of BDATs that did not fit."""
    turns, misfits = fitted(hear(text, "t").turns)
    return b"".join(turn.octets for turn in turns if turn.side is Side.CLIENT), misfits


def sent(*chunks: bytes) -> bytes:
    """Return these chunks as a client sends them."""
    bdats = [b"BDAT %d\r\n%b" % (len(chunk), chunk) for chunk in chunks]
    return b"".join([*bdats, b"QUIT\r\n"])


@pytest.mark.parametrize("answered", [True, False])
@pytest.mark.parametrize(
    "chunks",
    [
        (b"",),
        (b"\r\n",),
        (b"Subject: x\r\n\r\nHi\r\n",),
        (b"Subject: x\r\n\r\nH", b"i\r", b"\n.\r\n"),
        (b"BDAT 5\r\n", b"QUIT\r\n", b"."),
        (b"a\nb\tc\x00\xff\r\n", "Gr\u00fc\u00dfe\u0085\u202e\r\n".encode()),
        (b"\\x41 as it is\r\n", b"\\x41 \x1b beside a control\r\n"),
        (b'<p class="x">\r\n',),
    ],
)
def test_what_is_shown_is_read_again(chunks: tuple[bytes, ...], answered: bool) -> None:
    """Whether a chunk ends within a line, holds odd octets, or looks like a command."""
    assert read(transcript(*chunks, answered=answered)) == (sent(*chunks), [])


@given(st.lists(st.binary(max_size=30), min_size=1, max_size=3))
def test_any_octets_are_read_again(chunks: list[bytes]) -> None:
    """One chunk after the other, each answered."""
    assert read(transcript(*chunks)) == (sent(*chunks), [])


@given(st.text(max_size=40))
def test_nothing_reaches_a_terminal(text: str) -> None:
    """What is shown is fit to be shown."""
    for line in shown(text.encode("utf-8", "surrogatepass")):
        assert visible_text(line) == line


def test_another_size_is_told() -> None:
    """BDAT is made to say what is there, so that what follows is read as what it is."""
    text = b"S: 220 hi\nC: BDAT 100000\nC: (cut)\nS: 250 ok\nC: BDAT 7 LAST\nS: 250\nC: QUIT\n"
    octets = b"BDAT 7\r\n(cut)\r\nBDAT 0 LAST\r\nQUIT\r\n"
    assert read(text) == (octets, [2, 5])


def test_a_message_is_no_bdat() -> None:
    """What looks like one within mail data is a line of the message."""
    text = b"S: 220 hi\nC: DATA\nS: 354 go\nC: BDAT 5\nC: .\nS: 250 ok\nC: BDAT 1\nC: x\nS: 250\n"
    assert read(text) == (b"DATA\r\nBDAT 5\r\n.\r\nBDAT 1\r\nx", [])


def test_many_bdats_take_no_long_time() -> None:
    """A stranger's transcript of chunks that are not there is read in a moment."""
    turns = [Turn(Side.CLIENT, b"BDAT 500000\r\n", 1)] * 100_000
    began = time.process_time()
    assert len(fitted(turns).misfits) > 0
    assert time.process_time() - began < 5
