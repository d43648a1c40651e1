"""What every fault is: a value, read from a rule, that changes what the client is told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, Protocol, Self, TypeAlias

from smtpproxy.actions import Action, Send, Side
from smtpproxy.smtp.facts import Command, Reply

#: A fault's value as it stands in a rule: a text, a list, or a mapping.
Value: TypeAlias = "str | list[Value] | dict[str, Value]"


#: Digits that are read as a number; no bound has as many.
_MOST_DIGITS = 15

#: Gives numbers from 0 up to 1, the same ones for the same firing at every run.
Draw: TypeAlias = Callable[[], float]


class Telling:
    """How an exchange is about to be told to the client. Faults change it.

    `reply` is what the client is to take it for. Where its octets are spoilt, `octets` go over the
    wire in its place; where they do not go in one piece, `pieces` makes actions of them.
    """

    __slots__ = (
        *("after", "before", "domain", "draw", "extra", "flaw", "forward_path", "later"),
        *("octets", "pieces", "reply", "short", "stage", "together", "withheld"),
    )

    def __init__(
        self,
        reply: Reply | None,
        stage: str = "",
        domain: str = "localhost",
        forward_path: str = "",
    ) -> None:
        self.reply = reply  # None: nothing is said
        self.stage = stage
        self.domain = domain  # the name by which the server greeted
        self.forward_path = forward_path  # the recipient in question, or ""
        self.draw: Draw = no_draw  # of the rule whose fault is applied
        self.before: list[Action] = []
        self.after: list[Action] = []
        self.octets: bytes | None = None
        self.pieces: Callable[[bytes], list[Action]] | None = None
        self.flaw = ""  # what is to be wrong with the TLS that the reply announces
        self.withheld = False  # from here on the client waits for ever
        self.together = False  # it is told together with what answers the commands behind it
        # So many replies to a message are not said, or said again.
        self.short = self.extra = 0
        self.later: tuple[float, Reply] | None = None  # said unasked, after so many idle seconds

    def sending(self) -> list[Action]:
        """Return the actions that send what is said."""
        octets = self.octets
        if octets is None:
            octets = self.reply.wire if self.reply is not None else b""
        if not octets:
            return []
        return self.pieces(octets) if self.pieces is not None else [Send(Side.CLIENT, octets)]


def no_draw() -> float:
    """Draw for a fault that no rule asked for: there is nothing to vary."""
    return 0.5


class FaultError(ValueError):
    """A fault's value in a rule can't be read. Says what was expected.

    `path` leads to the part that is wrong: keys of mappings, and places in lists. Where `word` is
    not among those that are `known`, the nearest of them may be told.
    """

    def __init__(
        self,
        problem: str,
        word: str = "",
        known: Sequence[str] = (),
        path: tuple[str | int, ...] = (),
    ) -> None:
        super().__init__(problem)
        self.word = word
        self.known = known
        self.path = path


class NotRewritten(Exception):
    """A command stays as it is. Says why, as the end of "MAIL …"."""


def text_of(value: Value, *path: str | int) -> str:
    """Return a value that must be a text. Raises FaultError."""
    if not isinstance(value, str):
        raise FaultError("expected a text", path=path)
    return value


def mapping_of(value: Value, keys: Sequence[str]) -> dict[str, Value]:
    """Return a value that must be a mapping with no other keys than these. Raises FaultError."""
    if not isinstance(value, dict) or not value:
        raise FaultError(f"expected a mapping with {', '.join(keys)}")
    for key in value:
        if key not in keys:
            raise FaultError(f"expected {', '.join(keys)}, got {key!r}", key, keys, (key,))
    return value


def number_of(value: Value, least: int, most: int, *path: str | int) -> int:
    """Return a value that must be a whole number in these bounds. Raises FaultError."""
    text = text_of(value, *path)
    if not (text.isascii() and text.isdecimal()):
        raise FaultError(f"expected a whole number, got {text!r}", path=path)
    if len(text) > _MOST_DIGITS or not least <= int(text) <= most:
        raise FaultError(f"expected a number from {least} to {most}, got {text}", path=path)
    return int(text)


#: The order in which faults are applied, wherever their rules stand: first what is said, then what
#: is edited in it, then what is spoilt in its octets, then how these are sent.
ANSWER, EDIT, SPOIL, SEND = range(4)


class DataFilter(Protocol):
    """Changes a message as it streams: its octets as the receiver understands them, no dots."""

    def feed(self, octets: bytes) -> bytes:
        """Return what the next octets become, as far as that is known by now."""

    def finish(self) -> bytes:
        """Return what is still to come: the message is complete."""

    @property
    def told(self) -> str:
        """What it did to this message, in a few words, or "" where it did nothing."""


class Fault:
    """One thing that can go wrong: a value, read from a rule.

    `answers`: it decides what the client hears, so that no later rule is asked. `draws`: something
    in it is left to chance, so that the run needs a seed. `rewrites`: upstream is told something
    else than the client said. `in_data`: it befalls mail data; `resizes`: these may have another
    size then. `schema` is the JSON Schema of its value in a rule.
    """

    __slots__ = ()

    answers: ClassVar[bool] = False
    draws: ClassVar[bool] = False
    rewrites: ClassVar[bool] = False
    order: ClassVar[int] = EDIT
    in_data: ClassVar[bool] = False
    resizes: ClassVar[bool] = False
    schema: ClassVar[dict[str, Any]] = {}

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the fault from its value in a rule for `stage`. Raises FaultError."""
        raise NotImplementedError

    def apply(self, telling: Telling) -> None:
        """Change what the client is about to be told. Most faults do nothing else."""

    def data_filter(self, draw: Draw) -> DataFilter | None:
        """Return what changes one message, or None where the fault changes none."""
        return None

    def rewritten(self, command: Command, international: Callable[[], bool]) -> Command:
        """Return what upstream is told for a command; most faults leave it as it is.

        `international`: was SMTPUTF8 asked for? Raises NotRewritten.
        """
        return command

    @property
    def relays(self) -> bool:
        """Is upstream asked by default, though the client hears no success?"""
        return False

    @property
    def words(self) -> str:
        """What befalls the client or upstream, as the end of a sentence."""
        raise NotImplementedError
