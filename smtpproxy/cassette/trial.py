"""Recorded clients before other rules: what each would have heard, without a socket or a wait.

Owns what the shell would do, and whose turn it is; what a client does that hears something else is
the affair of `reacting`. Commands are sent one by one, pipelined as they may have been. Does no
I/O; time is a number that goes on as it was recorded, and by each delay.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from smtpproxy.actions import (
    Action,
    Close,
    Connect,
    HalfClose,
    Refuse,
    Reset,
    Send,
    Side,
    StartTls,
    Wait,
)
from smtpproxy.cassette.asrecorded import AsRecorded
from smtpproxy.cassette.matching import STARTTLS, begins_tls
from smtpproxy.cassette.model import STRAY, UNSOLICITED, Kept, Recorded, RecordedSession
from smtpproxy.cassette.playable import ends_mail_data
from smtpproxy.cassette.reacting import RecordedClient
from smtpproxy.encryption import MIRROR, Encryption
from smtpproxy.exchange import RULE, Exchange
from smtpproxy.relay import Relay
from smtpproxy.responder import LocalServer
from smtpproxy.rules.model import RuleBook
from smtpproxy.rules.run import Run, Visit
from smtpproxy.smtp.facts import Chunk, MailData, is_last_chunk
from smtpproxy.smtp.limits import Limits
from smtpproxy.smtp.maildata import FINAL_DOT, EndFinder
from smtpproxy.tlsfacts import TlsFacts

#: Gives the octets of kept mail data as they are on the wire, without the final dot.
OnTheWire = Callable[[Kept], bytes]

TWO_MESSAGES: Final = "the message has a final dot within, and can't be played"
_RESET: Final = Recorded("RSET", b"RSET\r\n", said=(b"250 2.0.0 Ok\r\n",))
#: Where a client is whose address was not recorded: on the proxy's own machine.
_HERE: Final = "127.0.0.1"
#: What was recorded was within its limits.
_NO_LIMITS: Final = Limits(*(1 << 40,) * len(Limits._fields))


class Clock:
    """The time of a trial, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0

    def seconds(self) -> float:
        """Return the time."""
        return self.now


class Tried(NamedTuple):
    """One exchange, as the client heard it in a trial."""

    one: Recorded
    heard: bytes  # what was sent to the client
    rules: tuple[str, ...] = ()  # that had their way
    delay: float = 0.0  # seconds that its reply was held back by rules
    closed: str = ""  # how the client's connection was ended by the proxy, if it was
    notes: tuple[str, ...] = ()  # what is odd, or what the client does next
    added: bool = False  # it was not recorded

    @property
    def changed(self) -> bool:
        """Did the client hear something else than it did?"""
        return self.added or self.heard != (self.one.heard or b"")


@dataclass(slots=True)
class TriedSession:
    """One session, as it was tried."""

    label: str
    exchanges: list[Tried] = field(default_factory=list)
    left_out: int = 0  # exchanges that the client would not have come to
    fired: dict[str, int] = field(default_factory=dict)  # how often each rule had its way


class _Witness:
    """Sees each exchange once the client has heard of it."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []

    def exchanged(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)

    def caught_up(self, exchange: Exchange) -> None: ...
    def authenticating(self, exchange: Exchange) -> None: ...
    def mail_data(self, fact: MailData | Chunk) -> None: ...
    def noted(self, fact: str, detail: str, octets: bytes) -> None: ...
    def secured(self, side: str, facts: TlsFacts) -> None: ...
    def ended(self, how: str) -> None: ...


class Trial:
    """One recorded session before these rules."""

    def __init__(
        self,
        session: RecordedSession,
        rules: RuleBook,
        on_the_wire: OnTheWire,
        clock: Clock,
        run: Run | None = None,
        number: int = 1,
    ) -> None:
        """`run`: what the rules of all sessions share; `number`: of this session in it, from 1."""
        self._session = session
        self._on_the_wire = on_the_wire
        self._clock = clock
        self._witness = _Witness()
        self._upstream = AsRecorded()
        self._server = LocalServer(self._upstream)
        self._relay = Relay(
            self._witness,
            clock.seconds,
            rules,
            limits=_NO_LIMITS,
            tls=Encryption(MIRROR, within=True),
            visit=Visit(session.client or _HERE, number, run or Run()),
        )
        self._todo: deque[Action] = deque()
        self._reached = True  # upstream, from the greeting on
        self._heard = b""
        self._delay = 0.0
        self._closed = ""
        self._odd: list[str] = []
        self._client = RecordedClient(session.followed)
        self.tried = TriedSession(session.label)

    def play(self) -> TriedSession:
        """Play the client's part to its end."""
        if self._is_encrypted_at_once():
            self._go_on(self._relay.secured(Side.CLIENT, None))
        dialogue = [one for one in self._session.dialogue if one.stage not in (UNSOLICITED, STRAY)]
        first = dialogue.pop(0) if dialogue and dialogue[0].stage == "CONNECT" else None
        times = deque(self._session.timing_ms)
        self._upstream.turn_to(first or Recorded("CONNECT"))
        self._go_on(self._relay.connected())
        self._pass_time(times)
        if first is not None:
            self._told(first)
        self._heard = b""
        for one in dialogue:
            self._pass_time(times)
            self._turn(one)
        self._end()
        return self.tried

    def _is_encrypted_at_once(self) -> bool:
        leg = self._session.tls.get("client")
        asked = any(begins_tls(one.stage, one.heard) for one in self._session.dialogue)
        return leg is not None and not leg.failed and not asked

    def _pass_time(self, times: deque[int]) -> None:
        self._clock.now += (times.popleft() if times else 0) / 1000

    def _turn(self, one: Recorded) -> None:
        """Let the client come to an exchange, if it does."""
        client = self._client
        if not client.comes_to(one):
            self.tried.left_out += 1
        elif why := client.objection(one):
            self.tried.left_out += 1
            self._note(why)
            if one.stage != STARTTLS:
                client.skipping = not ends_mail_data(one)
                self._take_back()
        elif (octets := self._octets(one)) is None:
            self.tried.left_out += 1
            self._note(TWO_MESSAGES)
            client.over = True
        else:
            self._send(one, octets)

    def _note(self, note: str) -> None:
        """Add a note to the last exchange."""
        exchanges = self.tried.exchanges
        if note and exchanges:
            exchanges[-1] = exchanges[-1]._replace(notes=(*exchanges[-1].notes, note))

    def _take_back(self) -> None:
        """Take back what upstream has of a message that is given up."""
        self._upstream.turn_to(_RESET)
        self._go_on(self._relay.client_received(_RESET.sent))
        self._told(_RESET, added=True)

    def _send(self, one: Recorded, octets: bytes) -> None:
        self._upstream.turn_to(one)
        self._go_on(self._relay.client_received(octets))
        self._told(one)
        if self._client.skipping and one.stage in ("DATA", "BDAT"):
            self._take_back()

    def _octets(self, one: Recorded) -> bytes | None:
        """Return what the client sends; None where it would be two messages."""
        octets = self._on_the_wire(one.kept) if one.kept is not None else b""
        if one.stage == "BDAT":
            # By redaction, or by hand, it may have become another size.
            return b"BDAT %d%s\r\n" % (len(octets), b" LAST" * is_last_chunk(one.sent)) + octets
        if one.stage != "END-OF-DATA":
            return one.sent
        octets += FINAL_DOT if octets.endswith(b"\r\n") or not octets else b"\r\n" + FINAL_DOT
        return octets if EndFinder().find(octets) == len(octets) else None

    def _told(self, one: Recorded, added: bool = False) -> None:
        """Take note of what the client heard, and of what it does then."""
        exchanges, self._witness.exchanges = self._witness.exchanges, []
        self.tried.exchanges.append(
            Tried(
                *(one, self._heard, self._had_their_way(exchanges), self._delay, self._closed),
                *(tuple(self._odd), added),
            )
        )
        heard, self._heard, self._delay, self._odd = self._heard, b"", 0.0, []
        self._upstream.passed(one)
        if not added:
            self._note(self._client.hears(one, heard, self._closed))

    def _had_their_way(self, exchanges: Iterable[Exchange]) -> tuple[str, ...]:
        """Return the rules that had their way, and count them."""
        names: dict[str, None] = {}
        for exchange in exchanges:
            decision = exchange.decision
            if decision is None:
                continue
            if exchange.by == RULE and decision.rule:
                names[decision.rule] = None
            for firing in decision.firings:
                if firing.rule:
                    names[firing.rule] = None
                    self.tried.fired[firing.rule] = self.tried.fired.get(firing.rule, 0) + 1
        return tuple(names)

    # What the shell would do.

    def _go_on(self, actions: list[Action]) -> None:
        self._todo.extend(actions)
        while self._todo:
            self._do(self._todo.popleft())

    def _do(self, action: Action) -> None:
        match action:
            case Connect():
                self._say(self._server.connected())
            case Send(Side.CLIENT, octets):
                self._heard += octets if not self._closed else b""
            case Send(Side.UPSTREAM, octets) if self._reached:
                self._say(self._server.receive(octets))
            case Wait(side, seconds):
                self._clock.now += seconds
                self._delay += seconds if side is Side.CLIENT else 0
            case Refuse(seconds=seconds):
                self._odd.append(f"no client can connect for {seconds:g} s")
            case StartTls():
                self._begin_tls(action)
            case Close(Side.CLIENT) | Reset(Side.CLIENT) | HalfClose(Side.CLIENT):
                self._closed = self._closed or _HOW[type(action)]
            case Close() | Reset():
                self._reached = False

    def _say(self, octets: bytes) -> None:
        relay = self._relay
        if octets:
            self._todo.extend(relay.upstream_received(octets))
        if self._server.closed and self._reached:
            self._reached = False
            self._todo.extend(relay.upstream_closed(True))

    def _begin_tls(self, action: StartTls) -> None:
        """TLS begins at once: there is nobody whom anything would have to be hidden from."""
        if action.flaw:
            self._odd.append(f"TLS is spoilt: {action.flaw}")
            self._client.over = True
            return
        if action.side is Side.UPSTREAM:
            self._server.secured()
        self._todo.extend(self._relay.secured(action.side, None))

    def _end(self) -> None:
        """Let both leave."""
        self._go_on(self._relay.client_closed(True))
        if self._reached:
            self._go_on(self._relay.upstream_closed(True))
        self._relay.finished()


_HOW: Final[dict[type, str]] = {
    Close: "the proxy closes",
    Reset: "the proxy resets the connection",
    HalfClose: "the proxy says nothing more",
}
