"""A command and its reply, from the moment it is seen to the moment the client hears the answer.

Owns the record that relay, rules and observers share. Decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec

from smtpproxy.faults import Fault
from smtpproxy.faults.base import Draw, no_draw
from smtpproxy.smtp.facts import Command, Continuation, Reply

UPSTREAM, RULE, PROXY = "upstream", "rule", "proxy"


class Firing(NamedTuple):
    """One time that a rule had its way; what it varies in its faults is drawn by `draw`."""

    rule: str  # its name, or "" where it is the proxy itself
    faults: tuple[Fault, ...]
    number: int = 0  # from 1, of this rule's firings; 0: not a rule's
    draw: Draw = no_draw
    concerns: Callable[[str], bool] = lambda recipient: True  # one of several of a message


class Decision(NamedTuple):
    """What the rules that matched want, in order, and what upstream experiences.

    `rule` names the rule that answers, or the first that only delays; "" is the proxy itself.
    """

    rule: str
    firings: tuple[Firing, ...]
    answers: bool
    upstream: str
    code: int  # that the client is told, or 0
    knowing: bool = False  # the rule looked at upstream's reply: it may turn a refusal into success

    @property
    def faults(self) -> tuple[Fault, ...]:
        """All that goes wrong, in order."""
        return tuple(fault for firing in self.firings for fault in firing.faults)

    @property
    def number(self) -> int:
        """Of the firing of the rule that is named, or 0."""
        return next((one.number for one in self.firings if one.rule == self.rule), 0)

    def besides(self) -> tuple[Firing, ...]:
        """Return what goes wrong beside an answer."""
        left = (
            firing._replace(faults=tuple(fault for fault in firing.faults if not fault.answers))
            for firing in self.firings
        )
        return tuple(firing for firing in left if firing.faults)


class Message(NamedTuple):
    """A message that has come whole: its octets without dot-stuffing, and how it begins."""

    size: int
    head: bytes  # the header section at the least, as far as there is room for it


class Exchange(msgspec.Struct):
    """The greeting, a command, or mail data, with what upstream said and what the client heard."""

    stage: str
    command: Command | Continuation | None
    began: float  # seconds, of the clock that the relay was given
    pipelined: bool = False  # sent before the reply to the one before was there
    forwarded: bool = True  # upstream is asked
    deferred: bool = False  # whether upstream is asked is decided when its turn comes
    own: bool = False  # the proxy's own command: its reply is not for the client
    decision: Decision | None = None
    said: Reply | None = None  # by upstream
    heard: Reply | None = None  # by the client
    by: str = UPSTREAM  # who spoke to the client: upstream, a rule, or the proxy itself
    # A message for several recipients may be answered by several replies, each an exchange.
    recipient: str = ""  # whose reply this is
    more: bool = False  # another reply to the same message follows
    continues: bool = False  # another reply to it came before
    retold: bytes = b""  # what upstream is told for the command, where that is something else
    flaw: str = ""  # of the TLS that the client is told to begin
    # What the rules know of it.
    rules: Any = None  # the book of them that it was considered by
    ordinal: int = 0  # the how-manieth of its stage in the session, of those that were considered
    message: Message | None = None  # where a rule asks for it
    settled: bool = False  # in a dry run, a rule would have answered
    odd: tuple[str, ...] = ()  # anomalies that are in no octet, such as a command too early

    @property
    def several(self) -> bool:
        """Is this one of several replies to a message?"""
        return self.more or self.continues
