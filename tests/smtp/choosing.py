"""Answers to a client, and cuts of its octets, by numbers that a test draws."""

from collections.abc import Iterable, Iterator
from itertools import cycle

from tests.smtp.reading import Answer

#: Reply codes that each stage may be answered with; elsewhere 250, 354 and 550.
CODES = {
    "DATA": (354, 354, 354, 503),
    "?": (354, 500),
    "AUTH": (334, 334, 235, 535),
    "STARTTLS": (454, 454, 220, 250),
    "TURN": (502, 502, 250),
    "ATRN": (450, 450, 250),
    "XCLIENT": (220, 550),
}


def cut(octets: bytes, sizes: Iterable[int]) -> Iterator[bytes]:
    """Yield the octets in pieces of these sizes, over and over."""
    at = 0
    for size in cycle(sizes):
        if at >= len(octets):
            return
        yield octets[at : at + size]
        at += size


def choosing(choices: list[int]) -> Answer:
    """Answer each stage with one of its own codes, and with none after the last choice."""
    left = iter(choices)

    def answer(stage: str) -> int | None:
        codes = CODES.get(stage, (250, 354, 550))
        choice = next(left, None)
        return None if choice is None else codes[choice % len(codes)]

    return answer
