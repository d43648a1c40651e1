"""What the rules of all sessions of one run share, and what each session brings along.

Owns the seed, the moment when the run began, and the ledger. Reads no clock.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import NamedTuple

from smtpproxy.rules.ledger import Ledger


class Run:
    """One run of the proxy; `dry`: rules are asked and counted, and change nothing."""

    def __init__(self, began: float = 0.0, seed: int = 0, dry: bool = False) -> None:
        """`began`: seconds, of the clock that relays are given."""
        self.began = began
        self.seed = seed
        self.dry = dry
        self.ledger = Ledger()

    def draw(self, key: str, scope: str, ordinal: int, counter: int) -> float:
        """Return a number from 0 up to 1: the same one for the same words at every run."""
        words = f"{self.seed}\0{key}\0{scope}\0{ordinal}\0{counter}".encode(
            "utf-8", "surrogatepass"
        )
        drawn = int.from_bytes(blake2b(words, digest_size=8).digest())
        return (drawn >> 11) / (1 << 53)


class Visit(NamedTuple):
    """A client's session in the run: its IP address, or "", and the session's number, from 1."""

    client: str
    number: int
    run: Run
