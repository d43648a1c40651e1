"""A command and its reply, from the moment it is seen to the moment the client hears the answer.

Owns the record that relay, rules and observers share. Decides nothing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from smtpproxy.actions import Action
from smtpproxy.smtp.facts import Command, Continuation, Reply

if TYPE_CHECKING:
    from smtpproxy.rules.model import Decision

UPSTREAM, RULE, PROXY = "upstream", "rule", "proxy"


class Exchange:
    """The greeting, a command, or mail data, with what upstream said and what the client heard."""

    __slots__ = (
        "began",
        "by",
        "command",
        "decision",
        "deferred",
        "forwarded",
        "heard",
        "own",
        "pipelined",
        "said",
        "stage",
    )

    def __init__(
        self,
        stage: str,
        command: Command | Continuation | None,
        began: float,
        pipelined: bool = False,
    ) -> None:
        self.stage = stage
        self.command = command
        self.began = began  # seconds, of the clock that the relay was given
        self.pipelined = pipelined  # sent before the reply to the one before was there
        self.forwarded = True  # upstream is asked
        self.deferred = False  # whether upstream is asked is decided when its turn comes
        self.own = False  # the proxy's own command: its reply is not for the client
        self.decision: Decision | None = None
        self.said: Reply | None = None  # by upstream
        self.heard: Reply | None = None  # by the client
        self.by = UPSTREAM  # who spoke to the client: upstream, a rule, or the proxy itself


class Telling:
    """How an exchange is about to be told to the client. Faults change it."""

    __slots__ = ("after", "before", "reply")

    def __init__(self, reply: Reply | None) -> None:
        self.reply = reply  # None: nothing is said
        self.before: list[Action] = []
        self.after: list[Action] = []
