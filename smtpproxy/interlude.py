"""What goes on between the proxy and upstream while the client waits: asides, and STARTTLS.

Owns the order in which the legs are encrypted, and what that is waited for. In plain text, octets
where TLS is to begin end the session (RFC 3207 §6): none of them is ever taken for a command.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from smtpproxy.actions import Close, Connect, Reset, Send, Side, StartTls
from smtpproxy.answers import Answers
from smtpproxy.aside import Aside, AsideError
from smtpproxy.auth.deputy import OWN_HELLO, Deputy
from smtpproxy.catchup import Said, catching_up
from smtpproxy.encryption import READY, UNAVAILABLE, Encryption
from smtpproxy.ending import Ending
from smtpproxy.exchange import Exchange
from smtpproxy.introduction import Introduction
from smtpproxy.outgoing import Outgoing
from smtpproxy.refusals import INJECTION, answer_here
from smtpproxy.retelling import Retelling
from smtpproxy.smtp.client import ClientReader
from smtpproxy.smtp.facts import Command, Continuation, Reply
from smtpproxy.smtp.limits import Limits
from smtpproxy.smtp.server import ServerReader
from smtpproxy.smtp.state import State
from smtpproxy.tlsfacts import NOT_TLS, TlsFacts
from smtpproxy.watcher import Watcher

_CLIENT, _UPSTREAM = Side.CLIENT, Side.UPSTREAM
SIDE_NAMES = {_CLIENT: "client", _UPSTREAM: "upstream"}
_SHOWN = 64  # octets of what should not have come


class Ways(NamedTuple):
    """How a session goes on behind an interlude."""

    replied: Callable[[Reply], None]  # the client is to hear this
    read_on: Callable[[], None]  # the client may say more
    give_up: Callable[[str], None]  # it ends, in this way


class Interlude:
    """The interludes of one session."""

    def __init__(
        self,
        watcher: Watcher,
        state: State,
        client: ClientReader,
        server: ServerReader,
        answers: Answers,
        ending: Ending,
        out: Outgoing,
        tls: Encryption,
        introduction: Introduction,
        deputy: Deputy | None,
        retelling: Retelling,
        ways: Ways,
    ) -> None:
        self._watcher = watcher
        self._state = state
        self._client = client
        self._server = server
        self._answers = answers
        self._ending = ending
        self._out = out
        self._tls = tls
        self._introduction = introduction
        self._deputy = deputy
        self._retelling = retelling
        self._ways = ways
        self.aside: Aside | None = None  # what upstream is told of our own
        self._logging_in = False  # and it holds secrets
        self._departing = False  # from a cassette
        self._unshown: frozenset[bytes] = frozenset()  # lines of it that are credentials

    def connecting(self) -> None:
        """Upstream is connected to: introduce the client, where that is asked for."""
        if not self._introduction.later:
            self._ask_for_what_is_owed()
        if self._introduction:
            self._begin(self._introduction.aside())

    def _ask_for_what_is_owed(self) -> None:
        """A client that has TLS from the first octet on does not ask for upstream's."""
        if self._tls.owing:
            self._introduction = self._introduction._replace(starttls=True)

    def _begin(self, aside: Aside) -> None:
        self.aside = aside
        self._advance(lambda: next(aside))

    def go_on(self, reply: Reply | None) -> None:
        """Upstream has answered the aside; None: its leg is encrypted."""
        if (aside := self.aside) is not None:
            self._advance(lambda: aside.send(reply))

    def _advance(self, step: Callable[[], bytes | StartTls]) -> None:
        try:
            todo = step()
        except AsideError as error:
            self.aside = None
            self._watcher.noted(error.fact, str(error), b"")
            if error.fatal:
                self._ways.give_up(error.fact)
            else:
                self._ways.read_on()
        except StopIteration as end:
            self.aside = None
            departing, self._departing = self._departing, False
            if end.value is not None:
                self._greet(end.value)
            if departing:
                self._ask_again()
            if end.value is None:
                self._ways.read_on()
        else:
            self._do(todo)

    def _greet(self, greeting: Reply) -> None:
        """Let the client hear upstream's greeting; a refusal ends what was to be encrypted."""
        in_vain = self._introduction.starttls and not self._tls.upstream
        self._ending.closing = self._ending.closing or in_vain
        self._ways.replied(greeting)
        if in_vain and not self._ending.left:
            self._out.end(self._ending.leave("not-introduced", [Close(_CLIENT)]))

    def _do(self, step: bytes | StartTls) -> None:
        if isinstance(step, StartTls):
            self._begin_upstream()
        elif step:
            self._tell_of(step)
            self._out.actions.append(Send(_UPSTREAM, step))

    def _tell_of(self, step: bytes) -> None:
        """Say what is said to upstream; of a login the mechanism, and upstream may repeat it."""
        shown = step.decode("ascii", "replace").split()
        if self._departing:
            # A bare CR may hide an AUTH behind any command.
            shown = step.partition(b"\r")[0].decode("ascii", "replace").split()
            if step in self._unshown:
                shown = []
            elif shown[:1] and shown[0].upper() == "AUTH":
                shown = shown[:2]
        elif self._logging_in and step != OWN_HELLO:
            continues = shown[:1] != ["AUTH"]  # the last line of SCRAM is empty
            said = Continuation(step) if continues else Command("AUTH", step)
            self._watcher.authenticating(Exchange("AUTH", said, 0.0))
            shown = [] if continues else shown[:2]
        if shown:
            self._watcher.noted("own-command", " ".join(shown), b"")

    def awaited(self, limits: Limits) -> tuple[str, float]:
        """Return what upstream owes where the client waits unasked, and how long that may take."""
        if self._logging_in:
            return "AUTH", limits.reply_timeout
        return "CONNECT", limits.greeting_timeout

    def greeted(self, hello: Reply, extended: bool) -> None:
        """Upstream has answered the client's EHLO, or HELO: log in, where that is due."""
        tls = self._tls
        if self._deputy is not None:
            aside = self._deputy.aside(
                hello, extended, tls.upstream, tls.mirrors and not tls.client
            )
            self._logging_in = aside is not None
            if aside is not None:
                self._begin(aside)

    def needs_login(self) -> None:
        """The client sends mail, or would log in: say why the proxy has not even tried to."""
        if self._deputy is not None and (why := self._deputy.why_not()):
            self._watcher.noted("not-logged-in", why, b"")

    def depart(self, history: list[Said]) -> None:
        """The cassette does not go on: bring upstream to the same place, and ask it."""
        self._watcher.noted("departed", "", b"")
        self._out.actions.append(Connect())
        self._departing = True
        self._ask_for_what_is_owed()
        self._unshown = frozenset(
            said.command.wire for said in history if isinstance(said.command, Continuation)
        )
        again = self._retelling.departs(history)
        self._begin(catching_up(again, self._introduction, self._watcher.caught_up))

    def _ask_again(self) -> None:
        """Let upstream have what the cassette did not answer."""
        if self._ending.left:
            return
        waiting = [
            self._retelling.again(one, one.command)
            for one in self._answers.queue
            if one.command and one.forwarded
        ]
        if waiting:
            self._out.actions.append(Send(_UPSTREAM, b"".join(waiting)))

    # STARTTLS.

    def expects_tls(self) -> bool:
        """A client asks for TLS: unless it, or upstream, said what it may not say by now, wait."""
        if self._client.pending:
            self.injected("client", self._client.rest())
        elif self._answers.queue.early:
            self.injected("upstream", b"")  # the client has heard the reply already
        else:
            self._tls.waiting = True
        return self._tls.waiting

    def withheld(self) -> None:
        """The client sent something, perhaps a part of a handshake: nobody reads it."""
        if octets := self._tls.instead():
            self._watcher.noted("tls-withheld", "plain-text", octets)
            self._out.actions.append(Send(_CLIENT, octets))

    def injected(self, who: str, octets: bytes) -> None:
        """Octets came in plain text where TLS is to begin: the session ends."""
        self._tls.waiting = False
        self._watcher.noted(INJECTION, who, octets[:_SHOWN])
        self._ways.give_up(INJECTION)

    def goes_ahead(self, exchange: Exchange) -> bool:
        """Begin TLS with upstream, if this is its 220 and the client's leg is to follow."""
        decision, said = exchange.decision, exchange.said
        if not self._tls.mirrors or not exchange.forwarded or said is None or said.code != READY:
            return False
        if decision is not None and decision.answers and decision.code != READY:
            return False
        self._begin_upstream()
        return True

    def _begin_upstream(self) -> None:
        """Begin TLS with upstream, which has said 220 and may say no more."""
        if self._server.pending:
            self.injected("upstream", self._server.rest())
            return
        self._tls.beginning = _UPSTREAM
        self._out.actions.append(StartTls(_UPSTREAM))

    def secured(self, side: Side, facts: TlsFacts | None) -> None:
        """A leg is encrypted; of an upstream in this process there are no facts."""
        if facts is not None:
            self._watcher.secured(SIDE_NAMES[side], facts)
        awaited = self._tls.stands(side)
        if side is _CLIENT:
            self._state.secure = True
            if awaited:
                # RFC 3207 §4.2: what was learned in plain text is forgotten.
                self._client.restart()
                self._state.start_over()
                if self._tls.mirrored:
                    self._forget_login()  # as upstream has
        elif not awaited or self._ending.left:
            return
        elif self.aside is not None:
            self.go_on(None)
        else:
            exchange = self._answers.queue.popleft()
            self._answers.tell(exchange, exchange.said)

    def not_secured(self, side: Side, words: str) -> None:
        """A leg's handshake failed, or its encryption broke."""
        awaited = self._tls.fails(side)
        if not self._ending.how:
            self._watcher.noted("tls-failed", f"{SIDE_NAMES[side]}: {words}", b"")
        if not awaited or self._ending.left:
            return
        if side is _CLIENT:
            self._out.end(self._ending.leave("tls-failed", [Reset(_CLIENT)]))
        elif words == NOT_TLS:
            self.injected("upstream", b"")
        elif self.aside is not None:
            self._ways.give_up("tls-failed")
        else:
            self._stay_in_plain_text()

    def _stay_in_plain_text(self) -> None:
        """The client's leg stays as it was, and upstream is asked anew."""
        exchange, state = self._answers.queue.popleft(), self._state
        if state.has_envelope:
            state.observe("RSET", None, 250)  # it was that other connection's
        answer_here(exchange, UNAVAILABLE)
        exchange.forwarded = True  # it was, and upstream has said 220
        self._answers.tell(exchange, None)
        hello = b"%s %s\r\n" % (
            b"LHLO" if state.lmtp else b"EHLO",
            self._retelling.name(state.helo),
        )
        self._out.actions += [Reset(_UPSTREAM), Connect()]
        self._forget_login()
        self._begin(self._introduction.again(hello if state.helo else b""))

    def _forget_login(self) -> None:
        self._logging_in = False
        if self._deputy is not None:
            self._deputy.start_over()
