"""A message on its way through changes: its framing, and what is known of it."""

from __future__ import annotations

import pytest

from smtpproxy.message import Known, Reframing
from smtpproxy.smtp.maildata import FINAL_DOT, stuff
from tests.smtp.dialogue import every_cut

WHOLE = [b"", b"Hi.\r\n", b".\r\n", b"A: b\r\n\r\n.x\r\n..\r\n"]
MESSAGES = [*WHOLE, b"\r\n.\r", b"no end", b"a\r\n."]


class Unchanged:
    """A filter that passes all on, one octet late."""

    told = ""

    def __init__(self) -> None:
        self._kept = b""

    def feed(self, octets: bytes) -> bytes:
        """Keep the last octet."""
        octets = self._kept + octets
        self._kept = octets[-1:]
        return octets[:-1]

    def finish(self) -> bytes:
        """Give it out."""
        return self._kept


def reframed(pieces: list[bytes], stuffed: bool, filters: int) -> tuple[bytes, Known]:
    """Return what comes out, and what is known."""
    reframing = Reframing([Unchanged() for _ in range(filters)], stuffed)
    last = len(pieces) - 1
    octets = b"".join(reframing.feed(piece, at == last) for at, piece in enumerate(pieces))
    return octets, reframing.known


@pytest.mark.parametrize("filters", [0, 1, 2])
@pytest.mark.parametrize("message", WHOLE)
def test_framing_of_data(message: bytes, filters: int) -> None:
    """What nobody changes is the same on the wire, dot for dot, wherever TCP cut it."""
    wire = stuff(message) + FINAL_DOT
    for pieces in every_cut(wire):
        octets, known = reframed(pieces, True, filters)
        assert octets == wire
        assert known.size == len(message)


@pytest.mark.parametrize("message", MESSAGES)
def test_chunks_have_no_dots(message: bytes) -> None:
    """By BDAT a message is what it is."""
    for pieces in every_cut(message):
        octets, known = reframed(pieces, False, 1)
        assert octets == message
        assert known.size == len(message)


@pytest.mark.parametrize(
    ("message", "header"),
    [
        (b"A: b\r\nC: d\r\n\r\nE: f\r\n\r\n", b"A: b\r\nC: d\r\n"),
        (b"\r\nbody\r\n\r\n", b""),
        (b"A: b\r\n", b"A: b\r\n"),
        (b"A: b\r\n" * 20_000, (b"A: b\r\n" * 20_000)[: 64 * 1024]),
    ],
)
def test_header_section(message: bytes, header: bytes) -> None:
    """It ends before the first empty line, or where there is no more room."""
    for cut in (1, 4, 6, 7, 13, 14, 15, len(message)):
        known = Known()
        known.add(message[:cut])
        known.add(message[cut:])
        assert known.header == header
        assert known.size == len(message)
