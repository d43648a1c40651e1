"""Whom the client holds for accepted, and whom upstream does, where a rule makes a difference.

Owns what follows for the replies to a message in LMTP (RFC 2033 §4.2): upstream gives one to each
recipient that it knows, the client waits for one of each that it was told of. Knows no rules.
"""

from __future__ import annotations

from typing import Final

from smtpproxy.exchange import Decision, Exchange, Firing
from smtpproxy.faults.reply import SayReply
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.state import State

_TAKEN: Final = SayReply.parse("250", "END-OF-DATA")
_NONE: Final = "none"
#: Recipients of one transaction of which each side thinks otherwise: more are not kept apart.
_MOST = 10_000


class Recipients:
    """The recipients of the open mail transaction of whom the two sides think otherwise."""

    __slots__ = ("_hidden", "_made_up", "_of", "_state")

    def __init__(self, state: State) -> None:
        self._state = state
        self._of = -1  # the envelope that they belong to
        self._made_up: dict[int, str] = {}  # by place among the client's: the rule that took it
        self._hidden: list[int] = []  # upstream's alone: how many of the client's came before

    @property
    def uneven(self) -> bool:
        """Does one side wait for more replies, or for fewer, than the other gives?"""
        return self._of == self._state.envelopes

    def told(self, exchange: Exchange) -> None:
        """Take note of a RCPT that the client has just heard the answer to."""
        told = exchange.heard is not None and exchange.heard.code // 100 == 2
        known = exchange.said is not None and exchange.said.code // 100 == 2
        state, decision = self._state, exchange.decision
        if told == known:
            return
        if not self.uneven:
            self._of, self._made_up, self._hidden = state.envelopes, {}, []
        if len(self._made_up) + len(self._hidden) >= _MOST:
            return
        if told:
            self._made_up[state.recipients - 1] = decision.rule if decision else ""
        else:
            self._hidden.append(state.recipients)

    def replies(self, exchange: Exchange, reply: Reply) -> list[Exchange]:
        """Return the exchanges of a message's replies, in order; `reply` is upstream's first.

        Those that are not forwarded have their answer; the others await upstream's.
        """
        addresses = self._state.accepted_addresses()
        if len(self._made_up) == len(addresses) and not self._hidden:
            return self.alike(exchange, reply)  # upstream knows nobody: it says so once
        found: list[Exchange] = []
        hidden = list(self._hidden)
        for at, address in enumerate(addresses):
            while hidden and hidden[0] <= at:
                hidden.pop(0)
                found.append(_unheard(exchange))
            one = _reply_to(exchange, address)
            if at in self._made_up:
                _take(one, self._made_up[at])
            found.append(one)
        found += [_unheard(exchange) for _ in hidden]
        found[0].own = found[0].own and bool(addresses)  # somebody answers the client
        return _in_order(found)

    def alike(self, exchange: Exchange, reply: Reply) -> list[Exchange]:
        """Return an exchange for each of the client's recipients, all with upstream's one reply."""
        found = [_reply_to(exchange, path) for path in self._state.accepted_addresses() or [""]]
        for one in found:
            one.forwarded, one.said = False, reply
        return _in_order(found)


def _reply_to(exchange: Exchange, recipient: str) -> Exchange:
    one = Exchange(exchange.stage, exchange.command, exchange.began, exchange.pipelined)
    one.decision, one.recipient = exchange.decision, recipient
    return one


def _unheard(exchange: Exchange) -> Exchange:
    """Return the exchange of a reply that is not for the client."""
    one = _reply_to(exchange, "")
    one.own = True
    return one


def _take(exchange: Exchange, rule: str) -> None:
    """Upstream never heard of this recipient: the rule's story goes on to the end."""
    exchange.forwarded = False
    if not (exchange.decision and exchange.decision.answers):
        exchange.decision = Decision(rule, (Firing("", (_TAKEN,)),), True, _NONE, _TAKEN.code)


def _in_order(found: list[Exchange]) -> list[Exchange]:
    """Say of each reply that the client hears whether another came before, or follows."""
    heard = [one for one in found if not one.own]
    for at, one in enumerate(heard):
        one.continues, one.more = at > 0, at < len(heard) - 1
    return found
