"""Messages as an mbox has them (RFC 4155), in the form that loses nothing: mboxrd.

A line of any number of `>` and "From " gets one `>` more. CRLF becomes LF, as in all mboxes.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from smtpproxy.visible import visible_text

_FROM = re.compile(rb"(\n>*)(?=From )")
#: What at the end of a piece may be the beginning of "From ", or of CRLF.
_UNDECIDED = re.compile(rb"(?:F(?:r(?:om?)?)?|\r)\Z")


def separator(sender: str, recorded: str) -> bytes:
    """Return the line before a message: its reverse-path, and a time as the cassette has it."""
    address = re.sub(r"\s", "_", visible_text(sender)) or "MAILER-DAEMON"
    return f"From {address} {time.asctime(_moment(recorded).timetuple())}\n".encode()


def quoted(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield a message, quoted, and the empty line behind it, wherever the pieces were cut."""
    before, held, last = b"\n", b"", b"\n"
    for piece in pieces:
        octets = held + piece
        found = _UNDECIDED.search(octets, max(0, len(octets) - 5))
        held = found[0] if found else b""
        text = before + octets.removesuffix(held).replace(b"\r\n", b"\n")
        yield _FROM.sub(rb"\1>", text)[len(before) :]
        before, last = _before(text), text[-1:]
    yield held
    yield b"\n" if not held and last == b"\n" else b"\n\n"


def _before(text: bytes) -> bytes:
    """Return a line end where nothing but `>` has followed one, else what is none."""
    _, newline, line = text.rpartition(b"\n")
    return b"\n" if newline and not line.strip(b">") else b"."


def _moment(recorded: str) -> datetime:
    try:
        moment = datetime.fromisoformat(recorded)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return datetime(1970, 1, 1, tzinfo=UTC)
