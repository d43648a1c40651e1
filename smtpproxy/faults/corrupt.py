"""Change single octets of a message on its way to upstream."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import Any, ClassVar, Final, Self

from smtpproxy.faults.base import DataFilter, Draw, Fault, FaultError, Value, mapping_of, number_of
from smtpproxy.faults.mid_data import at_data, octets_in

OCTETS, EVERY = "octets", "every"
KEYS = (OCTETS, EVERY)
#: Octets that are held back at a time where so many are to be changed.
_WINDOW: Final = 1024
_MOST_OCTETS: Final = 1000
#: Bounds of `every`: of the time that it takes, and of what is held back.
_LEAST_WINDOW, _MOST_WINDOW = 64, 1024 * 1024
_PLACES_TOLD: Final = 10
#: Printable, and no dot, which means something where a line begins.
_VALUES: Final = bytes(value for value in range(0x21, 0x7F) if value != ord("."))


@dataclass(frozen=True, slots=True)
class Corrupt(Fault):
    """`corrupt: {octets: 3}` or `corrupt: {every: 4 KiB}`: upstream gets other octets there.

    `count` octets in windows of `window` octets, one in each, or, where it is 0, one in each window
    of the message. What is left of a count falls in the last one.
    """

    count: int
    window: int
    draws: ClassVar[bool] = True
    in_data: ClassVar[bool] = True
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            OCTETS: {"type": "integer", "minimum": 1, "maximum": _MOST_OCTETS},
            EVERY: {"type": ["integer", "string"]},
        },
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read how many, or how often."""
        at_data(stage)
        found = mapping_of(value, KEYS)
        if len(found) > 1:
            raise FaultError("expected either octets: or every:")
        if OCTETS in found:
            return cls(number_of(found[OCTETS], 1, _MOST_OCTETS, OCTETS), _WINDOW)
        window = octets_in(found[EVERY], EVERY)
        if not _LEAST_WINDOW <= window <= _MOST_WINDOW:
            problem = f"expected a size from {_LEAST_WINDOW} octets to 1 MiB, got {found[EVERY]!r}"
            raise FaultError(problem, path=(EVERY,))
        return cls(0, window)

    def data_filter(self, draw: Draw) -> DataFilter:
        """Return what corrupts a message."""
        return Corrupting(self, draw)

    @property
    def words(self) -> str:
        """How many octets upstream gets wrong."""
        if self.count:
            return f"upstream gets {self.count} wrong octets in the message"
        return f"upstream gets a wrong octet in each {self.window} of the message"


class Corrupting:
    """One message that is corrupted. It is held back by one window, in which all is possible."""

    def __init__(self, fault: Corrupt, draw: Draw) -> None:
        self._fault = fault
        self._draw = draw
        self._held = bytearray()
        self._before = b"\n"[0]  # the octet before those: at first a line begins
        self._passed = 0
        self._places: list[int] = []  # the first of them, from 1
        self._changed = 0

    def feed(self, octets: bytes) -> bytes:
        """Return all windows that are full, each with a wrong octet."""
        if self._done and not self._held:
            return octets
        self._held += octets
        window, out = self._fault.window, bytearray()
        at = 0
        while len(self._held) - at > window and not self._done:
            out += self._corrupted(self._held[at : at + window], 1)
            at += window
        if self._done:
            out += self._held[at:]
            at = len(self._held)
        del self._held[:at]
        return bytes(out)

    def finish(self) -> bytes:
        """Return the last window, with as many wrong octets as are left."""
        held, self._held = self._held, bytearray()
        fault = self._fault
        left = fault.count - self._changed if fault.count else 1
        return bytes(self._corrupted(held, left)) if held else b""

    @property
    def _done(self) -> bool:
        return 0 < self._fault.count <= self._changed

    @property
    def told(self) -> str:
        """How many octets are wrong, and where."""
        if not self._changed:
            return ""
        places = ", ".join(str(place) for place in self._places)
        more = " and further on" if self._changed > len(self._places) else ""
        return f"{self._changed} wrong octets, at {places}{more}"

    def _corrupted(self, held: bytearray, count: int) -> bytearray:
        """Return a window with so many wrong octets, as far as it has any that may be wrong."""
        before, self._before = self._before, held[-1]
        taken: list[int] = []
        taboo = _dots(held, before)
        for _ in range(count):
            place = _place(held, int(self._draw() * len(held)), taboo)
            if place < 0:
                break
            taken.append(place)
            taboo.add(place)
            held[place] = _other(held[place], self._draw())
        self._changed += len(taken)
        room = _PLACES_TOLD - len(self._places)
        self._places += [self._passed + place + 1 for place in sorted(taken)[:room]]
        self._passed += len(held)
        return held


def _dots(held: bytearray, before: int) -> set[int]:
    """Return the places of dots that begin a line; `before` is the octet before the first."""
    found = {0} if before in b"\n" and held[:1] == b"." else set()
    at = held.find(b"\n.")
    while at >= 0:
        found.add(at + 1)
        at = held.find(b"\n.", at + 1)
    return found


def _place(held: bytearray, first: int, taboo: set[int]) -> int:
    """Return the first place from there on, and then from the front, that may be wrong, or -1."""
    for place in chain(range(first, len(held)), range(first)):
        if held[place] not in b"\r\n" and place not in taboo:
            return place
    return -1


def _other(octet: int, drawn: float) -> int:
    """Return another octet."""
    values = _VALUES.replace(bytes([octet]), b"")
    return values[int(drawn * len(values))]
