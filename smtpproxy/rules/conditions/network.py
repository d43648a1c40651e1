"""Where the client is."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import Condition, ConditionError, pattern_of
from smtpproxy.rules.occasion import Occasion, number_of
from smtpproxy.rules.pattern import Pattern

_EXPECTED = "expected an address, a network such as 192.0.2.0/24, or a pattern such as 192.0.2.*"


@dataclass(frozen=True, slots=True)
class Client(Condition):
    """`client: 192.0.2.0/24`: the client's IP address; one in IPv6 that stands for IPv4 is IPv4."""

    text: str
    low: tuple[int, int]  # version and number of the first address
    high: tuple[int, int]
    pattern: Pattern | None = None
    schema: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read an address, a network or a pattern."""
        text = text_of(value)
        try:
            network = ipaddress.ip_network(text)
        except ValueError:
            return cls._pattern(text)
        first, last = network.network_address, network.broadcast_address
        return cls(text, number_of(str(first)), number_of(str(last)))

    @classmethod
    def _pattern(cls, text: str) -> Self:
        try:
            network = ipaddress.ip_network(text, strict=False)
        except ValueError:
            pass
        else:
            raise ConditionError(f"expected the network {str(network)!r}, got {text!r}")
        if not (set(text) & {"*", "?"} or (text[:1] == "/" and len(text) > 1)):
            raise ConditionError(f"{_EXPECTED}, got {text!r}")
        return cls(text, (0, 0), (0, 0), pattern_of(text))

    def matches(self, occasion: Occasion) -> bool:
        """Is the client there?"""
        if self.pattern is not None:
            return self.pattern.matches(occasion.client)
        low = self.low
        number = occasion.client_number
        return low <= number <= self.high

    @property
    def words(self) -> str:
        """Where it is."""
        if self.pattern is None and "/" not in self.text:
            return f"the client is {self.text}"
        return f"the client is in {self.text}"
