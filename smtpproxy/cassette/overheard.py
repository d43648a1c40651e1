"""Dialogues as other programs print them: who said which octets, line by line.

Reads the RFCs' `C:` and `S:`, swaks, smtplib's debug output, and what tshark prints of a TCP
stream. Owns those forms; what was said means nothing here.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import NamedTuple

from smtpproxy.documents import DocumentError


class Side(Enum):
    """Who speaks; a new connection is told where the form tells it."""

    CLIENT = auto()
    SERVER = auto()
    CONNECTED = auto()


class Turn(NamedTuple):
    """Octets that a side sent, and the line in which that stands."""

    side: Side
    octets: bytes
    line: int


class Heard(NamedTuple):
    """All turns of a file, and the lines that are no part of a dialogue.

    `by_line`: each turn is a line as it was printed, and its CRLF is implied.
    """

    turns: list[Turn]
    passed: list[int]
    form: str
    by_line: bool = False


_LETTERS = re.compile(rb"[ \t]*([CS]):(?:[ \t](.*))?")
#: A stage direction, such as `<waits for connection on TCP port 25>` (RFC 3207); no tag of HTML.
_DIRECTION = re.compile(rb"<[a-z][^@<>=/\"']* [^@<>=/\"']*>[ \t]*")
_ARROWS = re.compile(
    rb"[ \t]*(?:(?P<client>->|~>|\*\*>|\*~>)(?:[ \t](?P<sent>.*))?"
    rb"|(?P<server><\*\*|<~\*|<-|<~)(?:[ \t]+(?P<said>.*))?)"
)
_ARROWS_CONNECTED = re.compile(rb"=== Connected to ")
_SMTPLIB = re.compile(rb"(?:[0-9:.]+ )?(?:(send)|(reply)): (b?(['\"]).*\4)")
_SMTPLIB_CONNECTED = re.compile(rb"(?:[0-9:.]+ )?connect: to \(")
_SMTPLIB_OTHER = re.compile(rb"(?:[0-9:.]+ )?(?:reply: retcode|data: |connect: b)")
_FOLLOW = re.compile(rb"Follow: (?:tcp|tls|ssl),(ascii|raw)")
_SIZE = re.compile(rb"(\t?)([0-9]{1,10})\r?\n")
_HEX = re.compile(rb"(\t?)((?:[0-9a-fA-F]{2})+)")
_SEPARATOR = b"=" * 60


def hear(octets: bytes, source: str) -> Heard:
    """Return what is said in a file. Raises DocumentError where it has no form that is known."""
    followed = _FOLLOW.search(octets)
    if followed is not None:
        read = _ascii_stream if followed[1] == b"ascii" else _raw_stream
        return Heard(_named(read(octets, source)), [], f"tshark {followed[1].decode()}")
    lines = [line.removesuffix(b"\r") for line in octets.split(b"\n")]
    form = max(_FORMS, key=lambda form: sum(map(bool, map(_FORMS[form][0].fullmatch, lines))))
    found = _heard(form, _FORMS[form][1], lines, source)
    if not found.turns:
        raise DocumentError(source, 0, "no dialogue was found: expected lines such as 'C: EHLO …'")
    return found


_Read = Callable[[bytes], tuple[Side, bytes] | None]


def _heard(form: str, read: _Read, lines: list[bytes], source: str) -> Heard:
    turns, passed = [], []
    for number, line in enumerate(lines, start=1):
        try:
            said = read(line)
        except ValueError as error:
            raise DocumentError(source, number, str(error)) from None
        if said is not None:
            turns.append(Turn(*said, number))
        elif line.strip():
            passed.append(number)
    return Heard(turns, passed, form, form != "smtplib")


def _line(side: Side, text: bytes | None) -> tuple[Side, bytes]:
    return side, (text or b"") + b"\r\n"


def _letters(line: bytes) -> tuple[Side, bytes] | None:
    found = _LETTERS.fullmatch(line)
    if found is None or _DIRECTION.fullmatch(found[2] or b""):
        return None
    if found[1] == b"S":
        return _line(Side.SERVER, (found[2] or b"").lstrip())
    return _line(Side.CLIENT, found[2])


def _arrows(line: bytes) -> tuple[Side, bytes] | None:
    if _ARROWS_CONNECTED.match(line):
        return Side.CONNECTED, b""
    found = _ARROWS.fullmatch(line)
    if found is None:
        return None
    if found["client"]:
        return _line(Side.CLIENT, found["sent"])
    return _line(Side.SERVER, found["said"])


def _smtplib(line: bytes) -> tuple[Side, bytes] | None:
    if _SMTPLIB_CONNECTED.match(line):
        return Side.CONNECTED, b""
    found = _SMTPLIB.fullmatch(line)
    if found is None:
        return (Side.CLIENT, b"") if _SMTPLIB_OTHER.match(line) else None
    return (Side.CLIENT if found[1] else Side.SERVER), _literal(found[3])


def _literal(text: bytes) -> bytes:
    """Return the octets that Python has printed. Raises ValueError."""
    try:
        value = ast.literal_eval(text.decode("utf-8"))
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        raise ValueError("expected octets as Python prints them, such as b'250 Ok\\r\\n'") from None
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "backslashreplace")


#: How each form's lines are told, and read.
_FORMS: dict[str, tuple[re.Pattern[bytes], _Read]] = {
    "C: and S:": (_LETTERS, _letters),
    "swaks": (_ARROWS, _arrows),
    "smtplib": (_SMTPLIB, _smtplib),
}


# tshark prints which of two nodes sent something, and not which of them is the server.


def _ascii_stream(octets: bytes, source: str) -> Iterator[tuple[bool, bytes, int]]:
    """Yield whether it was the second node, what it sent, and the line. Raises DocumentError."""
    at, line = 0, 1
    while at < len(octets):
        found = _SIZE.match(octets, at)
        end = found.end() + int(found[2]) if found else 0
        if found is None:
            end = octets.find(b"\n", at) + 1 or len(octets)  # a line of the heading
        elif end > len(octets) or octets[end : end + 1] not in (b"\n", b""):
            problem = "holds other octets than it says; line ends were changed: take follow,tcp,raw"
            raise DocumentError(source, line, f"what follows {problem}")
        else:
            yield bool(found[1]), octets[found.end() : end], line
            end += 1
        line += octets.count(b"\n", at, end)
        at = end


def _raw_stream(octets: bytes, source: str) -> Iterator[tuple[bool, bytes, int]]:
    for number, line in enumerate(octets.split(b"\n"), start=1):
        found = _HEX.fullmatch(line.rstrip(b"\r "))
        if found is not None:
            yield bool(found[1]), bytes.fromhex(found[2].decode()), number


def _named(sent: Iterator[tuple[bool, bytes, int]]) -> list[Turn]:
    """Return the turns: who speaks first with a reply code is the server."""
    turns = list(sent)
    first = turns[0] if turns else (True, b"", 0)
    server = first[0] if re.match(rb"[2-5][0-9]{2}[ -]", first[1]) else not first[0]
    return [
        Turn(Side.SERVER if second is server else Side.CLIENT, octets, line)
        for second, octets, line in turns
    ]
