"""What should happen to a connection: the words in which opinions speak to the shell.

An action is data. Its order counts, for each side on its own.
"""

from __future__ import annotations

from enum import Enum, auto
from typing import Protocol, TypeAlias

import msgspec


class Side(Enum):
    """One leg of a session."""

    CLIENT = auto()
    UPSTREAM = auto()


class Connect(msgspec.Struct, frozen=True):
    """Open the connection to upstream."""

    side: Side = Side.UPSTREAM


class Send(msgspec.Struct, frozen=True):
    """Send these octets."""

    side: Side
    octets: bytes


class Source(Protocol):
    """Octets that are read bit by bit. It is closed by whoever has come to its end."""

    def read(self, most: int) -> bytes:
        """Return the next octets, no more than so many; b"" at the end. Raises OSError."""

    def close(self) -> None:
        """Forget it."""


class SendFrom(msgspec.Struct, frozen=True):
    """Send what a source has, as fast as the peer takes it."""

    side: Side
    source: Source


class Wait(msgspec.Struct, frozen=True):
    """Let nothing go to this side for a time."""

    side: Side
    seconds: float


class HalfClose(msgspec.Struct, frozen=True):
    """Say that nothing more will be sent, and go on reading."""

    side: Side


class Close(msgspec.Struct, frozen=True):
    """Close once everything before it was sent; under TLS say so first, if it is to `notify`."""

    side: Side
    notify: bool = True  # by close_notify (RFC 8446 §6.1)


class Reset(msgspec.Struct, frozen=True):
    """Close at once, by TCP RST where the transport has it; what was not yet sent is lost.

    `in_turn`: not at once, but when all before it was done.
    """

    side: Side
    in_turn: bool = False


class Later(msgspec.Struct, frozen=True):
    """Once everything before it was done, tell the relay when so many seconds have passed."""

    side: Side
    seconds: float


class Refuse(msgspec.Struct, frozen=True):
    """Take no connection for a time, where this side's one came in."""

    side: Side
    seconds: float


class StartTls(msgspec.Struct, frozen=True):
    """Begin TLS once everything before it was sent: as a server with the client, else as a client.

    `flaw` names what is to be wrong with it, for the client to find.
    """

    side: Side
    flaw: str = ""


class Shape(msgspec.Struct, frozen=True):
    """Let all that follows go to this side by a slower line, each octet, and the end behind them.

    The line takes so many octets a second, or any number of them where that is 0, and each of them
    is under way for so long. Behind another line, both take their time.
    """

    side: Side
    octets_per_second: int = 0
    latency_seconds: float = 0.0


Action: TypeAlias = (
    Connect | Send | SendFrom | Wait | HalfClose | Close | Reset | StartTls | Later | Refuse | Shape
)
