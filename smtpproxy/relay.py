"""One session: the facts of both sides and the rules' opinions, turned into actions.

Owns what upstream is asked, and how a session ends; what the client hears is the affair of
`answers`. Does no I/O: it is given octets and the time, and answers with actions. Whoever watches
hears everything and changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpproxy.actions import Action, Close, Connect, Reset, Send, Side
from smtpproxy.answers import EXTENDED, Answers
from smtpproxy.auth.deputy import Deputy
from smtpproxy.catchup import Said
from smtpproxy.deadlines import FAREWELL, Awaited, upstream_time
from smtpproxy.delivery import Delivery
from smtpproxy.encryption import STARTTLS, Encryption
from smtpproxy.ending import Ending
from smtpproxy.exchange import PROXY, Exchange
from smtpproxy.faults.reply import CLOSING
from smtpproxy.interlude import SIDE_NAMES, Interlude, Ways
from smtpproxy.introduction import NO_INTRODUCTION, Introduction
from smtpproxy.outgoing import Outgoing
from smtpproxy.pairing import END_OF_DATA, PER_RECIPIENT
from smtpproxy.passage import Passage
from smtpproxy.refusals import (
    TOO_LONG,
    anomalies_of,
    answer_here,
    farewell,
    refusal_of_command,
    refusal_without_upstream,
)
from smtpproxy.retelling import Retelling
from smtpproxy.rules.judge import Judge
from smtpproxy.rules.model import NO_RULES, RuleBook
from smtpproxy.rules.run import Visit
from smtpproxy.smtp.anomalies import (
    EARLY_COMMAND,
    PIPELINING,
    UNSOLICITED,
)
from smtpproxy.smtp.client import ClientReader, Framing
from smtpproxy.smtp.facts import (
    Chunk,
    ClientFact,
    Command,
    Continuation,
    MailData,
    Opaque,
    Overlong,
    Reply,
    ServerFact,
    Stray,
)
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from smtpproxy.smtp.server import ServerReader
from smtpproxy.smtp.state import HELLO, Phase, State
from smtpproxy.smtp.verbs import KNOWN_VERBS
from smtpproxy.spooling import Spool
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.watcher import Watcher


class Relay:
    """The conversation of one client with one upstream.

    Each method named for something that happens returns what should be done about it, in order.
    """

    def __init__(
        self,
        watcher: Watcher,
        seconds: Callable[[], float],
        rules: RuleBook = NO_RULES,
        domain: str = "localhost",
        state: State | None = None,
        limits: Limits = DEFAULT_LIMITS,
        refused: frozenset[str] = frozenset(),
        introduction: Introduction = NO_INTRODUCTION,
        tls: Encryption | None = None,
        deputy: Deputy | None = None,
        visit: Visit | None = None,
        spool: Callable[[], Spool] = Spool,
        to_cassette: bool = False,
    ) -> None:
        """`visit`: what rules may know of the client and the run.

        `spool`: where a message is kept that is decided about at its end. `to_cassette`: a cassette
        is in upstream's place, at least until the session departs.
        """
        self._watcher = watcher
        self._seconds = seconds
        self.state = state or State()
        self._judge = Judge(rules, self.state, domain, visit, seconds, self._note)
        self._limits = limits
        # So many commands in flight are never too much, and be they of the longest.
        few = limits.max_held // max(limits.max_command_line, limits.max_auth_line)
        self._few = min(few, limits.max_in_flight - 1)
        self._client = ClientReader(limits)
        self._server = ServerReader(limits)
        passage = Passage(refused)
        self._ending = Ending()
        self._out = Outgoing()
        self._tls = tls or Encryption()
        self._answers = Answers(
            watcher,
            self.state,
            self._judge,
            self._client,
            self._server,
            passage,
            self._ending,
            self._out,
            self._tls,
            deputy,
        )
        self._deputy = deputy
        self._queue = self._answers.queue
        self._retelling = Retelling(watcher, self.state, self._queue, to_cassette)
        self._delivery = Delivery(
            *(watcher, seconds, self._judge, passage),
            *(self._ending, self._out, self._answers, self._settle),
            *(self._stall, spool, self._retelling.changes_messages),
        )
        self._mail_data = self._delivery.mail_data
        self._refused = refused  # anomalies of the client that upstream shall not see
        self._interlude = Interlude(
            watcher,
            self.state,
            self._client,
            self._server,
            self._answers,
            self._ending,
            self._out,
            self._tls,
            introduction,
            deputy,
            self._retelling,
            Ways(self._replied, self._read_on, self._give_up),
        )
        self._stalled = False  # a command waits for its turn before its rules can be asked
        self.progress = 0  # grows with each fact of either side, complete

    @property
    def crowded(self) -> bool:
        """Should the client not be read for now?"""
        limits, queue, pending = self._limits, self._queue, self._client.pending
        if pending <= limits.max_held and len(queue) <= self._few:
            return False
        if self._ending.withheld:
            return False  # what it sends is forgotten
        if len(queue) >= limits.max_in_flight or pending > limits.max_held:
            return True
        waiting = (len(one.command.wire) for one in queue if one.command is not None)
        return sum(waiting) > limits.max_held

    @property
    def waiting(self) -> bool:
        """Does the client wait for an answer?"""
        return bool(self._queue)

    @property
    def left(self) -> bool:
        """Was the client's leg closed from here?"""
        return self._ending.left

    @property
    def withheld(self) -> bool:
        """Does the client wait for ever, on purpose, so that nobody else's end concerns it?"""
        return self._ending.withheld and not self._ending.left

    @property
    def shakes_hands(self) -> bool:
        """Is TLS with the client beginning?"""
        return self._tls.beginning is _CLIENT

    def awaited(self) -> Awaited:
        """Return who must act now, and how long that may take."""
        framing, limits = self._client.framing, self._limits
        if self._ending.withheld:
            return Awaited("client", "silence", FAREWELL if self._ending.goodbye else 0)
        if self._tls.beginning is not None:
            return Awaited(SIDE_NAMES[self._tls.beginning], "TLS", limits.handshake_timeout)
        if framing is _OPAQUE:
            return Awaited("client", "opaque", limits.end_of_data_timeout)
        if self._queue and framing is not _CHUNK:
            return Awaited("upstream", *upstream_time(self._queue[0], limits))
        if self._interlude.aside is not None:
            return Awaited("upstream", *self._interlude.awaited(limits))
        if self._client.pending:
            return Awaited("client", "command", limits.command_timeout)
        return Awaited("client", "idle", limits.idle_timeout)

    def connected(self) -> list[Action]:
        """A client has connected."""
        exchange = Exchange("CONNECT", None, self._seconds())
        self._queue.append(exchange)
        self._judge.consider(exchange)
        if exchange.forwarded:
            self._out.actions.append(Connect())
            self._interlude.connecting()
        else:
            self._command = self._unconnected  # type: ignore[method-assign]
        self._settle()
        return self._out.take()

    def client_received(self, octets: bytes) -> list[Action]:
        """The client sent octets."""
        self._answers.unasked = None
        if self._ending.withheld:
            self._interlude.withheld()
            return self._out.take()
        self._client.receive(octets)
        if self._tls.waiting and not self._ending.closing:
            self._interlude.injected("client", self._client.rest())
        else:
            self._read_client()
        return self._out.take()

    def upstream_received(self, octets: bytes) -> list[Action]:
        """Upstream sent octets."""
        if self._ending.withheld:
            return []  # it is on its way out
        if self._tls.beginning is _UPSTREAM and not self._ending.left:
            # What was decrypted comes behind the handshake: this was read together with the 220.
            self._interlude.injected("upstream", octets)
            return self._out.take()
        server = self._server
        server.receive(octets)
        while not self._ending.left and (fact := server.next()) is not None:
            self.progress += 1
            if type(fact) is Reply:
                self._replied(fact)
            else:
                self._odd_from_upstream(fact)
        return self._out.take()

    def upstream_failed(self, reason: str) -> list[Action]:
        """Upstream could not be reached; `reason` says why in a few words."""
        self._watcher.noted("upstream-unreachable", reason, b"")
        self._ending.upstream_ended = True
        self._give_up("upstream-unreachable")
        return self._out.take()

    def secured(self, side: Side, facts: TlsFacts | None) -> list[Action]:
        """A leg is encrypted; of an upstream in this process there are no facts."""
        self.progress += 1
        if side is _CLIENT and not self._tls.mirrored and self.state.has_envelope:
            # RFC 3207 §4.2: it was said in plain text, and of this TLS upstream knows nothing.
            self._delivery.reset_upstream()
            self._out.flush()
        self._interlude.secured(side, facts)
        return self._out.take()

    def not_secured(self, side: Side, words: str) -> list[Action]:
        """A leg's handshake failed, or its encryption broke; `words` say why."""
        self.progress += 1
        self._interlude.not_secured(side, words)
        return self._out.take()

    def may_depart(self) -> bool:
        """Could another upstream take over now? Mail data that were sent are not sent again."""
        reading = self._client.framing not in (_MAIL_DATA, _CHUNK, _OPAQUE)
        return reading and all(one.stage not in ("BDAT", END_OF_DATA) for one in self._queue)

    def depart(self, history: list[Said]) -> list[Action]:
        """The cassette does not go on behind this history: upstream is to be asked."""
        self.progress += 1
        self._interlude.depart(history)
        return self._out.take()

    def client_closed(self, clean: bool) -> list[Action]:
        """The client will send nothing more; not `clean`: its connection is gone altogether."""
        self._ending.client_ended = True
        if self.withheld:
            self._leave(f"client-{'drop' if clean else 'reset'}", [Close(Side.CLIENT)])
        elif clean:
            self._end_client()
        else:
            self._carry_over(_CLIENT, clean)
        return self._out.take()

    def upstream_closed(self, clean: bool) -> list[Action]:
        """Upstream will send nothing more; not `clean`: its connection is gone altogether."""
        self._ending.upstream_ended = True
        if self.withheld:
            return []
        if clean and self._interlude.aside is not None and not self._ending.left:
            self._give_up("upstream-drop")  # the client waits, and nothing of it may go out
            return self._out.take()
        if not self._ending.left and (rest := self._server.rest()):
            self._watcher.noted("unfinished-line", "upstream", rest)
            self._out.actions.append(Send(Side.CLIENT, rest))
        self._carry_over(_UPSTREAM, clean)
        return self._out.take()

    def shut_down(self, reason: str) -> list[Action]:
        """The proxy ends this session; `reason` is one word, such as "shutdown" or "timeout"."""
        if self._ending.left:
            return []
        shakes_hands, withheld = self._tls.beginning is _CLIENT, self._ending.withheld
        if self._client.framing is _OPAQUE or shakes_hands or withheld:
            self._leave(reason, [Close(Side.CLIENT)])  # nobody would understand a reply
        elif not self._ending.goodbye:
            self._give_up(reason)
        return self._out.take()

    def late(self, awaited: Awaited) -> list[Action]:
        """Somebody has taken too long: the session ends."""
        self._watcher.noted("timeout", f"{awaited.who} {awaited.what}", b"")
        if self._tls.beginning is not None:
            return [Reset(self._tls.beginning)]  # and so its handshake fails
        return self.shut_down(f"{awaited.who}-timeout")

    def adopt(self, rules: RuleBook) -> None:
        """Judge by other rules from the next command on; mail data in hand are left alone."""
        framing, queue = self._client.framing, self._queue
        in_hand = framing is _MAIL_DATA or (bool(queue) and queue[-1].stage == "DATA")
        self._judge.adopt(rules, in_hand)

    def elapsed(self) -> list[Action]:
        """The time is over for which a rule let the client be idle."""
        self._answers.idle()
        return self._out.take()

    def finished(self) -> None:
        """Both connections are gone."""
        for exchange in self._queue:
            if not exchange.own:
                self._watcher.exchanged(exchange)
        while self._queue.early:
            reply = self._queue.take_early()
            if type(reply) is Reply:  # else a rule has said it
                self._watcher.noted(UNSOLICITED, "", reply.wire)
        self._queue.clear()
        self._delivery.forget()
        # Who leaves while upstream is connected to anew is not carried over to anybody.
        self._watcher.ended(self._ending.how or "client-drop")

    def _note(self, fact: str, detail: str) -> None:
        self._watcher.noted(fact, detail, b"")

    # The client's side.

    def _read_client(self) -> None:
        client, queue, most = self._client, self._queue, self._limits.max_in_flight
        ending = self._ending
        if self._interlude.aside is not None:
            return  # the client waits
        while (
            not (ending.closing or self._stalled)
            and len(queue) < most
            and (fact := client.next()) is not None
        ):
            self.progress += 1
            if type(fact) is Command:
                self._command(fact)
            elif type(fact) is MailData:
                self._mail_data(fact)
            else:
                self._other_from_client(fact)
        if self._out.upward:
            self._out.flush()

    def _command(self, command: Command) -> None:
        verb = command.verb
        exchange = Exchange(verb, command, self._seconds(), bool(self._queue))
        self._queue.append(exchange)
        if exchange.pipelined:
            self._note_haste(exchange)
        if verb not in _HARMLESS:
            self._watcher.authenticating(exchange)
            if verb == "AUTH":
                self._judge.authenticating(command)
        elif verb == STARTTLS and self._tls.follows and not self._interlude.expects_tls():
            return
        if self._refused and self._is_refused(exchange, command):
            return
        if self._queue.early:
            self._decided(exchange, command)
            self._answers.heard_early(exchange)
            return
        if verb in self._judge.concerned:
            if exchange.pipelined and verb in self._judge.waiting:
                # Nothing behind it is read until its turn comes.
                exchange.deferred, exchange.forwarded = True, False
                self._stalled = True
                return
            self._judge.consider(exchange)
        self._decided(exchange, command)
        if not exchange.forwarded:
            self._settle()

    def _unconnected(self, command: Command) -> None:
        """Answer a client that was turned away, and stays: there is no upstream to ask."""
        exchange = Exchange(command.verb, command, self._seconds(), bool(self._queue))
        self._queue.append(exchange)
        answer_here(exchange, refusal_without_upstream(command.verb))
        if command.verb == "BDAT":
            self._delivery.chunk_refused()
        self._settle()

    def _is_refused(self, exchange: Exchange, command: Command) -> bool:
        """Keep a command with an anomaly from upstream, if that is asked for."""
        odd = next(filter(self._refused.__contains__, anomalies_of(exchange)), "")
        if odd:
            # Who has heard a reply before its command takes this one for the next command's.
            self._ending.closing = self._ending.closing or self._queue.early
            answer_here(exchange, refusal_of_command(odd))
            self._decided(exchange, command)
            self._settle()
        return bool(odd)

    def _note_haste(self, exchange: Exchange) -> None:
        """A command came before the reply to the one before it: was that agreed upon?"""
        state = self.state
        if state.phase == Phase.CONNECTED:
            exchange.odd = (EARLY_COMMAND,)
        elif state.phase != Phase.GREETED and not state.offers_pipelining:
            exchange.odd = (PIPELINING,)

    def _decided(self, exchange: Exchange, command: Command) -> None:
        """It is known whether upstream is asked: ask it, or keep from it what comes with it."""
        if self._deputy is not None and command.verb in _IN_NEED:
            self._interlude.needs_login()
        if command.verb == STARTTLS and (why := self._tls.decide(exchange)):
            self._watcher.noted("tls-failed", why, b"")
        elif command.verb == "AUTH" and self._deputy is not None:
            self._answer_auth(self._deputy, exchange, command)
        if command.verb == "BDAT":
            self._delivery.chunk_announced(exchange, command)
        elif exchange.forwarded:
            wire = command.wire
            if exchange.decision is not None or self._judge.resizes:
                wire = self._retelling.wire(exchange, command, self._judge.resizes)
            self._out.upward.append(wire)

    def _other_from_client(self, fact: ClientFact) -> None:
        match fact:
            case Chunk():
                self._delivery.chunk(fact)
            case Continuation(wire):
                exchange = Exchange("AUTH", fact, self._seconds())
                self._watcher.authenticating(exchange)
                self._judge.authenticating(fact)
                if "AUTH" in self._judge.concerned:
                    self._judge.consider(exchange)
                self._queue.append(exchange)
                if self._deputy is not None:
                    self._answer_auth(self._deputy, exchange, fact)
                    self._settle()
                    return
                self._out.upward.append(wire)
                if self._queue.early:
                    self._answers.heard_early(exchange)
            case Opaque(octets):
                self._out.upward.append(octets)
            case Overlong(octets):
                self._watcher.noted("line-too-long", "client", octets[:_SHOWN])
                exchange = Exchange("?", None, self._seconds(), bool(self._queue))
                answer_here(exchange, TOO_LONG)
                self._queue.append(exchange)
                self._ending.closing = True
                self._settle()

    def _answer_auth(
        self, deputy: Deputy, exchange: Exchange, said: Command | Continuation
    ) -> None:
        """The proxy logs in for the client, whose own credentials go nowhere."""
        exchange.forwarded = False
        if exchange.decision is None or not exchange.decision.answers:
            answer_here(exchange, deputy.answer(said))

    def _settle(self) -> None:
        """Let the client hear what waits for nobody; decide about what has waited for its turn."""
        while (due := self._answers.settle()) is not None:
            due.deferred = self._stalled = False
            if self._ending.left or self._ending.withheld:
                continue  # nobody will hear of it
            self._judge.consider(due)
            if isinstance(due.command, Command):
                self._decided(due, due.command)

    # Upstream's side.

    def _replied(self, reply: Reply) -> None:
        if self._interlude.aside is not None:
            self._interlude.go_on(reply)
            return
        if not self._queue:
            self._answers.said_unasked(reply)
            return
        exchange = self._queue[0]
        exchange.said = reply
        if exchange.stage == STARTTLS and self._interlude.goes_ahead(exchange):
            return
        self._queue.popleft()
        if self.state.lmtp or reply.code == PER_RECIPIENT:
            answered = self._spread(exchange, reply)
            if answered is None:
                self._read_on()
                return
            exchange = answered
        if exchange.stage == "CONNECT" and reply.code == 220:
            self._judge.domain = _first_word(reply) or self._judge.domain
        if not exchange.own:
            self._answers.tell(exchange, reply)
        elif exchange.stage == "DATA":
            self._delivery.asked(reply)
        elif reply.code in CLOSING and not self._ending.left:
            self._give_up("upstream-drop")
        if self._queue:
            self._settle()
        elif self._deputy is not None and exchange.stage in HELLO and not self._ending.left:
            self._interlude.greeted(reply, exchange.stage in EXTENDED)
        self._read_on()

    def _spread(self, exchange: Exchange, reply: Reply) -> Exchange | None:
        """Expect as many replies as there are; return what is to be told, if it is not yet."""
        queue = self._queue
        found = queue.lay_out(exchange, reply)
        if found is None:
            queue.spread(exchange, reply.code)
            return exchange
        self._settle()  # upstream knows nothing of the first of them
        if not any(one.forwarded for one in found):
            return None
        exchange = queue.popleft()
        exchange.said = reply
        return exchange

    def _read_on(self) -> None:
        """Read what the client has sent by now."""
        if self._client.pending or self._client.framing is _CHUNK:
            self._read_client()
        elif self._out.upward:
            self._out.flush()
        if self._ending.client_ended:
            self._end_client()

    def _odd_from_upstream(self, fact: ServerFact) -> None:
        match fact:
            case Stray(wire):
                self._watcher.noted("stray-line", "upstream", wire)
                self._out.actions.append(Send(Side.CLIENT, wire))
            case Opaque(octets):
                self._out.actions.append(Send(Side.CLIENT, octets))
            case Overlong(octets):
                self._watcher.noted("reply-too-long", "upstream", octets[:_SHOWN])
                self._give_up("reply-too-long")

    # How it ends.

    def _end_client(self) -> None:
        """The client has sent its last octet; what waits for a reply is read when that is there."""
        client = self._client
        full = len(self._queue) >= self._limits.max_in_flight
        held = client.framing is _HELD or self._stalled or full
        # Under TLS there is no half-close: who is told so now would not hear the replies.
        unheard = self._tls.upstream and bool(self._queue)
        if held or unheard or self._interlude.aside is not None or self._ending.end_told:
            return
        self._ending.end_told = True
        if not self._ending.closing and (rest := client.rest()):
            self._watcher.noted("unfinished-line", "client", rest)
            self._out.actions.append(Send(Side.UPSTREAM, rest))
        self._carry_over(_CLIENT, True)

    def _carry_over(self, side: Side, clean: bool) -> None:
        whole = self._tls.upstream if side is _CLIENT else self._tls.client
        self._out.end(self._ending.carry_over(side, clean, bool(self._queue), whole))

    def _give_up(self, how: str) -> None:
        """The proxy itself ends the session: 421 answers what is unanswered (RFC 5321 §3.8)."""
        exchange = self._queue.popleft() if self._queue else None
        going = farewell(how)
        octets = going.octets(self._judge.domain, "")
        self._out.actions.append(Send(Side.CLIENT, octets))
        self._leave(how, [Close(Side.CLIENT)])
        if exchange is None:
            self._watcher.noted(how, "", octets)
        elif not exchange.own:
            exchange.heard, exchange.by = Reply(going.code, octets), PROXY
            self._answers.told(exchange)

    def _stall(self, on: bool) -> None:
        self._stalled = on

    def _leave(self, how: str, actions: list[Action]) -> None:
        self._out.end(self._ending.leave(how, actions))


_CLIENT, _UPSTREAM = Side.CLIENT, Side.UPSTREAM
_SHOWN = 64  # octets of what should not have come
#: With others a client may show credentials, of which upstream may repeat something at once; or
#: they tell what follows.
_HARMLESS = KNOWN_VERBS - {"AUTH", "BDAT", "RSET"}
_IN_NEED = frozenset({"MAIL", "AUTH"})  # of a login, if there is to be one
_COMMAND, _HELD = Framing.COMMAND, Framing.HELD
_MAIL_DATA, _CHUNK, _OPAQUE = Framing.MAIL_DATA, Framing.CHUNK, Framing.OPAQUE


def _first_word(reply: Reply) -> str:
    words = reply.lines[0].decode("ascii", "replace").split()
    return words[0] if words and words[0].replace(".", "").replace("-", "").isalnum() else ""
