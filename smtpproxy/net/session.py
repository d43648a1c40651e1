"""One session on real connections: carries out what its relay decides."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from smtpproxy.actions import Action, Close, Connect, Later, Refuse, Reset, Send, Side, StartTls
from smtpproxy.catchup import Said
from smtpproxy.deadlines import FAREWELL, Awaited, Patience
from smtpproxy.net.authority import AuthorityError
from smtpproxy.net.handshake import facts_of
from smtpproxy.net.outbox import Outbox
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.turn import Turn
from smtpproxy.place import UNKNOWN, Ends
from smtpproxy.relay import Relay
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits

_CLIENT, _UPSTREAM = Side.CLIENT, Side.UPSTREAM
_log = Logger()

#: Seconds that a session may live on once one side has ended (RFC 5321 §4.5.3.2.6 gives a server
#: ten minutes for the reply to a final dot), behind what a slow line still has of it.
LINGER = 600.0

#: Octets of upstream that are taken at a time. Each line may be a fact and a thing to do, and a
#: hostile one sends nothing but line endings.
_PIECE = 4 * 1024


class Security(Protocol):
    """What TLS begins with on each leg: what Twisted's `startTLS` takes."""

    def server(self, flaw: str = "") -> Any:
        """Return it for the client's leg."""

    def client(self) -> Any:
        """Return it for upstream's."""


class Upstream(Protocol):
    """Where a session's upstream leg leads."""

    name: str

    def connect(self, session: ProxySession) -> Callable[[], None] | None:
        """Connect, and tell the session how it went. Returns what gives up on it, if anything."""


class _Intake:
    """The reading half of a connection. It is read while there is no reason not to."""

    __slots__ = ("_reasons", "transport")

    def __init__(self) -> None:
        self.transport: Any = None
        self._reasons: set[str] = set()

    def hold(self, reason: str, on: bool) -> None:
        before = bool(self._reasons)
        (self._reasons.add if on else self._reasons.discard)(reason)
        if self.transport is not None and before is not bool(self._reasons):
            (self.transport.resumeProducing if before else self.transport.pauseProducing)()

    def attach(self, transport: Any) -> None:
        self.transport = transport
        if self._reasons:
            transport.pauseProducing()

    def detach(self) -> None:
        self.transport = None


class ProxySession:
    """A client's connection, upstream's, and the relay between them."""

    def __init__(
        self,
        relay: Relay,
        upstream: Upstream,
        clock: IReactorTime,
        gone: Callable[[ProxySession], None],
        ends: Ends = UNKNOWN,
        limits: Limits = DEFAULT_LIMITS,
        security: Security | None = None,
        turn: Turn | None = None,
    ) -> None:
        self.relay = relay
        self._limits = limits
        self._security = security
        self.ends = ends  # of the client's connection
        self.departed = False  # from a cassette, to upstream
        self.refusal = ""  # why the client is told to go instead of being greeted
        self.refuse: Callable[[float], None] = lambda seconds: None  # lets nobody connect for long
        self._upstream = upstream
        self._clock = clock
        self._gone = gone
        self._client_in = _Intake()
        self._upstream_in = _Intake()
        self._turn = turn
        self._to_client = self._outbox(self._client_blocked)
        self._to_upstream = self._outbox(self._upstream_blocked)
        self._connecting = False
        self._cancel: Callable[[], None] | None = None
        self._open: set[Side] = set()
        self._todo: deque[Action] = deque()
        self._busy = False
        self._crowded = False
        self._linger: Any = None
        self._idling: Any = None
        self._finished = False
        self._patience = Patience()

    def look(self, now: float) -> None:
        """See whether somebody has taken too long (RFC 5321 §4.5.3.2)."""
        relay = self.relay
        if self._to_client.waits or self._to_upstream.waits:
            self._patience.suspend(now)
            return
        awaited = relay.awaited()
        if relay.left:
            awaited = Awaited("client", "closing", FAREWELL)
        elif self._to_client.full and not relay.shakes_hands:
            awaited = Awaited("client", "reading", self._limits.idle_timeout)
        elif self._to_upstream.full:
            awaited = Awaited("upstream", "reading", self._limits.block_timeout)
        if not self._patience.overdue(relay.progress, awaited, now):
            return
        if relay.left:
            self.abort()
        else:
            self._perform(relay.late(awaited))
            self._patience.suspend(now)

    def reader(self, side: Side) -> Callable[[bytes], None]:
        """Return what takes the octets of a side."""
        return self.client_received if side is Side.CLIENT else self.upstream_received

    def attached(self, side: Side, transport: Any, preface: bytes = b"") -> None:
        """A side's connection stands; what goes to upstream goes behind `preface`."""
        if self._finished:
            transport.abortConnection()
            return
        self._open.add(side)
        set_nodelay = getattr(transport, "setTcpNoDelay", None)
        if set_nodelay is not None:
            set_nodelay(True)
        if side is Side.CLIENT:
            self._client_in.attach(transport)
            self._to_client.attach(transport)
            relay = self.relay
            try:
                self._perform(relay.shut_down(self.refusal) if self.refusal else relay.connected())
            except Exception:
                # Twisted would log it, and leave the connection open for ever.
                _log.failure("a session could not begin")
                self.abort()
        else:
            self._connecting = False
            self._upstream_in.attach(transport)
            self._to_upstream.attach(transport, preface)

    def client_received(self, octets: bytes) -> None:
        """The client sent octets."""
        self._perform(self.relay.client_received(octets))
        if self.relay.crowded is not self._crowded:
            self._crowd()

    def upstream_received(self, octets: bytes) -> None:
        """Upstream sent octets."""
        relay = self.relay
        if len(octets) <= _PIECE:
            self._perform(relay.upstream_received(octets))
        else:
            for at in range(0, len(octets), _PIECE):
                self._perform(relay.upstream_received(octets[at : at + _PIECE]))
        if self.relay.crowded is not self._crowded:
            self._crowd()

    def upstream_failed(self, reason: str) -> None:
        """Upstream can't be reached."""
        self._connecting = False
        self._perform(self.relay.upstream_failed(reason))
        self._finish_if_over()

    def depart(self, history: list[Said]) -> None:
        """The cassette has no more to say: upstream itself is connected to."""
        self.departed = True
        self._detach(Side.UPSTREAM)
        self._perform(self.relay.depart(history))

    def until_handshake(self, give_up: Callable[[], None]) -> Any:
        """Return the timer that gives up on a handshake, or None where it may take for ever."""
        seconds = self._limits.handshake_timeout
        return self._clock.callLater(seconds, give_up) if seconds else None

    def secured(self, side: Side, transport: Any) -> None:
        """A side's connection is encrypted; its transport tells how."""
        encrypted = hasattr(transport, "getPeerCertificate")  # not one within this process
        self._perform(self.relay.secured(side, facts_of(transport) if encrypted else None))

    def not_secured(self, side: Side, words: str) -> None:
        """A side's handshake failed, and with it its connection."""
        self._detach(side)
        if not self._finished:
            self._perform(self.relay.not_secured(side, words))
            if self.relay.left:
                self._end_in_time()
        self._finish_if_over()

    def peer_ended(self, side: Side, clean: bool) -> None:
        """A peer will send nothing more."""
        relay = self.relay
        if side is _CLIENT or not relay.withheld:
            self._end_in_time()
        closed = relay.client_closed if side is Side.CLIENT else relay.upstream_closed
        self._perform(closed(clean))

    def lost(self, side: Side, clean: bool, already_told: bool, words: str = "") -> None:
        """A side's connection is gone; `words` say how its encryption broke, if it did."""
        ours = (self._to_client if side is _CLIENT else self._to_upstream).over
        self._detach(side)
        if words and not ours:
            self.relay.not_secured(side, words)
        if not already_told and not self._finished:
            self.peer_ended(side, clean)
        self._finish_if_over()

    def _detach(self, side: Side) -> None:
        self._open.discard(side)
        if side is Side.CLIENT:
            self._end_idling()
            self._to_client.detach()
            self._client_in.detach()
            self._give_up()
        else:
            self._to_upstream.detach()
            self._upstream_in.detach()

    def shut_down(self, reason: str) -> None:
        """Tell the client that the proxy ends this session, and close."""
        self._perform(self.relay.shut_down(reason))

    def abort(self) -> None:
        """End it now."""
        for intake in (self._client_in, self._upstream_in):
            if intake.transport is not None:
                intake.transport.abortConnection()

    def _perform(self, actions: list[Action]) -> None:
        """Carry actions out in order, also where one of them makes more."""
        if self._busy:
            self._todo.extend(actions)
            return
        self._busy = True
        todo = self._todo
        try:
            for action in actions:
                self._do(action)
            while todo:
                self._do(todo.popleft())
        finally:
            self._busy = False

    def _do(self, action: Action) -> None:
        if type(action) is Send:
            (self._to_client if action.side is _CLIENT else self._to_upstream).send(action.octets)
        elif isinstance(action, Connect):
            self._connect()
        else:
            self._do_rarely(action)

    def _connect(self) -> None:
        if self._to_upstream.over:  # there was another connection before
            shape = self._to_upstream.shape
            self._to_upstream = self._outbox(self._upstream_blocked)
            if shape is not None:
                self._to_upstream.perform(shape)
        self._connecting = True
        self._cancel = self._upstream.connect(self)

    def _outbox(self, blocked: Callable[[bool], None]) -> Outbox:
        return Outbox(self._clock, blocked, self._start_tls, self._turn, self._begin_idling)

    def _start_tls(self, transport: Any, action: StartTls) -> None:
        """Begin TLS on one leg. What can't be had was refused before, but for a flaw's part."""
        security = self._security
        if security is None:
            transport.abortConnection()
        elif action.side is _UPSTREAM:
            transport.startTLS(security.client())
        else:
            try:
                creator = security.server(action.flaw)
            except (AuthorityError, TlsFileError) as error:
                self._perform(self.relay.not_secured(_CLIENT, str(error)))
                return
            transport.startTLS(creator)

    def _do_rarely(self, action: Any) -> None:
        if isinstance(action, Refuse):
            self.refuse(action.seconds)
            return
        if isinstance(action, Later):
            self._end_idling()  # the time that begins in its turn takes the place of this one
        if action.side is Side.CLIENT:
            self._to_client.perform(action)
            return
        if isinstance(action, Close | Reset):
            self._give_up()
        self._to_upstream.perform(action)

    def _give_up(self) -> None:
        """Upstream is not needed any more, if it is not there yet."""
        if self._connecting and self._cancel is not None:
            self._connecting = False
            self._cancel()

    def _client_blocked(self, blocked: bool) -> None:
        self._upstream_in.hold("the client does not read", blocked)
        # Its commands only make more replies. A handshake, which must be read, is no command.
        self._client_in.hold("it does not read", blocked and not self.relay.shakes_hands)

    def _upstream_blocked(self, blocked: bool) -> None:
        self._client_in.hold("upstream does not read", blocked)

    def _crowd(self) -> None:
        self._crowded = self.relay.crowded
        self._client_in.hold("too much in flight", self._crowded)

    def _begin_idling(self, seconds: float) -> None:
        """The client has heard a reply behind which it may be idle for so long."""
        self._end_idling()
        self._idling = self._clock.callLater(seconds, self._idled)

    def _idled(self) -> None:
        self._idling = None
        self._perform(self.relay.elapsed())

    def _end_idling(self) -> None:
        if self._idling is not None:
            self._idling.cancel()
            self._idling = None

    def _end_in_time(self) -> None:
        if self._linger is None:
            under_way = self._to_client.seconds_left + self._to_upstream.seconds_left
            self._linger = self._clock.callLater(LINGER + under_way, self.abort)

    def _finish_if_over(self) -> None:
        if self._open or self._connecting or self._finished:
            return
        self._finished = True
        if self._linger is not None and self._linger.active():
            self._linger.cancel()
        self.relay.finished()
        self._gone(self)
