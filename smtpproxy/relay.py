"""One session: the facts of both sides and the rules' opinions, turned into actions.

Owns the pairing of commands with replies, and the order in which the client hears them. Does no
I/O: it is given octets and the time, and answers with actions. Whoever watches hears everything and
changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from smtpproxy.actions import Action, Close, Connect, HalfClose, Reset, Send, Side
from smtpproxy.deadlines import Awaited, upstream_time
from smtpproxy.exchange import PROXY, Decision, Exchange
from smtpproxy.faults.reply import CLOSING, SayReply
from smtpproxy.introduction import Introduction, IntroductionError
from smtpproxy.pairing import END_OF_DATA, PER_RECIPIENT, Pairing
from smtpproxy.refusals import TOO_LONG, anomalies_of, refusal_of_command, refusal_of_message
from smtpproxy.rules.judge import Judge
from smtpproxy.rules.model import NO_RULES, NONE, RuleBook
from smtpproxy.smtp.anomalies import (
    DISAGREES,
    EARLY_COMMAND,
    EARLY_REPLY,
    PIPELINING,
    UNSOLICITED,
)
from smtpproxy.smtp.client import UNREADABLE, ClientReader, Framing
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
from smtpproxy.smtp.lookalike import MailDataScan
from smtpproxy.smtp.server import ServerReader
from smtpproxy.smtp.state import HELLO, Phase, State


class Watcher(Protocol):
    """What a relay tells about the session as it goes on."""

    def exchanged(self, exchange: Exchange) -> None:
        """The client heard the answer, or will never hear one."""

    def authenticating(self, exchange: Exchange) -> None:
        """The client sent AUTH, or a continuation of it: upstream may repeat it from now on."""

    def mail_data(self, fact: MailData | Chunk) -> None:
        """The client sent octets of mail data, or of a BDAT chunk."""

    def noted(self, fact: str, detail: str, octets: bytes) -> None:
        """Something happened that is not an exchange; `fact` names it."""

    def ended(self, how: str) -> None:
        """The session is over; nothing follows."""


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
        introduction: Introduction | None = None,
    ) -> None:
        self._watcher = watcher
        self._seconds = seconds
        self.state = state or State()
        self._judge = Judge(rules, self.state, domain)
        self._limits = limits
        self._client = ClientReader(limits)
        self._server = ServerReader(limits)
        self._queue = Pairing(self.state)
        self._actions: list[Action] = []
        self._upward: list[bytes] = []  # octets for upstream that one segment may carry
        self._refused = refused  # anomalies of the client that upstream shall not see
        self._refusal = ""  # the one for which this message is refused
        self._withheld = b""  # mail data that may yet turn out to be one of them
        self._scan = MailDataScan()
        self._swallowing = False  # mail data, or a chunk, is kept from upstream
        self._introduction = introduction  # still to be made, before the client is greeted
        # A command waits for its turn before its rules can be asked, or all wait for the greeting.
        self._stalled = introduction is not None
        self._closing = False  # nothing more is read from the client
        self._left = False  # the client's leg is closed from here: nothing more is sent to it
        self._disagreed = False  # upstream saw an end of mail data where the client saw none
        self._goodbye = False  # the client heard 221 or 421
        self._client_ended = False
        self._end_told = False  # upstream was told that the client will send nothing more
        self._upstream_ended = False
        self._how = ""  # the session ended
        self.progress = 0  # grows with each fact of either side, complete

    @property
    def crowded(self) -> bool:
        """Should the client not be read for now?"""
        limits = self._limits
        return len(self._queue) >= limits.max_in_flight or self._client.pending > limits.max_held

    @property
    def waiting(self) -> bool:
        """Does the client wait for an answer?"""
        return bool(self._queue)

    @property
    def left(self) -> bool:
        """Was the client's leg closed from here?"""
        return self._left

    def awaited(self) -> Awaited:
        """Return who must act now, and how long that may take."""
        framing, limits = self._client.framing, self._limits
        if framing is _OPAQUE:
            return Awaited("client", "opaque", limits.end_of_data_timeout)
        if self._queue and framing is not _CHUNK:
            return Awaited("upstream", *upstream_time(self._queue[0], limits))
        if self._client.pending:
            return Awaited("client", "command", limits.command_timeout)
        return Awaited("client", "idle", limits.idle_timeout)

    def connected(self) -> list[Action]:
        """A client has connected."""
        exchange = Exchange("CONNECT", None, self._seconds())
        self._queue.append(exchange)
        self._judge.consider(exchange)
        if exchange.forwarded:
            self._actions.append(Connect())
        else:
            self._introduction, self._stalled = None, False
        self._settle()
        return self._take_actions()

    def client_received(self, octets: bytes) -> list[Action]:
        """The client sent octets."""
        self._client.receive(octets)
        self._read_client()
        return self._take_actions()

    def upstream_received(self, octets: bytes) -> list[Action]:
        """Upstream sent octets."""
        server = self._server
        server.receive(octets)
        while not self._left and (fact := server.next()) is not None:
            self.progress += 1
            if type(fact) is Reply:
                self._replied(fact)
            else:
                self._odd_from_upstream(fact)
        return self._take_actions()

    def upstream_failed(self, reason: str) -> list[Action]:
        """Upstream could not be reached; `reason` says why in a few words."""
        self._watcher.noted("upstream-unreachable", reason, b"")
        self._upstream_ended = True
        self._give_up("upstream-unreachable")
        return self._take_actions()

    def client_closed(self, clean: bool) -> list[Action]:
        """The client will send nothing more; not `clean`: its connection is gone altogether."""
        self._client_ended = True
        if clean:
            self._end_client()
        else:
            self._carry_over("client", clean, self._upstream_ended, Side.UPSTREAM)
        return self._take_actions()

    def upstream_closed(self, clean: bool) -> list[Action]:
        """Upstream will send nothing more; not `clean`: its connection is gone altogether."""
        self._upstream_ended = True
        if not self._left and (rest := self._server.rest()):
            self._watcher.noted("unfinished-line", "upstream", rest)
            self._actions.append(Send(Side.CLIENT, rest))
        self._carry_over("upstream", clean, self._client_ended, Side.CLIENT)
        return self._take_actions()

    def shut_down(self, reason: str) -> list[Action]:
        """The proxy ends this session; `reason` is one word, such as "shutdown" or "timeout"."""
        if self._left:
            return []
        if self._client.framing is _OPAQUE:
            self._leave(reason, [Close(Side.CLIENT)])  # nobody would understand a reply
        elif not self._goodbye:
            self._give_up(reason)
        return self._take_actions()

    def late(self, awaited: Awaited) -> list[Action]:
        """Somebody has taken too long: the session ends."""
        self._watcher.noted("timeout", f"{awaited.who} {awaited.what}", b"")
        return self.shut_down(f"{awaited.who}-timeout")

    def finished(self) -> None:
        """Both connections are gone."""
        for exchange in self._queue:
            if not exchange.own:
                self._watcher.exchanged(exchange)
        while self._queue.early:
            self._watcher.noted(UNSOLICITED, "", self._queue.take_early().wire)
        self._queue.clear()
        self._watcher.ended(self._how)

    # The client's side.

    def _read_client(self) -> None:
        client, queue, most = self._client, self._queue, self._limits.max_in_flight
        while (
            not (self._closing or self._stalled)
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
        if self._upward:
            self._flush_upward()

    def _flush_upward(self) -> None:
        upward = self._upward
        self._actions.append(Send(_UPSTREAM, upward[0] if len(upward) == 1 else b"".join(upward)))
        upward.clear()

    def _command(self, command: Command) -> None:
        verb = command.verb
        exchange = Exchange(verb, command, self._seconds(), bool(self._queue))
        self._queue.append(exchange)
        if exchange.pipelined:
            self._note_haste(exchange)
        if verb == "AUTH":
            self._watcher.authenticating(exchange)
        if self._refused and self._is_refused(exchange, command):
            return
        if self._queue.early:
            self._decided(exchange, command)
            self._answered_early(exchange)
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

    def _is_refused(self, exchange: Exchange, command: Command) -> bool:
        """Keep a command with an anomaly from upstream, if that is asked for."""
        odd = next(filter(self._refused.__contains__, anomalies_of(exchange)), "")
        if odd:
            self._refuse(exchange, refusal_of_command(odd))
            self._decided(exchange, command)
            self._settle()
        return bool(odd)

    def _refuse(self, exchange: Exchange, reply: SayReply) -> None:
        exchange.forwarded = False
        exchange.decision = Decision("", (reply,), True, NONE, reply.code)

    def _note_haste(self, exchange: Exchange) -> None:
        """A command came before the reply to the one before it: was that agreed upon?"""
        state = self.state
        if state.phase == Phase.CONNECTED:
            exchange.odd = (EARLY_COMMAND,)
        elif state.phase != Phase.GREETED and not state.offers_pipelining:
            exchange.odd = (PIPELINING,)

    def _decided(self, exchange: Exchange, command: Command) -> None:
        """It is known whether upstream is asked: ask it, or keep from it what comes with it."""
        if exchange.forwarded:
            self._upward.append(command.wire)
        if command.verb == "BDAT":
            self._swallowing = not exchange.forwarded
            if self._swallowing:
                # It would take the chunks that follow for the whole message.
                self._reset_upstream()

    def _mail_data(self, data: MailData) -> None:
        self._watcher.mail_data(data)
        for found in self._scan.look(data.octets):
            self._watcher.noted(found.name, found.form or "mail data", b"")
            if found.name in self._refused and not self._swallowing:
                # Upstream never gets a final dot: it will forget the message with the connection.
                self._refusal, self._swallowing = found.name, True
        if not self._swallowing:
            self._upward.append(self._decided_octets(data) if self._refused else data.octets)
        if not data.last:
            return
        exchange = Exchange(END_OF_DATA, None, self._seconds(), bool(self._queue))
        self._queue.append(exchange)
        if self._refusal:
            self._closing = True
            self._refuse(exchange, refusal_of_message(self._refusal))
            self._settle()
            return
        if self._queue.early and not self._swallowing:
            self._answered_early(exchange)
            return
        if self._swallowing or END_OF_DATA in self._judge.concerned:
            self._judge.consider_end(exchange, self._swallowing)
        if not exchange.forwarded:
            self._settle()
            self._reset_upstream()

    def _decided_octets(self, data: MailData) -> bytes:
        """Return what can't become part of an anomaly that is refused; the rest is withheld."""
        octets = self._withheld + data.octets
        keep = 0 if data.last else min(self._scan.undecided, len(octets))
        self._withheld = octets[len(octets) - keep :]
        return octets[: len(octets) - keep]

    def _reset_upstream(self) -> None:
        """Upstream has an envelope whose message it shall not get: take the envelope back."""
        exchange = Exchange("RSET", Command("RSET", b"RSET\r\n"), self._seconds())
        exchange.own = True
        self._queue.append(exchange)
        self._upward.append(b"RSET\r\n")
        self._watcher.noted("own-command", "RSET", b"")

    def _other_from_client(self, fact: ClientFact) -> None:
        match fact:
            case Chunk(octets=octets):
                self._watcher.mail_data(fact)
                if not self._swallowing:
                    self._upward.append(octets)
            case Continuation(wire):
                exchange = Exchange("AUTH", fact, self._seconds())
                self._watcher.authenticating(exchange)
                if "AUTH" in self._judge.concerned:
                    self._judge.consider(exchange)
                self._queue.append(exchange)
                self._upward.append(wire)
                if self._queue.early:
                    self._answered_early(exchange)
            case Opaque(octets):
                self._upward.append(octets)
            case Overlong(octets):
                self._watcher.noted("line-too-long", "client", octets[:64])
                exchange = Exchange("?", None, self._seconds(), bool(self._queue))
                self._refuse(exchange, TOO_LONG)
                self._queue.append(exchange)
                self._closing = True
                self._settle()

    # What the client hears.

    def _replied(self, reply: Reply) -> None:
        if not self._queue:
            self._replied_early(reply)
            return
        if self._introduction is not None and self._introduced(self._introduction, reply):
            return
        exchange = self._queue.popleft()
        exchange.said = reply
        if self.state.lmtp or reply.code == PER_RECIPIENT:
            self._queue.spread(exchange, reply.code)
        if exchange.stage == "CONNECT" and reply.code == 220:
            self._judge.domain = _first_word(reply) or self._judge.domain
        if not exchange.own:
            self._tell(exchange, reply)
        elif reply.code in CLOSING and not self._left:
            self._give_up("upstream-drop")
        if self._queue:
            self._settle()
        if self._client.pending or self._client.framing is _CHUNK:
            self._read_client()
        elif self._upward:
            self._flush_upward()
        if self._client_ended:
            self._end_client()

    def _introduced(self, introduction: Introduction, reply: Reply) -> bool:
        """Go on with the introduction; False where this is the greeting that the client hears."""
        try:
            command = introduction.after(reply)
        except IntroductionError as error:
            self._watcher.noted("not-introduced", str(error), b"")
            self._give_up("not-introduced")
            return True
        if command:
            self._watcher.noted("own-command", command.decode("ascii").strip(), b"")
            self._actions.append(Send(_UPSTREAM, command))
            return True
        self._introduction, self._stalled = None, False
        return False

    def _replied_early(self, reply: Reply) -> None:
        """Upstream answers nothing that was asked."""
        closing = reply.code in CLOSING
        self._watcher.noted(UNSOLICITED if closing else EARLY_REPLY, "", reply.wire)
        self._actions.append(Send(Side.CLIENT, reply.wire))
        self._goodbye = self._goodbye or closing
        if closing:
            return
        self._queue.came_early(reply)
        mail_data = self._client.framing is _MAIL_DATA and not self._swallowing
        if mail_data and not self._disagreed:
            self._disagreed = True
            # Upstream saw an end of mail data where the client sees none: all that rules know of
            # this session may be wrong from here on.
            self._watcher.noted(DISAGREES, "", b"")
            self._judge = Judge(NO_RULES, self.state, self._judge.domain)

    def _answered_early(self, exchange: Exchange) -> None:
        """The client has heard the answer already, and takes it for its own."""
        queue = self._queue
        exchange.said = exchange.heard = queue.take_early()
        queue.pop()
        queue.spread(exchange, exchange.said.code)
        self._told(exchange)
        while queue and queue.early:  # more replies to the same message
            follower = queue.popleft()
            follower.said = follower.heard = queue.take_early()
            self._told(follower)

    def _settle(self) -> None:
        """Tell the client all that is at the head of the queue and waits for nobody."""
        queue = self._queue
        while queue:
            exchange = queue[0]
            if exchange.deferred and isinstance(exchange.command, Command):
                exchange.deferred = self._stalled = False
                self._judge.consider(exchange)
                self._decided(exchange, exchange.command)
            if exchange.forwarded:
                return
            queue.popleft()
            if self.state.lmtp:
                queue.spread(exchange, 0)
            self._tell(exchange, None)

    def _tell(self, exchange: Exchange, reply: Reply | None) -> None:
        """Let the client hear the answer: upstream's, or what the rules make of it."""
        if self._left:
            self._watcher.exchanged(exchange)  # nobody is there to hear it
            return
        if exchange.decision is None and exchange.stage not in self._judge.concerned:
            exchange.heard = reply
            if reply is not None:
                self._actions.append(Send(_CLIENT, reply.wire))
            self._told(exchange)
            return
        telling = self._judge.tell(exchange, reply)
        heard, after = telling.reply, telling.after
        self._actions += telling.before
        exchange.heard = heard
        if heard is not None:
            self._actions.append(Send(_CLIENT, heard.wire))
        if exchange.by == PROXY and self._closing:
            after = [Close(Side.CLIENT)]
        if after or (heard and reply and _promise_broken(exchange.stage, reply.code, heard.code)):
            self._leave(exchange.by, after or [Close(Side.CLIENT)])
        if exchange.more and heard is not None and heard.code != PER_RECIPIENT:
            self._keep_the_rest(exchange, reply)
        self._told(exchange)

    def _keep_the_rest(self, exchange: Exchange, reply: Reply | None) -> None:
        """A rule gave one reply in the place of a 353: the client expects no more of them."""
        if reply is None or reply.code != PER_RECIPIENT:
            return
        exchange.more = False
        for follower in self._queue:
            if not follower.continues:
                return
            follower.own = True

    def _told(self, exchange: Exchange) -> None:
        """The client heard the answer: what follows from it."""
        self._watcher.exchanged(exchange)
        heard = exchange.heard
        if heard is None:
            return
        stage, command = exchange.stage, exchange.command
        if (type(command) is Command or command is None) and not exchange.more:
            self.state.observe(stage, command, heard.code)
            if stage in HELLO and heard.code // 100 == 2:
                self.state.greeted_again(heard)
        if heard.code in CLOSING:
            self._goodbye = True
            if stage == "QUIT":
                self._how = "quit"
        if self._queue:
            return
        client = self._client
        if client.framing is _COMMAND and stage != UNREADABLE:
            return
        client.answered(stage, heard.code)
        if client.framing is _MAIL_DATA:
            self._scan, self._refusal, self._withheld = MailDataScan(), "", b""
            self._swallowing = exchange.said is None or exchange.said.code // 100 != 3
        elif client.framing is _OPAQUE and not self._server.opaque:
            self._server.opaque = True
            self._watcher.noted("opaque", stage, b"")

    def _odd_from_upstream(self, fact: ServerFact) -> None:
        match fact:
            case Stray(wire):
                self._watcher.noted("stray-line", "upstream", wire)
                self._actions.append(Send(Side.CLIENT, wire))
            case Opaque(octets):
                self._actions.append(Send(Side.CLIENT, octets))
            case Overlong(octets):
                self._watcher.noted("reply-too-long", "upstream", octets[:64])
                self._give_up("reply-too-long")

    # How it ends.

    def _end_client(self) -> None:
        """The client has sent its last octet; what waits for a reply is read when that is there."""
        client = self._client
        full = len(self._queue) >= self._limits.max_in_flight
        waits = client.framing is _HELD or self._stalled or full
        if waits or self._end_told:
            return
        self._end_told = True
        if not self._closing and (rest := client.rest()):
            self._watcher.noted("unfinished-line", "client", rest)
            self._actions.append(Send(Side.UPSTREAM, rest))
        self._carry_over("client", True, self._upstream_ended, Side.UPSTREAM)

    def _carry_over(self, who: str, clean: bool, other_ended: bool, other: Side) -> None:
        """One side will say no more: so the other is told, or all is over."""
        self._how = self._how or f"{who}-{'drop' if clean else 'reset'}"
        listening = clean and other is Side.UPSTREAM and bool(self._queue)
        if not clean and not self._goodbye:
            self._actions.append(Reset(other))
        elif other_ended or (self._goodbye and not listening):
            self._actions += [Close(Side.CLIENT), Close(Side.UPSTREAM)]
        else:
            self._actions.append(HalfClose(other))
            return
        self._closing = self._left = True

    def _give_up(self, how: str) -> None:
        """The proxy itself ends the session: 421 answers what is unanswered (RFC 5321 §3.8)."""
        exchange = self._queue.popleft() if self._queue else None
        octets = _GOING.octets(self._judge.domain, "")
        self._actions.append(Send(Side.CLIENT, octets))
        self._leave(how, [Close(Side.CLIENT)])
        if exchange is None:
            self._watcher.noted(how, "", octets)
        elif not exchange.own:
            exchange.heard, exchange.by = Reply(_GOING.code, octets), PROXY
            self._told(exchange)

    def _leave(self, how: str, actions: list[Action]) -> None:
        self._how = self._how or how
        self._closing = self._left = True
        self._actions += actions
        self._actions.append(Close(Side.UPSTREAM))

    def _take_actions(self) -> list[Action]:
        actions, self._actions = self._actions, []
        return actions


_CLIENT, _UPSTREAM = Side.CLIENT, Side.UPSTREAM
_COMMAND, _HELD = Framing.COMMAND, Framing.HELD
_MAIL_DATA, _CHUNK, _OPAQUE = Framing.MAIL_DATA, Framing.CHUNK, Framing.OPAQUE
_GOING = SayReply.parse("421", "CONNECT")


def _promise_broken(stage: str, said: int, heard: int) -> bool:
    """Does upstream now wait for what the client was not told to send?"""
    if stage in (END_OF_DATA, "BDAT"):
        return False  # whatever it says, there is nothing that the client sends upon it
    promised = said // 100 == 3 or (said // 100 == 2 and stage == "STARTTLS")
    return promised and heard // 100 != said // 100


def _first_word(reply: Reply) -> str:
    words = reply.lines[0].decode("ascii", "replace").split()
    return words[0] if words and words[0].replace(".", "").replace("-", "").isalnum() else ""
