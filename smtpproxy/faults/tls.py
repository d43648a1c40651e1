"""Let the TLS that a client was told to begin go wrong.

Owns the names of what can be wrong. How it is brought about is for whoever begins TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Fault, FaultError, Telling, Value, text_of

STAGE = "STARTTLS"
PLAIN_TEXT, SILENCE, CLOSE, STALL = "plain-text", "silence", "close", "stall"
#: Each in its own way no TLS, or no good one.
TLS_FAULTS = (
    *(PLAIN_TEXT, SILENCE, CLOSE, STALL),
    *("wrong-name", "expired", "self-signed", "untrusted", "old-version"),
)
#: Those in which TLS never begins.
WITHOUT = frozenset({PLAIN_TEXT, SILENCE, CLOSE})
#: Those in which the client waits for TLS, until it gives up.
ENDLESS = frozenset({PLAIN_TEXT, SILENCE, STALL})


@dataclass(frozen=True, slots=True)
class SpoiltTls(Fault):
    """`tls: expired`: behind the 220 to STARTTLS, this is wrong with TLS."""

    flaw: str
    schema: ClassVar[dict[str, Any]] = {"enum": list(TLS_FAULTS)}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read what is to be wrong."""
        if stage != STAGE:
            raise FaultError(f"expected at {STAGE} alone: at {stage} no TLS begins")
        flaw = text_of(value)
        if flaw not in TLS_FAULTS:
            raise FaultError(f"expected {_listed(TLS_FAULTS)}, got {flaw!r}", flaw, TLS_FAULTS)
        return cls(flaw)

    def apply(self, telling: Telling) -> None:
        """Spoil what follows, if TLS follows."""
        telling.flaw = telling.flaw or self.flaw  # the first rule has its way

    @property
    def words(self) -> str:
        """What is wrong with TLS."""
        return f"TLS behind the 220 is spoilt: {self.flaw}"


def _listed(words: tuple[str, ...]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"
