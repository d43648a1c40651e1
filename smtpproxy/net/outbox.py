"""What goes to one side, in order, with backpressure.

Owns a transport's writing half. Octets take the shortest way, straight to the socket, while nothing
is queued anywhere: at once, or all of a turn of the reactor in one go. Whoever feeds this side is
told to stop when the socket takes no more. Where the line is to be slow, all goes by way of that.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.abstract import FileDescriptor
from twisted.internet.interfaces import (
    IPullProducer,
    IPushProducer,
    IReactorTime,
    ISSLTransport,
)
from zope.interface import implementer

from smtpproxy.actions import (
    Action,
    Close,
    HalfClose,
    Later,
    Reset,
    SendFrom,
    Shape,
    StartTls,
    Wait,
)
from smtpproxy.net.shaping import Line
from smtpproxy.net.truncation import close_without_notice
from smtpproxy.net.turn import Turn

#: Octets that may wait in the queue before whoever feeds it is told to stop.
QUEUE_LIMIT = 64 * 1024
#: Pieces that wait for the end of a turn: a server in this process may have one for each of
#: thousands of commands in a segment.
_MOST_GATHERED = 64
#: Octets of a source that are sent in one turn of the reactor.
_PIECE = 64 * 1024


@implementer(IPushProducer, IPullProducer)
class Outbox:
    """The way to one side. `blocked(True)` asks to stop feeding it, `blocked(False)` to go on."""

    __slots__ = (
        "_blocked",
        "_clock",
        "_closing",
        "_encrypted",
        "_full",
        "_gathered",
        "_half_closing",
        "_later",
        "_line",
        "_paused",
        "_queue",
        "_queued",
        "_start_tls",
        "_straight",
        "_timer",
        "_transport",
        "_turn",
        "_writing",
    )

    def __init__(
        self,
        clock: IReactorTime,
        blocked: Callable[[bool], None],
        start_tls: Callable[[Any, StartTls], None],
        turn: Turn | None = None,
        later: Callable[[float], None] = lambda seconds: None,
    ) -> None:
        """`turn`: what is sent in one turn of the reactor goes out at its end; else at once."""
        self._clock = clock
        self._blocked = blocked
        self._start_tls = start_tls  # begins TLS on a transport
        self._turn = turn
        self._gathered: list[bytes] = []  # goes out at the end of the turn
        self._later = later  # is told when a time of so many seconds begins
        self._line: Line | None = None  # a slow one
        self._transport: Any = None
        self._queue: deque[Action | bytearray] = deque()  # octets that wait are one piece
        self._queued = 0  # octets in the queue
        self._timer: Any = None
        self._straight = False
        self._encrypted = False
        self._writing = False  # the transport holds octets that its socket did not take
        self._full = False  # whoever feeds this side was told to stop
        self._paused = False  # by the transport, where it is not written to straight
        self._half_closing = False
        self._closing = False

    @property
    def waits(self) -> bool:
        """Is something held back on purpose?"""
        return self._timer is not None or (self._line is not None and self._line.waits)

    @property
    def shape(self) -> Shape | None:
        """How slow is its line, if it is?"""
        return self._line.shape if self._line is not None else None

    @property
    def seconds_left(self) -> float:
        """How long does its line take for all that is under way?"""
        return self._line.seconds_left if self._line is not None else 0.0

    @property
    def full(self) -> bool:
        """Does its peer not read?"""
        return self._full

    @property
    def over(self) -> bool:
        """Is its transport gone, or going?"""
        return self._closing

    def attach(self, transport: Any, preface: bytes = b"") -> None:
        """Begin to write to a transport: `preface`, then what has waited."""
        self._transport = transport
        # Under TLS a straight write would send plain text; and a TLS transport passes on what it
        # has not itself to the plain one below it, so its class is asked.
        self._encrypted = getattr(transport, "TLS", False) or ISSLTransport.providedBy(transport)
        self._straight = not self._encrypted and hasattr(type(transport), "writeSomeData")
        if not self._straight:
            transport.registerProducer(self, True)
        if preface:
            self._write(preface)
        self._drain()

    def send(self, octets: bytes) -> None:
        """Send octets once all before them are sent."""
        if self._queue or self._timer is not None or self._transport is None:
            self._enqueue_octets(octets)
        elif self._turn is None or self._writing or not self._straight:
            if not self._closing:
                self._write(octets)
        elif not self._closing:
            if not self._gathered:
                self._turn.at_end(self)
            self._gathered.append(octets)
            if len(self._gathered) >= _MOST_GATHERED:
                self.flush()

    def flush(self) -> None:
        """Write what was gathered in this turn."""
        gathered = self._gathered
        if gathered and not self._closing:
            octets = gathered[0] if len(gathered) == 1 else b"".join(gathered)
            gathered.clear()
            self._write(octets)

    def perform(self, action: Action) -> None:
        """Do anything else than to send, once all before it is done."""
        if self._gathered:
            self.flush()
        if self._queue or self._timer is not None or self._transport is None:
            self._enqueue(action)
        elif isinstance(action, SendFrom):
            self._enqueue(action)
            self._drain()
        else:
            self._do(action)

    def detach(self) -> None:
        """The transport is gone."""
        self._closing = True
        self._gathered.clear()
        self._forget_queue()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._line is not None:
            self._line.stop()
        self._set_full(False)

    def _enqueue(self, action: Action) -> None:
        if self._closing:
            return
        if isinstance(action, Reset) and not action.in_turn:
            self._forget_queue()
        self._queue.append(action)

    def _forget_queue(self) -> None:
        for action in self._queue:
            if isinstance(action, SendFrom):
                action.source.close()
        self._queue.clear()

    def _enqueue_octets(self, octets: bytes) -> None:
        if self._closing:
            return
        queue = self._queue
        last = queue[-1] if queue else None
        if isinstance(last, bytearray):
            last += octets
        else:
            queue.append(bytearray(octets))
        self._queued += len(octets)
        if self._queued > QUEUE_LIMIT:
            self._set_full(True)

    def _drain(self) -> None:
        queue = self._queue
        while queue and self._timer is None:
            if isinstance(queue[0], SendFrom) and not self._feed(queue[0]):
                return
            self._do(queue.popleft())
        if not queue:
            self._queued = 0
            if not (self._writing or self._paused or self._crowded):
                self._set_full(False)

    def _do(self, action: Action | bytearray) -> None:
        if self._closing:
            return
        match action:
            case bytearray():
                self._write(bytes(action))
            case Wait(seconds=seconds):
                self._timer = self._clock.callLater(seconds, self._waited)
            case Shape():
                self._shape(action)
            case _ if self._line is not None and action != Reset(action.side):
                self._line.put(action)
            case _:
                self._finish(action)

    def _finish(self, action: Action) -> None:
        """Do what is to be done where all before it has gone to the transport."""
        match action:
            case StartTls():
                self._encrypt(action)
            case Later(seconds=seconds):
                self._later(seconds)
            case HalfClose():
                if not self._half_closing:
                    self._half_closing = True
                    if not self._writing:
                        self._half_close()
            case Close(notify=notify):
                self._close(notify)
            case Reset():
                self._end()
                self._transport.abortConnection()

    def _feed(self, action: SendFrom) -> bool:
        """Send a piece of a source, if there is room; return whether it has come to its end."""
        if self._closing or self._writing or self._paused or self._crowded:
            return self._closing
        try:
            octets = action.source.read(_PIECE)
        except OSError:
            self._end()
            self._transport.abortConnection()
            return False
        if not octets:
            action.source.close()
            return True
        self._write(octets)
        if not (self._writing or self._paused or self._closing or self._crowded):
            self._timer = self._clock.callLater(0, self._waited)  # others have their turn
        return False

    def _end(self) -> None:
        """Send nothing more."""
        self._closing = True
        if self._line is not None:
            self._line.stop()

    def _close(self, notify: bool) -> None:
        self._end()
        if not self._straight:
            self._transport.unregisterProducer()
        if notify or not self._encrypted:
            self._transport.loseConnection()
            if self._encrypted:
                _close_below(self._transport)
        else:
            # Twisted gathers what is small under TLS, and writes it in the course of the reactor's
            # next turn: behind that it has gone.
            self._timer = self._clock.callLater(0, self._close_at_next_turn)

    def _close_at_next_turn(self) -> None:
        self._timer = self._clock.callLater(0, self._close_without_notice)

    def _close_without_notice(self) -> None:
        self._timer = None
        close_without_notice(self._transport)

    def _encrypt(self, action: StartTls) -> None:
        """Begin TLS behind what the transport has of us; from here on nothing goes straight."""
        if self._writing:
            self._transport.unregisterProducer()
        straight, self._straight, self._writing = self._straight, False, False
        self._encrypted = True
        self._start_tls(self._transport, action)
        if straight and not self._closing:
            self._transport.registerProducer(self, True)
        if not (self._queue or self._crowded):
            self._set_full(False)

    def _shape(self, shape: Shape) -> None:
        """Let all that follows go by a slow line; from here on nothing goes straight."""
        if self._half_closing:
            return  # nothing follows
        if self._line is not None:
            self._line.add(shape)
            return
        self._line = Line(self._clock, shape, self._arrived)
        if self._straight:
            if self._writing:
                self._transport.unregisterProducer()
            self._straight = self._writing = False
            self._transport.registerProducer(self, True)
            if not self._queue:
                self._set_full(False)

    def _arrived(self, what: bytes | Action) -> None:
        """A slow line is through with octets, or with all before an action."""
        if self._closing:
            return
        if not isinstance(what, bytes):
            self._finish(what)
        elif not self._half_closing:
            self._transport.write(what)
            self._go_on_feeding()

    @property
    def _crowded(self) -> bool:
        return self._line is not None and self._line.crowded

    def _half_close(self) -> None:
        if self._line is not None:
            self._transport.unregisterProducer()  # Twisted forgets a half-close while there is one
        if not self._encrypted and hasattr(type(self._transport), "loseWriteConnection"):
            self._transport.loseWriteConnection()
        else:
            self._close(True)  # no half-close under TLS

    def _waited(self) -> None:
        self._timer = None
        self._drain()

    def _write(self, octets: bytes) -> None:
        if self._half_closing:
            return  # nobody would hear it
        transport = self._transport
        if not self._straight or self._writing:
            if self._line is None:
                transport.write(octets)
            else:
                self._send_by_line(self._line, octets)
            return
        sent = transport.writeSomeData(octets)
        if sent == len(octets):
            return
        # The socket is full, or lost: the transport takes the rest, and tells when it is through.
        transport.registerProducer(self, False)
        self._writing = True
        self._set_full(True)
        transport.write(octets[sent:] if isinstance(sent, int) else octets)

    def _send_by_line(self, line: Line, octets: bytes) -> None:
        line.send(octets)
        if line.crowded:
            self._set_full(True)

    def _go_on_feeding(self) -> None:
        """There may be room again: for whoever feeds this side, or for a source in the queue."""
        if self._paused or self._crowded:
            return
        if not self._queue:
            self._set_full(False)
        elif isinstance(self._queue[0], SendFrom) and self._timer is None:
            self._drain()

    def _set_full(self, full: bool) -> None:
        if full is not self._full:
            self._full = full
            self._blocked(full)

    # The transport calls these.

    def resumeProducing(self) -> None:
        """The transport has room again."""
        self._paused = False
        if self._straight and not self._writing:
            return  # it calls once when we register
        if self._straight:
            self._writing = False
            self._transport.unregisterProducer()
            if self._half_closing:
                # Twisted forgets a half-close while a producer is registered.
                self._half_close()
        if self._line is not None:
            self._line.resume()
        self._go_on_feeding()

    def pauseProducing(self) -> None:
        """The transport has no more room."""
        self._paused = True
        if self._line is not None:
            self._line.pause()
        self._set_full(True)

    def stopProducing(self) -> None:
        """The transport is gone."""


def _close_below(transport: Any) -> None:
    """Close what is below TLS, once close_notify is sent.

    Twisted waits for the peer's own, which not every peer sends; RFC 8446 §6.1 asks nobody to wait.
    """
    below = getattr(transport, "transport", None)
    if isinstance(transport, FileDescriptor):
        FileDescriptor.loseConnection(transport)
    elif below is not None:
        below.loseConnection()
