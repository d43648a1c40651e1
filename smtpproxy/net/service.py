"""The proxy as a Twisted service: it listens, drains and ends, and says how the run fared."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from twisted.application.service import Service
from twisted.internet import error
from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.internet.interfaces import IOpenSSLServerConnectionCreator
from twisted.internet.protocol import Factory

from smtpproxy.console import FOUND, UNABLE, say
from smtpproxy.net.clientleg import Begin, ClientLeg
from smtpproxy.net.door import Door
from smtpproxy.net.endpoints import PROXIED, SECURE
from smtpproxy.net.newfile import write_text
from smtpproxy.net.places import place_of
from smtpproxy.net.proxiedleg import ProxiedLeg
from smtpproxy.net.secureleg import SecureFactory, SecureLeg
from smtpproxy.net.session import ProxySession
from smtpproxy.net.signals import on_signals
from smtpproxy.net.waitingleg import WaitingLeg
from smtpproxy.place import Ends
from smtpproxy.refusals import TOO_MANY
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from smtpproxy.smtp.state import Phase

_LOOK = 1.0  # seconds between looks at who is late
_GRACE = 2.0  # seconds that a told session has to go

#: Returns what begins TLS with a client.
BeginTls = Callable[[], IOpenSSLServerConnectionCreator]
MakeSession = Callable[[Ends, Callable[[ProxySession], None]], ProxySession]


class ProxyService(Service):
    """Takes connections and makes sessions of them.

    `status` is what the process should end with: 0, 1 (something was found) or 2 (it could not
    start). `finishing` are called at the end, in order; then, if it could start, `reporting`.
    """

    def __init__(
        self,
        reactor: Any,
        listen: list[str],
        make_session: MakeSession,
        drain: float = 5.0,
        ready_file: Path | None = None,
        max_connections: int = 10_000,
        begin_tls: BeginTls | None = None,
        handshake_seconds: float = DEFAULT_LIMITS.handshake_timeout,
    ) -> None:
        self._reactor = reactor
        self._listen = listen
        self._make_session = make_session
        self._drain = drain
        self._ready_file = ready_file
        self._max_connections = max_connections
        self._doors: list[Door] = []
        self._sessions: set[ProxySession] = set()
        self._looking: Any = None
        self._begin_tls = begin_tls
        self._handshake_seconds = handshake_seconds
        self._waiting: set[WaitingLeg] = set()  # for what says who they are, or for a handshake
        self._told_of_tls: set[str] = set()
        self._told_of_refusal = False
        self._empty: Deferred[None] | None = None
        self._stopping: Deferred[None] | None = None
        self.status = 0
        self.finishing: list[Callable[[], None]] = []
        self.reporting: list[Callable[[], None]] = []
        self.signals: dict[str, Callable[[], Any]] = {}
        self.listening: Deferred[list[str]] = Deferred()  # fires with each HOST:PORT

    def startService(self) -> None:
        """Listen as soon as the reactor runs: its own signal handlers are in place by then."""
        super().startService()  # type: ignore[no-untyped-call]
        self._reactor.callWhenRunning(self._begin)

    def stopService(self) -> Deferred[None]:
        """Stop listening, drain, and finish."""
        super().stopService()  # type: ignore[no-untyped-call]
        return self.stop()

    def found(self, problem: str) -> None:
        """Say that something is not as it should be; the run ends with status 1."""
        self.status = self.status or FOUND
        say(f"smtpproxy: {problem}")

    def stop(self) -> Deferred[None]:
        """Stop listening, let transactions finish, tell the rest, and finish every file."""
        if self._stopping is None:
            self._stopping = Deferred()
            closed = [door.stop() for door in self._doors]
            for leg in list(self._waiting):
                leg.abort()
            DeferredList(closed).addCallback(lambda _: self._drained())
        elif self._empty is not None:
            self._shut_down()  # asked twice: no more patience
        return self._stopping

    def end(self) -> None:
        """Stop, and then let the reactor stop."""
        self.stop().addCallback(lambda _: self._stop_reactor())

    def _stop_reactor(self) -> None:
        with contextlib.suppress(error.ReactorNotRunning):
            self._reactor.stop()

    def _begin(self) -> None:
        on_signals(self._reactor, {"SIGTERM": self.end, "SIGINT": self.end, **self.signals})
        if self._ready_file is not None:
            self._ready_file.unlink(missing_ok=True)  # it would tell of an earlier run
        opening = [self._open(where) for where in self._listen]
        DeferredList(opening, consumeErrors=True).addCallback(self._listens)

    def _open(self, where: str) -> Deferred[Any]:
        plain = where.removeprefix(PROXIED).removeprefix(SECURE)
        door = Door(self._reactor, plain, self.found)
        return door.open(self._factory(where, partial(self._came_in, door)))

    def _factory(self, where: str, begin: Begin) -> Factory[Any]:
        if where.startswith(PROXIED):
            return _ClientFactory(partial(self._proxied_leg, begin))
        if where.startswith(SECURE) and self._begin_tls is not None:
            legs = _ClientFactory(partial(self._secure_leg, begin))
            return SecureFactory(self._begin_tls(), False, legs, self._reactor)
        return _ClientFactory(partial(ClientLeg, begin))

    def _listens(self, outcomes: list[tuple[bool, Any]]) -> None:
        self._doors = [door for listening, door in outcomes if listening]
        failures = [failure for listening, failure in outcomes if not listening]
        if failures:
            self._unable(f"can't listen on {_why(failures[0].value)}")
            return
        places = [str(place_of(door.address)) for door in self._doors]
        try:
            if self._ready_file is not None:
                write_text(self._ready_file, "".join(f"{place}\n" for place in places))
        except OSError as problem:
            self._unable(f"can't write {self._ready_file}: {problem.strerror}")
            return
        for place in places:
            say(f"listening on {place}")
        self.listening.callback(places)

    def _unable(self, problem: str) -> None:
        self.status = UNABLE
        say(f"smtpproxy: {problem}")
        self.end()

    # Sessions.

    def _came_in(self, door: Door, ends: Ends) -> ProxySession:
        session = self.client_connected(ends)
        session.refuse = door.close_for
        return session

    def _proxied_leg(self, begin: Begin) -> ClientLeg | None:
        if len(self._waiting) >= self._max_connections:
            return None  # nobody is known to whom it could be said
        return ProxiedLeg(begin, self._reactor, self._waiting, self._refused)

    def _refused(self, why: str) -> None:
        """Say it once: who is misconfigured says it of every connection."""
        if not self._told_of_refusal:
            self._told_of_refusal = True
            say(f"smtpproxy: {why}, which every connection to a haproxy: place begins with")

    def _secure_leg(self, begin: Begin) -> ClientLeg | None:
        if len(self._waiting) >= self._max_connections:
            return None
        return SecureLeg(
            *(begin, self._reactor, self._waiting),
            *(self._not_secured, self._handshake_seconds),
        )

    def _not_secured(self, who: str, why: str) -> None:
        """Say each reason once: who does not trust our certificate tries again and again."""
        if why not in self._told_of_tls:
            self._told_of_tls.add(why)
            say(f"smtpproxy: no TLS with {who}: {why}")

    def client_connected(self, ends: Ends) -> ProxySession:
        """Return a new session, which ends at once where there are too many."""
        session = self._make_session(ends, self._session_gone)
        if len(self._sessions) + len(self._waiting) >= self._max_connections:
            session.refusal = TOO_MANY
            self._reactor.callLater(_GRACE, session.abort)
        self._sessions.add(session)
        if self._looking is None:
            self._looking = self._reactor.callLater(_LOOK, self._look)
        return session

    def each(self, told: Callable[[ProxySession], None]) -> None:
        """Tell every session that goes on."""
        for session in list(self._sessions):
            told(session)

    def _look(self) -> None:
        """See who has taken too long. One timer for all sessions costs each of them nothing."""
        self._looking = None
        now = self._reactor.seconds()
        for session in list(self._sessions):
            session.look(now)
        if self._sessions:
            self._looking = self._reactor.callLater(_LOOK, self._look)

    def _session_gone(self, session: ProxySession) -> None:
        self._sessions.discard(session)
        if not self._sessions and self._empty is not None:
            empty, self._empty = self._empty, None
            empty.callback(None)

    def _drained(self) -> None:
        """Listening is over: wait for open transactions, and no longer than allowed."""
        waiting: Deferred[None] = succeed(None)
        if self._sessions:
            waiting = self._empty = Deferred()
            for session in list(self._sessions):
                if not _in_transaction(session):
                    session.shut_down("shutdown")
            if busy := sum(map(_in_transaction, self._sessions)):
                say(f"stopping: {busy} open transactions get {self._drain:g} s; again to stop now")
            timers = [
                self._reactor.callLater(self._drain, self._shut_down),
                self._reactor.callLater(self._drain + _GRACE, self._abort),
            ]
            waiting.addCallback(lambda _: _cancel(timers))
        waiting.addCallback(lambda _: self._finish())

    def _shut_down(self) -> None:
        for session in list(self._sessions):
            session.shut_down("shutdown")

    def _abort(self) -> None:
        for session in list(self._sessions):
            session.abort()

    def _finish(self) -> None:
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        for finish in self.finishing:
            finish()
        if self.status != UNABLE:
            for report in self.reporting:
                report()
        if self._stopping is not None:
            self._stopping.callback(None)


class _ClientFactory(Factory):
    """Makes a leg for each connection."""

    noisy = False

    def __init__(self, make_leg: Callable[[], ClientLeg | None]) -> None:
        self._make_leg = make_leg

    def buildProtocol(self, addr: Any) -> ClientLeg | None:
        """Return a leg that will ask for a session; None: the connection is closed."""
        return self._make_leg()


def _in_transaction(session: ProxySession) -> bool:
    relay = session.relay
    return relay.waiting or relay.state.phase in (
        Phase.MAIL,
        Phase.RCPT,
        Phase.DATA,
        Phase.OPAQUE,
    )


def _cancel(timers: list[Any]) -> None:
    for timer in timers:
        if timer.active():
            timer.cancel()


def _why(cause: Any) -> str:
    """Return where it was not possible to listen, and why."""
    if isinstance(cause, error.CannotListenError):
        problem = cause.socketError
        reason = getattr(problem, "strerror", None) or problem
        return f"{cause.interface or '*'}:{cause.port}: {str(reason).lower()}"
    return str(cause)
