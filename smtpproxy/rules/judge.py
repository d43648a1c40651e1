"""Asks the rules about an exchange, and says what the client hears.

Owns consistency with upstream: what it is asked, what is kept from it, and that a made-up success
never hides a refusal by accident. Knows nothing of octets still to come.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from smtpproxy.actions import Close, Side
from smtpproxy.auth.identity import Identity
from smtpproxy.exchange import PROXY, RULE, Decision, Exchange, Firing, Message
from smtpproxy.faults import Fault, SayReply, Telling
from smtpproxy.faults.base import Draw
from smtpproxy.faults.reply import CLOSING
from smtpproxy.rules.course import Course, course_of, in_data
from smtpproxy.rules.deciding import decide, uphold, withdraw
from smtpproxy.rules.model import END_OF_DATA, FORWARD, NO_RULES, NONE, RuleBook
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.rule import DECIDING
from smtpproxy.rules.run import Run, Visit
from smtpproxy.rules.sieve import NOBODY, Asked
from smtpproxy.smtp.facts import Command, Continuation, Reply, is_last_chunk
from smtpproxy.smtp.path import parse_path
from smtpproxy.smtp.state import State

#: Says that something happened: its name, and more about it.
Noted = Callable[[str, str], None]


class Judge:
    """The rules of one session."""

    def __init__(
        self,
        rules: RuleBook,
        state: State,
        domain: str,
        visit: Visit | None = None,
        seconds: Callable[[], float] = lambda: 0.0,
        noted: Noted = lambda fact, detail: None,
    ) -> None:
        """`seconds`: the clock of `visit.run`."""
        self._rules = rules
        self._state = state
        self.domain = domain  # by which made-up replies name the server
        self._visit = visit if visit is not None else Visit("", 1, Run())
        self._seconds = seconds
        self._noted = noted
        self.concerned = rules.concerned
        self.waiting = rules.waiting
        self.resizes = rules.resizes and not self._visit.run.dry  # messages get another size
        self.needs_message = False  # is the message in hand to be seen before it is decided about?
        self._retired = False
        self._identity: Identity | None = None  # of a client that authenticates
        self._ordinals: dict[str, int] = {}  # by stage: how many were considered
        # What was decided at DATA about the end of mail data.
        self._at_end: Decision | None = None
        self._settled = False  # in a dry run: a rule would have answered
        self._end_rules: RuleBook | None = None  # by which rules; None: there is no such end
        self._data_rule = ""  # that answered DATA
        self.course: Course | None = None  # of the message that begins, or passes
        self._course_of = -1  # the mail transaction whose chunks it is for

    def retire(self) -> None:
        """Judge nothing any more: what is known of the session may be wrong."""
        self._rules, self._at_end, self._retired = NO_RULES, None, True
        self.course = None
        self.concerned = self.waiting = frozenset()
        self.resizes = False
        self.needs_message = False

    def adopt(self, rules: RuleBook, mail_data: bool) -> None:
        """Judge by other rules, from the next command on; `mail_data`: outside of those in hand.

        What was considered before is judged by those that it was considered by, and so is the end
        of mail data whose DATA was.
        """
        if self._retired:
            return
        if mail_data and self._end_rules is None:
            self._end_rules = self._rules
        self._rules = rules
        # Whether chunks go on with a message is known when their turn has come.
        self.waiting = rules.waiting if self.course is None else rules.waiting | DECIDING
        self.resizes = rules.resizes and not self._visit.run.dry
        self.concerned = self._concerned()
        if self._end_rules is not None:
            self.concerned |= {END_OF_DATA}

    def _concerned(self) -> frozenset[str]:
        """Return where to be asked; the course of a message ends where the next one begins."""
        concerned = self._rules.concerned
        return concerned if self.course is None else concerned | DECIDING

    # Who the client is.

    def authenticating(self, said: Command | Continuation) -> None:
        """The client sent AUTH, or went on with it."""
        if self._identity is None:
            self._identity = Identity()
        self._identity.said(said)

    def authenticated(self) -> None:
        """The client heard that it is logged in."""
        self._state.user = self._identity.name if self._identity is not None else ""

    # Before upstream is asked.

    def consider(self, exchange: Exchange) -> None:
        """Ask the rules that need not wait for upstream, and whether upstream is to be asked.

        At a stage in `waiting` they look at what was answered before: its turn must have come.
        """
        goes_on = isinstance(exchange.command, Continuation)
        stage = exchange.stage
        rules = self._rules
        if stage in rules.later:
            exchange.rules = rules
        exchange.ordinal = self._ordinals.get(stage, 0)
        if not goes_on:
            exchange.ordinal = self._ordinals[stage] = exchange.ordinal + 1
        before = rules.before
        decision = self._decide(before.get(stage, NOBODY), exchange, end=_of_end(before, exchange))
        exchange.decision = decision
        exchange.forwarded = decision is None or decision.upstream != NONE
        if stage == "DATA":
            self._consider_mail_data(exchange)
            self._choose_course(exchange, in_data(exchange.decision))
        elif stage == "BDAT":
            taken = decision is not None and decision.answers
            self.needs_message = not taken and self._may_need_message(exchange)
            if self._course_of != self._state.envelopes:
                self._course_of = self._state.envelopes
                told = self._decide(self._rules.data, Exchange("DATA", None, 0.0))
                self._choose_course(exchange, in_data(told))

    def _choose_course(self, exchange: Exchange, firings: tuple[Firing, ...]) -> None:
        """Choose what becomes of the mail data behind DATA, or of all chunks of a message."""
        self.course = None
        if not exchange.forwarded:
            if exchange.stage == "DATA" and exchange.decision and exchange.decision.code == 354:
                # Upstream has none of it; the client may be cut short all the same.
                course = course_of(firings, holds=False)
                if course is not None and course.interruption is not None:
                    self.course = course._replace(filters=())
            return
        self.course = course_of(firings, self.needs_message and bool(self._state.accepted))
        if self.course is not None and self.course.holds and exchange.stage == "DATA":
            exchange.forwarded = False
            besides = exchange.decision.firings if exchange.decision else ()
            exchange.decision = Decision("", (*besides, _GOING_ON), True, NONE, _GO_ON.code)

    def _consider_mail_data(self, exchange: Exchange) -> None:
        """Decide at DATA what becomes of its mail data.

        A message that upstream shall not get is taken here: upstream is not even asked for it.
        """
        self._forget_end()
        decision = exchange.decision
        self._data_rule = decision.rule if decision else ""
        if (decision and decision.answers) or not self._state.accepted:
            return
        rules = self._rules
        self._end_rules = rules if END_OF_DATA in self.concerned else None
        to_come = Exchange(END_OF_DATA, None, 0.0)
        to_come.ordinal = self._ordinals.get(END_OF_DATA, 0) + 1
        end = self._decide(rules.before.get(END_OF_DATA, NOBODY), to_come)
        self._at_end, self._settled = end, to_come.settled
        if end is not None:
            exchange.rules = rules  # whether it comes to that, its reply will tell
        answered = (end is not None and end.answers) or to_come.settled
        self.needs_message = not answered and self._may_need_message(to_come)
        if end and end.answers and end.upstream == NONE:
            exchange.forwarded = False
            besides = decision.firings if decision else ()
            exchange.decision = Decision(end.rule, (*besides, _GOING_ON), True, NONE, _GO_ON.code)

    def _may_need_message(self, exchange: Exchange) -> bool:
        tellers = self._rules.tellers
        if not tellers:
            return False
        occasion = self._occasion(exchange)
        return any(rule.may_match(occasion) for rule in tellers.sift(occasion))

    def cut_short(self) -> None:
        """The end of the message in hand never comes."""
        self._forget_end()

    def _forget_end(self) -> None:
        """What was decided about the end of mail data before comes to nothing."""
        if self._at_end is not None:
            withdraw(self._at_end.firings)
        self._at_end, self._end_rules, self._settled = None, None, False
        self.needs_message = False
        if not self._retired:
            self.concerned = self._concerned()

    def consider_message(self, exchange: Exchange, message: Message) -> None:
        """Ask the rules that take the message: it has come whole, and upstream has not had its end.

        `exchange` is that of the end of mail data, or of the last BDAT, considered before.
        """
        exchange.message = message
        rules, decision = exchange.rules, exchange.decision
        if rules is None or exchange.settled or (decision is not None and decision.answers):
            return
        found = self._decide(rules.message, exchange)
        if found is None:
            return
        besides = decision.firings if decision else ()
        rule = found.rule if found.answers or decision is None else decision.rule
        exchange.decision = found._replace(rule=rule, firings=besides + found.firings)
        exchange.forwarded = exchange.forwarded and found.upstream != NONE

    def consider_end(self, exchange: Exchange, swallowed: bool) -> None:
        """Recall what was decided about the end of mail data; `swallowed`: upstream has none."""
        exchange.decision, self._at_end = self._at_end, None
        exchange.settled = self._settled
        exchange.rules = self._end_rules or self._rules
        exchange.ordinal = self._ordinals[END_OF_DATA] = self._ordinals.get(END_OF_DATA, 0) + 1
        self._forget_end()
        exchange.forwarded = not swallowed
        if swallowed and not (exchange.decision and exchange.decision.answers):
            # A rule said 354 on its own: its story goes on to the end.
            exchange.decision = Decision(self._data_rule, (_ACCEPTING,), True, NONE, _TAKEN.code)

    def tell(self, exchange: Exchange, reply: Reply | None) -> Telling:
        """Return what the client is told; `reply` is upstream's, or None if it was not asked."""
        decision = self._of_recipient(exchange)
        answered = exchange.settled or (decision is not None and decision.answers)
        if reply is not None and not answered and not self._retired and exchange.rules is not None:
            after = exchange.rules.after
            knowing = self._decide(
                after.get(exchange.stage, NOBODY), exchange, reply, _of_end(after, exchange)
            )
            if knowing is not None:
                besides = decision.firings if decision else ()
                decision = knowing._replace(firings=besides + knowing.firings)
        if decision is not None and reply is not None and not _fits(decision, reply):
            besides = decision.besides()
            left = {id(firing.draw) for firing in besides}
            withdraw(tuple(one for one in decision.firings if id(one.draw) not in left))
            decision = decision._replace(firings=besides) if besides else None
        elif decision is not None and exchange.several:
            uphold(decision.firings)
        exchange.decision = decision
        if exchange.stage == "DATA" and reply is not None and reply.code // 100 != 3:
            self._forget_end()  # there will be none
        if decision is None:
            return Telling(reply, exchange.stage, self.domain)
        telling = Telling(reply, exchange.stage, self.domain, _forward_path(exchange))
        # What is edited is the answer, also where that comes from a later rule.
        for fault, draw in sorted(_applied(decision), key=_order):
            telling.draw = draw
            fault.apply(telling)
        told = telling.reply
        if told is not reply and told is not None and told.code in CLOSING and not telling.after:
            telling.after.append(Close(Side.CLIENT))  # RFC 5321 §4.2.3
        if told is not reply or telling.octets is not None or telling.after or telling.withheld:
            exchange.by = RULE if decision.rule else PROXY
        return telling

    def _of_recipient(self, exchange: Exchange) -> Decision | None:
        """Return what was decided, as far as it concerns whom this reply to a message is for.

        Where upstream has the message, a rule for some of its recipients changes their replies
        alone (RFC 2033 §4.2). Where it has not, all of them hear that.
        """
        decision = exchange.decision
        if decision is None or decision.upstream == NONE or not exchange.several:
            return decision
        firings = tuple(one for one in decision.firings if self._concerns(one, exchange))
        if len(firings) == len(decision.firings):
            return decision
        if any(fault.answers for one in firings for fault in one.faults):
            return decision._replace(firings=firings)
        first = firings[0].rule if firings else ""
        return Decision(first, firings, False, FORWARD, 0) if firings else None

    def _concerns(self, firing: Firing, exchange: Exchange) -> bool:
        if exchange.recipient:
            return firing.concerns(exchange.recipient)
        # PRDR's 353, and its reply for all, are for a rule that concerns them all.
        return all(firing.concerns(path.address) for path in self._state.accepted)

    def _decide(
        self,
        stage: Asked,
        exchange: Exchange,
        reply: Reply | None = None,
        end: Asked = NOBODY,
    ) -> Decision | None:
        """Ask the rules of a stage, and those of an `end` of mail data that it is as well."""
        if not stage and not end:
            return None
        occasion = self._occasion(exchange, reply)
        rules = stage.sift(occasion)
        if end:
            rules += end.sift(occasion)
        if rules and isinstance(exchange.command, Continuation):
            # Upstream is in the middle of an AUTH, which only it can end.
            rules = tuple(rule for rule in rules if rule.upstream != NONE)
        if not rules:
            return None
        decision = decide(rules, occasion)
        if decision is not None and self._visit.run.dry:
            for firing in decision.firings:
                self._noted("would-fire", _words(firing))
            exchange.settled = exchange.settled or decision.answers
            return None
        return decision

    def _occasion(self, exchange: Exchange, reply: Reply | None = None) -> Occasion:
        claimed = self._identity.name if self._identity is not None else ""
        return Occasion(exchange, self._state, self._visit, self._seconds, reply, claimed)


def _of_end(rules: dict[str, Asked], exchange: Exchange) -> Asked:
    """Return the rules of END-OF-DATA where the last BDAT is that as well."""
    if exchange.stage == "BDAT" and _is_last(exchange):
        return rules.get(END_OF_DATA, NOBODY)
    return NOBODY


def _words(firing: Firing) -> str:
    told = "; ".join(fault.words for fault in firing.faults)
    return f"{firing.rule} ({firing.number}): {told}"


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
