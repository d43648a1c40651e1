"""An upstream in this process: a responder where a socket would be. No socket is ever opened."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IConsumer
from zope.interface import implementer

from smtpproxy.actions import Side
from smtpproxy.departure import Remembered
from smtpproxy.net.session import ProxySession, Upstream
from smtpproxy.replay import Replay
from smtpproxy.responder import LocalServer, Responder


class LocalUpstream:
    """Gives each session a responder of its own."""

    def __init__(self, name: str, responder: Callable[[], Responder], clock: Any = None) -> None:
        """`clock`, a reactor: answers come as late as the responder has it."""
        self.name = name
        self._responder = responder
        self._clock = clock

    def connect(self, session: ProxySession) -> None:
        """Connect at once."""
        server = LocalServer(self._responder())
        late = self._clock is not None
        transport = (
            LateTransport(session, server, self._clock) if late else LocalTransport(session, server)
        )
        session.attached(Side.UPSTREAM, transport)
        transport.begin()


class AppendingUpstream:
    """A cassette first, and upstream where that does not go on."""

    def __init__(self, name: str, replay: Callable[[], Replay], upstream: Upstream) -> None:
        self.name = name
        self._replay = replay
        self._upstream = upstream
        self.within = isinstance(upstream, LocalUpstream)  # this process, all of it

    def connect(self, session: ProxySession) -> Callable[[], None] | None:
        """Connect to the cassette at once, or to upstream where the session has departed."""
        if session.departed:
            return self._upstream.connect(session)
        remembered = Remembered(self._replay(), session.relay.may_depart)
        transport = LocalTransport(session, LocalServer(remembered), remembered)
        session.attached(Side.UPSTREAM, transport)
        transport.begin()
        return None


@implementer(IConsumer)
class LocalTransport:
    """What a session takes for the connection to its upstream."""

    def __init__(
        self, session: ProxySession, server: LocalServer, remembered: Remembered | None = None
    ) -> None:
        """`remembered`: the server's responder, where the session may go on without it."""
        self._session = session
        self._server = server
        self._remembered = remembered
        self._paused = False
        self._waiting: list[bytes] = []  # sent to the server, not read by it yet
        self._producer: Any = None
        self._over = False

    def begin(self) -> None:
        """Let the server greet."""
        self._speak(self._server.connected())

    def write(self, octets: bytes) -> None:
        """Take octets for the server."""
        if self._paused:
            self._waiting.append(octets)
            if self._producer is not None:
                self._producer.pauseProducing()
        elif not self._over:
            self._speak(self._server.receive(octets))

    def pauseProducing(self) -> None:
        """The server is to say no more for now, so it reads no more."""
        self._paused = True

    def resumeProducing(self) -> None:
        """The server may go on."""
        self._paused = False
        waiting, self._waiting = self._waiting, []
        for octets in waiting:
            self.write(octets)
        if not self._paused and self._producer is not None:
            self._producer.resumeProducing()

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        """Know who writes."""
        self._producer = producer

    def unregisterProducer(self) -> None:
        """Know nobody who writes."""
        self._producer = None

    def startTLS(self, context: Any, normal: bool = True) -> bool:
        """Begin anew as behind a handshake. Within this process there is nothing to encrypt."""
        if not self._over:
            self._server.secured()
            self._session.secured(Side.UPSTREAM, self)
        return True

    def loseWriteConnection(self) -> None:
        """The client's side has ended: a server that reads commands closes then."""
        self.loseConnection()

    def loseConnection(self) -> None:
        """The connection ends."""
        self._end()

    def abortConnection(self) -> None:
        """The connection ends."""
        self._end()

    def _speak(self, octets: bytes) -> None:
        if octets:
            self._session.upstream_received(octets)
        if self._remembered is not None and self._remembered.departed and not self._over:
            self._over = True
            self._server.gone()
            self._session.depart(self._remembered.history())
        elif self._server.closed:
            self._end()

    def _end(self) -> None:
        if not self._over:
            self._over = True
            self._server.gone()
            self._session.lost(Side.UPSTREAM, clean=True, already_told=False)


def grows(upstream: Upstream) -> bool:
    """Is it a cassette that a real upstream is asked behind?"""
    return isinstance(upstream, AppendingUpstream)


def is_within(upstream: Upstream) -> bool:
    """Is it in this process?"""
    growing = isinstance(upstream, AppendingUpstream) and upstream.within
    return growing or isinstance(upstream, LocalUpstream)


class LateTransport(LocalTransport):
    """Lets a server say everything when it is due, in order; its end waits for its last words."""

    def __init__(self, session: ProxySession, server: LocalServer, clock: Any) -> None:
        super().__init__(session, server)
        self._spoken: list[tuple[float, bytes]] = []
        server.spoken = self._spoken
        self._clock = clock
        self._due = 0.0  # when the last of what waits is due
        self._late: deque[tuple[float, bytes]] = deque()
        self._timer: Any = None
        self._ending = False

    def resumeProducing(self) -> None:
        """The server may go on: first with what was due meanwhile."""
        super().resumeProducing()
        self._deliver()

    def loseWriteConnection(self) -> None:
        """The client's side has ended: what it asked for is still answered."""
        self._ending = True
        self._deliver()

    def _speak(self, octets: bytes) -> None:
        now = self._clock.seconds()
        for wait, answer in self._spoken:
            self._due = max(self._due, now + wait)
            self._late.append((self._due, answer))
        self._spoken.clear()
        self._deliver()

    def _deliver(self) -> None:
        """Say what is due, and wait for the rest."""
        now = self._clock.seconds()
        while self._late and not self._paused and not self._over:
            due, answer = self._late[0]
            if due > now:
                self._wake(due - now)
                return
            self._late.popleft()
            if answer:
                self._session.upstream_received(answer)
        over = self._server.closed or (self._ending and not self._waiting)
        if over and not self._late:
            self._end()

    def _wake(self, seconds: float) -> None:
        if self._timer is None:
            self._timer = self._clock.callLater(seconds, self._woken)

    def _woken(self) -> None:
        self._timer = None
        self._deliver()

    def _end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._late.clear()
        super()._end()
