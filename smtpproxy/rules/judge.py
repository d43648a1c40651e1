"""Asks the rules about an exchange, and says what the client hears.

Owns consistency with upstream: what it is asked, what is kept from it, and that a made-up success
never hides a refusal by accident. Knows nothing of octets still to come.
"""

from __future__ import annotations

from collections.abc import Iterator

from smtpproxy.exchange import PROXY, RULE, Decision, Exchange, Firing
from smtpproxy.faults import Fault, SayReply, Telling
from smtpproxy.faults.base import Draw
from smtpproxy.rules.model import (
    ADDRESS_OF,
    END_OF_DATA,
    NO_RULES,
    NONE,
    Occasion,
    Rule,
    RuleBook,
    decide,
)
from smtpproxy.smtp.facts import Command, Continuation, Reply, is_last_chunk
from smtpproxy.smtp.path import parse_path
from smtpproxy.smtp.state import State


class Judge:
    """The rules of one session."""

    def __init__(self, rules: RuleBook, state: State, domain: str) -> None:
        self._rules = rules
        self._state = state
        self.domain = domain  # by which made-up replies name the server
        self.concerned = rules.concerned
        self.waiting = rules.waiting
        self._at_end: Decision | None = None  # on the end of mail data, decided at DATA
        self._data_rule = ""  # that answered DATA

    def retire(self) -> None:
        """Judge nothing any more: what is known of the session may be wrong."""
        self._rules, self._at_end = NO_RULES, None
        self.concerned = self.waiting = frozenset()

    def consider(self, exchange: Exchange) -> None:
        """Ask the rules that need not wait for upstream, and whether upstream is to be asked.

        At a stage in `waiting` they look at what was answered before: its turn must have come.
        """
        decision = self._decide(self._rules.before, exchange)
        if isinstance(exchange.command, Continuation) and decision and decision.upstream == NONE:
            decision = None  # upstream is in the middle of an AUTH, which only it can end
        exchange.decision = decision
        exchange.forwarded = decision is None or decision.upstream != NONE
        if exchange.stage == "DATA":
            self._consider_mail_data(exchange)

    def _consider_mail_data(self, exchange: Exchange) -> None:
        """Decide at DATA what becomes of its mail data.

        A message that upstream shall not get is taken here: upstream is not even asked for it.
        """
        self._at_end = None
        decision = exchange.decision
        self._data_rule = decision.rule if decision else ""
        if (decision and decision.answers) or not self._state.accepted:
            return
        end = self._decide(self._rules.before, Exchange(END_OF_DATA, None, 0.0))
        self._at_end = end
        if end and end.answers and end.upstream == NONE:
            exchange.forwarded = False
            besides = decision.firings if decision else ()
            exchange.decision = Decision(end.rule, (*besides, _GOING_ON), True, NONE, _GO_ON.code)

    def consider_end(self, exchange: Exchange, swallowed: bool) -> None:
        """Recall what was decided about the end of mail data; `swallowed`: upstream has none."""
        exchange.decision, self._at_end = self._at_end, None
        exchange.forwarded = not swallowed
        if swallowed and not (exchange.decision and exchange.decision.answers):
            # A rule said 354 on its own: its story goes on to the end.
            exchange.decision = Decision(self._data_rule, (_ACCEPTING,), True, NONE, _TAKEN.code)

    def tell(self, exchange: Exchange, reply: Reply | None) -> Telling:
        """Return what the client is told; `reply` is upstream's, or None if it was not asked."""
        decision = exchange.decision
        if reply is not None and (decision is None or not decision.answers):
            knowing = self._decide(self._rules.after, exchange, reply.code)
            if knowing is not None:
                besides = decision.firings if decision else ()
                decision = knowing._replace(firings=besides + knowing.firings)
        if decision is not None and reply is not None and not _fits(decision, reply):
            besides = decision.besides()
            decision = decision._replace(firings=besides) if besides else None
        exchange.decision = decision
        telling = Telling(reply, exchange.stage, self.domain, _forward_path(exchange))
        if decision is None:
            return telling
        # What is edited is the answer, also where that comes from a later rule.
        for fault, draw in sorted(_applied(decision), key=_order):
            telling.draw = draw
            fault.apply(telling)
        if telling.reply is not reply or telling.octets is not None or telling.after:
            exchange.by = RULE if decision.rule else PROXY
        return telling

    def _decide(
        self, rules_by_stage: dict[str, tuple[Rule, ...]], exchange: Exchange, code: int = 0
    ) -> Decision | None:
        rules = rules_by_stage.get(exchange.stage, ())
        if exchange.stage == "BDAT" and _is_last(exchange):
            rules += rules_by_stage.get(END_OF_DATA, ())
        return decide(rules, self._occasion(exchange, code)) if rules else None

    def _occasion(self, exchange: Exchange, code: int) -> Occasion:
        state, command = self._state, exchange.command
        own = ADDRESS_OF.get(exchange.stage) if isinstance(command, Command) else None
        path = parse_path(command.argument) if own and isinstance(command, Command) else None
        address = path.address if path else None
        before = state.sender
        sender = address if own == "sender" else before.address if before else None
        # All that were accepted are looked at once a message, not at each of them.
        recipients = (
            ((address,) if address is not None else ())
            if own == "recipient"
            else tuple(accepted.address for accepted in state.accepted)
        )
        return Occasion(exchange.stage, sender, recipients, code, state.secure)


_GO_ON = SayReply.parse("354", "DATA")
_TAKEN = SayReply.parse("250", END_OF_DATA)
_GOING_ON, _ACCEPTING = Firing("", (_GO_ON,)), Firing("", (_TAKEN,))


def _fits(decision: Decision, reply: Reply) -> bool:
    """May this made-up reply stand in the place of upstream's?

    A success changes only the words of a success of its kind: it never hides a refusal, nor a 3xx
    that asks for more, unless the rule looked at what upstream said.
    """
    made_up = decision.answers and 0 < decision.code < 400
    return not made_up or decision.knowing or decision.code // 100 == reply.code // 100


def _applied(decision: Decision) -> Iterator[tuple[Fault, Draw]]:
    for firing in decision.firings:
        for fault in firing.faults:
            yield fault, firing.draw


def _order(applied: tuple[Fault, Draw]) -> int:
    return applied[0].order


def _is_last(exchange: Exchange) -> bool:
    return isinstance(exchange.command, Command) and is_last_chunk(exchange.command.wire)


def _forward_path(exchange: Exchange) -> str:
    if not isinstance(exchange.command, Command):
        return ""
    argument = exchange.command.argument
    if exchange.stage == "VRFY":
        return argument.decode("utf-8", "backslashreplace").strip("<>")
    path = parse_path(argument) if exchange.stage == "RCPT" else None
    return path.address if path else ""
