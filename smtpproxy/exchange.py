"""A command and its reply, from the moment it is seen to the moment the client hears the answer.

Owns the record that relay, rules and observers share. Decides nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from smtpproxy.faults import Fault
from smtpproxy.smtp.facts import Command, Continuation, Reply

UPSTREAM, RULE, PROXY = "upstream", "rule", "proxy"


class Decision(NamedTuple):
    """What the rules that matched want: faults in order, and what upstream experiences.

    `rule` names the rule that answers, or the first that only delays; "" is the proxy itself.
    """

    rule: str
    faults: tuple[Fault, ...]
    answers: bool
    upstream: str
    code: int  # that the client is told, or 0
    knowing: bool = False  # the rule looked at upstream's reply: it may turn a refusal into success


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
    flaw: str = ""  # of the TLS that the client is told to begin
    odd: tuple[str, ...] = ()  # anomalies that are in no octet, such as a command too early
