"""Dialogues as the RFCs print them, and the ways in which TCP may cut octets."""

from collections.abc import Iterator
from typing import NamedTuple


class Dialogue(NamedTuple):
    """What each side says, the client's lines as octets and the server's as reply codes."""

    octets: bytes
    codes: list[int]


class Step(NamedTuple):
    """A line of the client, "" for the greeting, and the reply code that answers it."""

    line: bytes
    code: int


def dialogue(text: str) -> Dialogue:
    """Read lines such as `C: EHLO x` and `S: 250 ok`; indentation does not count."""
    sent = [line for who, line in _lines(text) if who == "C"]
    codes = [int(line[:3]) for who, line in _lines(text) if who == "S"]
    return Dialogue(b"".join(line.encode() + b"\r\n" for line in sent), codes)


def steps(text: str) -> list[Step]:
    """Pair each `S:` of a dialogue with the `C:` just before it."""
    found = []
    line = ""
    for who, words in _lines(text):
        if who == "C":
            line = words
        else:
            found.append(Step(line.encode() + b"\r\n" if line else b"", int(words[:3])))
            line = ""
    return found


def _lines(text: str) -> Iterator[tuple[str, str]]:
    for line in filter(None, map(str.strip, text.splitlines())):
        who, _, words = line.partition(":")
        assert who in ("C", "S"), f"{line!r} is no line of a dialogue"
        yield who, words.removeprefix(" ")


def every_cut(octets: bytes) -> Iterator[list[bytes]]:
    """Yield the octets whole, cut in two at every place, and octet by octet."""
    yield [octets]
    for at in range(1, len(octets)):
        yield [octets[:at], octets[at:]]
    yield [octets[at : at + 1] for at in range(len(octets))]
