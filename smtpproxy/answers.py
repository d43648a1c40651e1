"""What the client hears, in the order of its commands, and what follows from it.

Owns the queue of exchanges that the client has not heard of yet. Upstream's reply, or what the
rules make of it, answers the first of them; an answer that is made up here waits for its turn in
the same queue. Does no I/O: what should happen is added to what is outgoing.
"""

from __future__ import annotations

from smtpproxy.actions import Close, HalfClose, Later, Send, Side
from smtpproxy.auth.deputy import Deputy
from smtpproxy.encryption import READY, STARTTLS, Encryption
from smtpproxy.ending import Ending
from smtpproxy.exchange import PROXY, RULE, Exchange
from smtpproxy.faults.base import Telling
from smtpproxy.faults.reply import CLOSING
from smtpproxy.faults.tls import CLOSE, ENDLESS
from smtpproxy.outgoing import Outgoing
from smtpproxy.pairing import END_OF_DATA, PER_RECIPIENT, Again, Pairing
from smtpproxy.passage import Passage
from smtpproxy.rules.judge import Judge
from smtpproxy.smtp.anomalies import DISAGREES, EARLY_REPLY, UNSOLICITED
from smtpproxy.smtp.client import UNREADABLE, ClientReader, Framing
from smtpproxy.smtp.facts import Command, Reply
from smtpproxy.smtp.server import ServerReader
from smtpproxy.smtp.state import HELLO, State
from smtpproxy.watcher import Watcher


class Answers:
    """The answers to one session's client."""

    def __init__(
        self,
        watcher: Watcher,
        state: State,
        judge: Judge,
        client: ClientReader,
        server: ServerReader,
        passage: Passage,
        ending: Ending,
        out: Outgoing,
        tls: Encryption,
        deputy: Deputy | None = None,
    ) -> None:
        self._watcher = watcher
        self._state = state
        self._judge = judge
        self._client = client
        self._server = server
        self._passage = passage
        self._ending = ending
        self._out = out
        self._tls = tls
        self._deputy = deputy
        self.unasked: Reply | None = None  # what a client hears that is idle for long enough
        self._disagreed = False  # upstream saw an end of mail data where the client saw none
        self.queue = Pairing(state)

    def settle(self) -> Exchange | None:
        """Tell the client all that is at the head of the queue and waits for nobody.

        Returns the exchange whose turn has come to be decided about, if there is one.
        """
        queue = self.queue
        while queue:
            exchange = queue[0]
            if exchange.deferred:
                return exchange
            if exchange.forwarded:
                return None
            queue.popleft()
            if self._state.lmtp:
                queue.spread(exchange, 0)
            self.tell(exchange, exchange.said)
        return None

    def tell(self, exchange: Exchange, reply: Reply | None) -> None:
        """Let the client hear the answer: upstream's, or what the rules make of it."""
        if self._ending.mute:
            self._unheard(exchange, reply)
            return
        if exchange.stage in EXTENDED and reply is not None:
            shown = self._tls.shown(reply)
            if self._deputy is not None:
                shown = self._deputy.shown(shown)
            if shown is not reply:
                reply, exchange.by = shown, PROXY
        if exchange.decision is None and exchange.rules is None:
            exchange.heard = reply
            if reply is not None:
                self._out.actions.append(Send(_CLIENT, reply.wire))
            self.told(exchange)
            return
        telling = self._judge.tell(exchange, reply)
        if telling.short and self.queue.to_come < telling.short:
            self._leave_out(exchange, telling)
            return
        self._out.actions += telling.before
        exchange.heard, exchange.flaw = self._say(telling), telling.flaw
        heard = exchange.heard
        if exchange.by == RULE and heard is not None and _is_lie(exchange.stage, heard, reply):
            self._watcher.noted(LIE, f"{exchange.stage} {heard.code}", b"")
        self._end_behind(exchange, telling, reply)
        if exchange.more and heard is not None and heard.code != PER_RECIPIENT:
            self._keep_the_rest(exchange, reply)
        self.told(exchange)
        if heard is None and self._ending.half_closed:
            self._read_on_unheard(exchange, reply)
        self._follow(telling)

    def _say(self, telling: Telling) -> Reply | None:
        """Send what is said; return what the client gets of it, octet for octet."""
        sending = telling.sending()
        self._out.actions += sending
        reply = telling.reply
        if reply is None or (telling.octets is None and telling.pieces is None):
            return reply
        wire = b"".join(action.octets for action in sending if type(action) is Send)
        if wire == reply.wire:
            return reply  # it came whole
        return Reply(reply.code, wire) if wire else None

    def _end_behind(self, exchange: Exchange, telling: Telling, reply: Reply | None) -> None:
        """Let the session end behind what was said, if it does."""
        heard, after = exchange.heard, telling.after
        if exchange.by == PROXY and self._ending.closing and not exchange.more:
            after = [Close(_CLIENT)]
        if telling.withheld:
            self._out.end(self._ending.withhold())
        elif HalfClose(_CLIENT) in after:
            self._ending.half_closed = self._ending.mute = True
            self._out.end(after)
        elif after or (heard and reply and _promise_broken(exchange.stage, reply.code, heard.code)):
            self._out.end(self._ending.leave(exchange.by, after or [Close(_CLIENT)]))

    def _leave_out(self, exchange: Exchange, telling: Telling) -> None:
        """A rule has it that the client never hears this reply to its message."""
        exchange.by = RULE
        self._watcher.exchanged(exchange)
        if not exchange.more and telling.reply is not None and exchange.stage in _ENDING:
            command = exchange.command if type(exchange.command) is Command else None
            self._state.observe(exchange.stage, command, telling.reply.code)

    def _follow(self, telling: Telling) -> None:
        """Do what a rule wants behind a reply."""
        if telling.extra and telling.reply is not None and not self.queue.to_come:
            for _ in range(telling.extra):
                self._watcher.noted(UNASKED, "", telling.reply.wire)
                self._out.actions.append(Send(_CLIENT, telling.reply.wire))
                self.queue.came_early(Again(*telling.reply))
        if telling.together:
            self._out.hold_while(self._client_waits)
        if telling.later is not None and not self._ending.mute:
            seconds, self.unasked = telling.later
            self._out.actions.append(Later(_CLIENT, seconds))

    def _client_waits(self) -> bool:
        """Are there commands whose answers the client will hear?"""
        ending = self._ending
        if ending.mute or ending.upstream_ended:
            return False
        return any(not waiting.own for waiting in self.queue)

    def idle(self) -> None:
        """The client has said nothing for so long as a rule has it: it hears what it hears then."""
        reply, self.unasked = self.unasked, None
        if reply is None or self._ending.mute or self._client_waits():
            return
        self._watcher.noted(UNASKED, "", reply.wire)
        self._out.actions.append(Send(_CLIENT, reply.wire))
        if reply.code in CLOSING:
            self._ending.goodbye = True
            self._out.end(self._ending.leave(RULE, [Close(_CLIENT)]))

    def _unheard(self, exchange: Exchange, reply: Reply | None) -> None:
        """Nobody hears this answer."""
        self._watcher.exchanged(exchange)
        self._read_on_unheard(exchange, reply)

    def _read_on_unheard(self, exchange: Exchange, reply: Reply | None) -> None:
        """Who was told that nothing more will be said, and is read on, may yet send mail data."""
        if not self._ending.half_closed or self._ending.left:
            return
        decision, stage = exchange.decision, exchange.stage
        code = reply.code if reply is not None else decision.code if decision is not None else 0
        if stage == STARTTLS:
            self._tls.waiting, code = False, _NOT_GONE_AHEAD
        if self._client.framing is not _COMMAND and not self.queue:
            self._read_on(exchange, stage, code)

    def _keep_the_rest(self, exchange: Exchange, reply: Reply | None) -> None:
        """A rule gave one reply in the place of a 353: the client expects no more of them."""
        if reply is None or reply.code != PER_RECIPIENT:
            return
        exchange.more = False
        for follower in self.queue:
            if not follower.continues:
                return
            follower.own = True

    def told(self, exchange: Exchange) -> None:
        """The client heard the answer: what follows from it."""
        self._watcher.exchanged(exchange)
        heard = exchange.heard
        if heard is None:
            return
        stage, command = exchange.stage, exchange.command
        if (type(command) is Command or command is None) and not exchange.more:
            self._state.observe(stage, command, heard.code)
            if exchange.decision is not None and stage == "RCPT":
                self.queue.recipients.told(exchange)
            if stage in HELLO and heard.code // 100 == 2:
                self._state.greeted_again(heard)
        if heard.code in CLOSING:
            self._ending.said_goodbye(stage)
        elif heard.code == AUTHENTICATED and stage == "AUTH":
            self._judge.authenticated()
        queue = self.queue
        if queue and not (queue[0].own and all(waiting.own for waiting in queue)):
            return
        client = self._client
        if not (client.framing is _COMMAND and stage != UNREADABLE):
            self._read_on(exchange, stage, heard.code)

    def _read_on(self, exchange: Exchange, stage: str, code: int) -> None:
        """The client waited for this answer: it decides how what follows is to be read."""
        client = self._client
        if stage == STARTTLS and self._tls.follows:
            self._tls.waiting = False
            if code == READY and not self._ending.left:
                self._begin_tls(exchange.flaw)
                return
            code = _NOT_GONE_AHEAD
        client.answered(stage, code)
        if client.framing is Framing.MAIL_DATA:
            asked = exchange.said is not None and exchange.said.code // 100 == 3
            course = self._judge.course
            self._passage.begin(not (asked or (course is not None and course.holds)))
        elif client.framing is Framing.OPAQUE and not self._server.opaque:
            self._server.opaque = True
            self._watcher.noted("opaque", stage, b"")

    def _begin_tls(self, flaw: str) -> None:
        """The client heard 220: what it sends from here on is encrypted, or it is an injection."""
        if flaw:
            self._watcher.noted("tls-spoilt", flaw, b"")
        if self._ending.client_ended:
            self._out.end(self._ending.leave("client-drop", [Close(_CLIENT)]))  # it says no hello
        elif flaw == CLOSE:
            self._out.end(self._ending.leave(RULE, [Close(_CLIENT)]))
        else:
            # Upstream will never hear more of a client that waits for ever.
            self._out.end(self._ending.withhold() if flaw in ENDLESS else [])
            self._out.end(self._tls.begin(flaw))

    def said_unasked(self, reply: Reply) -> None:
        """Upstream answers nothing that was asked."""
        closing = reply.code in CLOSING
        self._watcher.noted(UNSOLICITED if closing else EARLY_REPLY, "", reply.wire)
        self._out.actions.append(Send(_CLIENT, reply.wire))
        if closing:
            self._ending.goodbye = True
            return
        self.queue.came_early(reply)
        if self._client.framing is Framing.MAIL_DATA and not self._passage.swallowing:
            self._disagree()

    def _disagree(self) -> None:
        """Upstream saw an end of mail data where the client sees none.

        All that rules know of this session may be wrong from here on.
        """
        if not self._disagreed:
            self._disagreed = True
            self._watcher.noted(DISAGREES, "", b"")
            self._judge.retire()

    def heard_early(self, exchange: Exchange) -> None:
        """The client has heard the answer already, and takes it for its own."""
        queue = self.queue
        reply = self._take_early(exchange)
        queue.pop()
        queue.spread(exchange, reply.code)
        self.told(exchange)
        while queue and queue[0].continues and queue.early:  # more replies to the same message
            follower = queue.popleft()
            self._take_early(follower)
            self.told(follower)

    def _take_early(self, exchange: Exchange) -> Reply:
        reply = exchange.heard = self.queue.take_early()
        if type(reply) is Reply:
            exchange.said = reply
        else:
            exchange.by = RULE  # it is what was said before, once more
        return reply


_CLIENT = Side.CLIENT
#: The fact that a rule tells the client of a success that is none.
LIE = "lie"
#: The fact that a client was told what it had not asked for, by a rule.
UNASKED = "told-unasked"
#: Commands whose replies name extensions.
EXTENDED = frozenset({"EHLO", "LHLO"})
AUTHENTICATED = 235  # RFC 4954 §6
_ENDING = frozenset({END_OF_DATA, "BDAT"})
_NOT_GONE_AHEAD = 0  # any code that leaves the client's octets as they are to be read
_COMMAND = Framing.COMMAND  # looking a member up in its class costs as much as reading a command


def _is_lie(stage: str, heard: Reply, said: Reply | None) -> bool:
    """Does the client believe what is not so: success that upstream refused, or knows nothing of?

    What 354 begins is one at its end, and behind QUIT nothing counts any more.
    """
    failed = said is None or said.code >= 400
    return heard.code < 400 and failed and stage not in ("DATA", "QUIT")


def _promise_broken(stage: str, said: int, heard: int) -> bool:
    """Does upstream now wait for what the client was not told to send?"""
    if stage in (END_OF_DATA, "BDAT"):
        return False  # whatever it says, there is nothing that the client sends upon it
    promised = said // 100 == 3 or (said // 100 == 2 and stage == "STARTTLS")
    return promised and heard // 100 != said // 100
