"""Let a part of a message come twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from smtpproxy.faults.base import DataFilter, Draw, Fault, FaultError, Value
from smtpproxy.faults.mid_data import at_data, octets_in
from smtpproxy.smtp.headersection import HeaderSection
from smtpproxy.smtp.maildata import missing_end

#: Octets that are kept of a message.
MOST: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Duplicate(Fault):
    """`duplicate: 10 KiB`: the first so many octets of the body come again at its end."""

    octets: int
    in_data: ClassVar[bool] = True
    resizes: ClassVar[bool] = True
    schema: ClassVar[dict[str, Any]] = {"type": ["integer", "string"], "minimum": 1}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read how many octets come twice."""
        at_data(stage)
        octets = octets_in(value)
        if not 1 <= octets <= MOST:
            raise FaultError(f"expected a size from 1 octet to 1 MiB, got {value!r}")
        return cls(octets)

    def data_filter(self, draw: Draw) -> DataFilter:
        """Return what lets them come twice."""
        return Duplicating(self.octets)

    @property
    def words(self) -> str:
        """What comes twice."""
        octets = self.octets
        return f"upstream gets the first {octets} octets of the body again at the message's end"


class Duplicating:
    """One message of which a part comes twice."""

    def __init__(self, octets: int) -> None:
        self._most = octets
        self._section: HeaderSection | None = HeaderSection()  # None: it has passed
        self._kept = bytearray()
        self._tail = b""
        self.told = ""

    def feed(self, octets: bytes) -> bytes:
        """Return the same octets."""
        self._tail = (self._tail + octets[-2:])[-2:]
        section = self._section
        if section is None:
            self._kept += octets[: self._most - len(self._kept)]
        elif section.feed(octets):
            self._begin(section)
        elif section.too_large:
            self._section, self._most = None, 0
            self.told = "nothing comes twice: the header section has more than 64 KiB"
        return octets

    def finish(self) -> bytes:
        """Return what comes twice, in lines of its own."""
        if self._section is not None and self._section.finish():
            self._begin(self._section)
        kept = bytes(self._kept)
        if not kept:
            return b""
        self.told = f"{len(kept)} octets of the body came twice"
        return missing_end(self._tail) + kept + missing_end(kept)

    def _begin(self, section: HeaderSection) -> None:
        """The body begins in what has come."""
        body = section.parts()[1].removeprefix(b"\r\n")
        self._kept += body[: self._most]
        self._section = None
