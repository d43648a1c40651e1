"""Swallow the rest of a message on its way to upstream."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import DataFilter, Draw, Fault, Value
from smtpproxy.faults.mid_data import at_data, octets_in
from smtpproxy.smtp.maildata import missing_end


@dataclass(frozen=True, slots=True)
class Truncate(Fault):
    """`truncate: 10 KiB`: upstream gets so many octets of a message, and its end in order."""

    octets: int
    in_data: ClassVar[bool] = True
    resizes: ClassVar[bool] = True
    schema: ClassVar[dict[str, Any]] = {"type": ["integer", "string"], "minimum": 0}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read how many octets pass."""
        at_data(stage)
        return cls(octets_in(value))

    def data_filter(self, draw: Draw) -> DataFilter:
        """Return what lets so much of a message pass."""
        return Truncating(self.octets)

    @property
    def words(self) -> str:
        """How much upstream gets."""
        return f"upstream gets the first {self.octets} octets of the message, and its end"


class Truncating:
    """One message that is truncated."""

    def __init__(self, octets: int) -> None:
        self._left = octets
        self._tail = b""  # the last octets that passed
        self._swallowed = 0

    def feed(self, octets: bytes) -> bytes:
        """Return as many of the octets as may pass."""
        passing = octets[: self._left]
        self._left -= len(passing)
        self._swallowed += len(octets) - len(passing)
        self._tail = (self._tail + passing[-2:])[-2:]
        return passing

    def finish(self) -> bytes:
        """Return what the last line lacks, where it was cut."""
        return missing_end(self._tail) if self._swallowed else b""

    @property
    def told(self) -> str:
        """How much was swallowed."""
        return f"{self._swallowed} octets were swallowed" if self._swallowed else ""
