"""The way to one side: order, backpressure, straight writes, and how it ends."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from OpenSSL import SSL
from twisted.internet.task import Clock

from smtpproxy.actions import Close, HalfClose, Reset, Send, Shape, Side, StartTls, Wait
from smtpproxy.net.outbox import QUEUE_LIMIT, Outbox
from tests.allocated import memory
from tests.net.transports import Socket, TlsTransport

SIDE = Side.CLIENT


class Feeder:
    """Whoever feeds an outbox, and what it was told."""

    def __init__(self) -> None:
        self.told: list[bool] = []
        self.clock = Clock()
        self.encrypted: list[StartTls] = []
        self.outbox = Outbox(
            self.clock, self.told.append, lambda transport, action: self.encrypted.append(action)
        )

    @property
    def stopped(self) -> bool:
        """Is it to feed nothing for now?"""
        return bool(self.told) and self.told[-1]


@pytest.fixture
def feeder() -> Feeder:
    """An outbox without a transport."""
    return Feeder()


def test_straight_to_a_plain_socket(feeder: Feeder) -> None:
    """With nothing queued, octets go to the socket at once, and the transport holds none."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"250 ok\r\n")
    assert socket.taken == b"250 ok\r\n"
    assert socket.waiting == 0
    assert feeder.told == []


def test_never_straight_under_tls(feeder: Feeder) -> None:
    """Under TLS everything goes by way of `write`, which encrypts."""
    transport = TlsTransport()
    feeder.outbox.attach(transport)
    feeder.outbox.send(b"250 ok\r\n")
    assert transport.sent == b"250 ok\r\n"
    assert transport.producer is feeder.outbox
    assert transport.streaming


def test_a_transport_that_can_not_write_straight_tells_when_it_is_full(feeder: Feeder) -> None:
    """A streaming transport's pause and resume are passed on to whoever feeds it."""
    feeder.outbox.attach(TlsTransport())
    feeder.outbox.pauseProducing()
    assert feeder.stopped
    feeder.outbox.resumeProducing()
    assert not feeder.stopped


def test_what_comes_before_the_transport_is_kept(feeder: Feeder) -> None:
    """What is sent before the connection stands goes out first, in order."""
    feeder.outbox.send(b"EHLO a\r\n")
    feeder.outbox.send(b"MAIL FROM:<a@example.org>\r\n")
    feeder.outbox.perform(HalfClose(SIDE))
    socket = Socket()
    feeder.outbox.attach(socket)
    socket.flow()
    assert socket.taken == b"EHLO a\r\nMAIL FROM:<a@example.org>\r\n"
    assert socket.ended == "half-closed"


@pytest.mark.parametrize("room", [0, 3, 1 << 40])
def test_a_preface_goes_before_what_has_waited(feeder: Feeder, room: int) -> None:
    """What a connection begins with is first also where the socket does not take all of it."""
    feeder.outbox.send(b"EHLO a\r\n")
    socket = Socket(room)
    feeder.outbox.attach(socket, b"PROXY UNKNOWN\r\n")
    feeder.outbox.send(b"NOOP\r\n")
    socket.flow()
    assert socket.taken == b"PROXY UNKNOWN\r\nEHLO a\r\nNOOP\r\n"


@pytest.mark.parametrize("room", [0, 1, 7])
def test_a_short_write_stops_the_feeding_until_drained(feeder: Feeder, room: int) -> None:
    """What the socket did not take follows, and only when all of it is out may feeding go on."""
    socket = Socket(room)
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"250-first\r\n")
    assert feeder.told == [True]
    feeder.outbox.send(b"250 second\r\n")
    socket.flow(3)
    assert feeder.told == [True]
    socket.flow()
    assert socket.taken == b"250-first\r\n250 second\r\n"
    assert feeder.told == [True, False]
    assert socket.producer is None


def test_straight_again_after_a_short_write(feeder: Feeder) -> None:
    """Once drained, the short way is open again."""
    socket = Socket(room=2)
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"first\r\n")
    socket.flow()
    feeder.outbox.send(b"second\r\n")
    assert socket.taken == b"first\r\nsecond\r\n"
    assert socket.waiting == 0


def test_a_lost_connection_is_left_to_the_transport(feeder: Feeder) -> None:
    """A straight write into a lost connection is no error here: the transport will tell."""
    socket = Socket()
    socket.broken = True
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"250 ok\r\n")
    assert feeder.stopped
    socket.flow()
    assert socket.ended == "lost"
    feeder.outbox.detach()
    assert not feeder.stopped


def test_too_much_in_the_queue_stops_the_feeding(feeder: Feeder) -> None:
    """The queue is bounded: beyond its limit nobody feeds it until it is empty again."""
    feeder.outbox.send(bytes(QUEUE_LIMIT))
    assert not feeder.stopped
    feeder.outbox.send(b"x")
    assert feeder.stopped
    feeder.outbox.attach(Socket())
    assert feeder.told == [True, False]


def test_a_queue_into_a_full_socket_keeps_the_feeding_stopped(feeder: Feeder) -> None:
    """An empty queue is not enough where the socket did not take what was in it."""
    feeder.outbox.send(bytes(QUEUE_LIMIT + 1))
    socket = Socket(room=10)
    feeder.outbox.attach(socket)
    assert feeder.stopped
    socket.flow()
    assert feeder.told == [True, False]


def test_a_queue_of_single_octets_takes_their_room_and_little_more(feeder: Feeder) -> None:
    """What waits is one piece, however many pieces it came in: a peer chooses their size."""
    feeder.outbox.perform(Wait(SIDE, 30))

    def act() -> None:
        for _ in range(QUEUE_LIMIT):
            feeder.outbox.send(b"\n")

    assert memory(act) < 4 * QUEUE_LIMIT
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.clock.advance(30)
    assert socket.taken == b"\n" * QUEUE_LIMIT


def test_a_wait_holds_all_that_follows(feeder: Feeder) -> None:
    """A wait delays what comes behind it and nothing that came before, and reorders nothing."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"first\r\n")
    feeder.outbox.perform(Wait(SIDE, 30))
    feeder.outbox.send(b"second\r\n")
    feeder.outbox.perform(Wait(SIDE, 1))
    feeder.outbox.send(b"third\r\n")
    feeder.clock.advance(29.9)
    assert socket.taken == b"first\r\n"
    feeder.clock.advance(0.1)
    assert socket.taken == b"first\r\nsecond\r\n"
    feeder.clock.advance(1)
    assert socket.taken == b"first\r\nsecond\r\nthird\r\n"


@pytest.mark.parametrize("room", [0, 4, 1000])
def test_closing_comes_after_all_that_was_sent(feeder: Feeder, room: int) -> None:
    """A close loses nothing that was sent before it, also where the socket was full."""
    socket = Socket(room)
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"421 4.3.2 closing\r\n")
    feeder.outbox.perform(Close(SIDE))
    feeder.outbox.send(b"too late\r\n")
    socket.flow()
    assert socket.taken == b"421 4.3.2 closing\r\n"
    assert socket.ended == "closed"


def test_closing_under_tls(feeder: Feeder) -> None:
    """A registered producer would keep the connection open: a close takes it away first."""
    transport = TlsTransport()
    feeder.outbox.attach(transport)
    feeder.outbox.send(b"221 bye\r\n")
    feeder.outbox.perform(Close(SIDE))
    assert transport.sent == b"221 bye\r\n"
    assert transport.producer is None
    assert transport.disconnecting


class Alerts:
    """A TLS connection that notes what is taken for exchanged."""

    def __init__(self) -> None:
        self.exchanged: list[int] = []

    def set_shutdown(self, state: int) -> None:
        """OpenSSL: be told what is over."""
        self.exchanged.append(state)


def test_closing_under_tls_without_a_word(feeder: Feeder) -> None:
    """Twisted writes what is small a turn later: only then close_notify is taken for sent."""
    transport, alerts = TlsTransport(), Alerts()
    transport.getHandle = lambda: alerts  # type: ignore[attr-defined]
    feeder.outbox.attach(transport)
    feeder.outbox.send(b"250 ok\r\n")
    feeder.outbox.perform(Close(SIDE, notify=False))
    feeder.outbox.send(b"too late\r\n")
    assert not transport.disconnecting
    feeder.clock.advance(0)
    assert alerts.exchanged == [SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN]
    assert transport.disconnecting
    assert transport.sent == b"250 ok\r\n"


def test_a_connection_that_is_gone_by_then_is_not_closed(feeder: Feeder) -> None:
    """Its peer may be quicker."""
    feeder.outbox.attach(TlsTransport())
    feeder.outbox.perform(Close(SIDE, notify=False))
    feeder.outbox.detach()
    assert feeder.clock.getDelayedCalls() == []


def test_closing_in_plain_text_has_no_word_to_leave_out(feeder: Feeder) -> None:
    """It is a close as ever, at once."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(Close(SIDE, notify=False))
    socket.flow()
    assert socket.ended == "closed"
    assert feeder.clock.getDelayedCalls() == []


@pytest.mark.parametrize("room", [0, 4, 1000])
def test_half_closing_comes_after_all_that_was_sent(feeder: Feeder, room: int) -> None:
    """A half-close is carried out when everything before it is out, also where it had to wait."""
    socket = Socket(room)
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"QUIT\r\n")
    feeder.outbox.perform(HalfClose(SIDE))
    socket.flow()
    assert socket.taken == b"QUIT\r\n"
    assert socket.ended == "half-closed"


def test_no_half_close_under_tls(feeder: Feeder) -> None:
    """TLS has no half-close: the connection is closed instead.

    Twisted does not close it while a producer is registered.
    """
    transport = TlsTransport()
    feeder.outbox.attach(transport)
    feeder.outbox.perform(HalfClose(SIDE))
    assert transport.disconnecting
    assert transport.producer is None
    assert feeder.outbox.over


def test_a_reset_loses_what_was_not_yet_sent(feeder: Feeder) -> None:
    """A reset does not wait for what the socket did not take."""
    socket = Socket(room=3)
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"250 ok\r\n")
    feeder.outbox.perform(Reset(SIDE))
    feeder.outbox.send(b"too late\r\n")
    socket.flow()
    assert socket.taken == b"250"
    assert socket.ended == "aborted"


def test_a_reset_drops_the_queue(feeder: Feeder) -> None:
    """Octets that wait behind a delay are not sent before a reset."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(Wait(SIDE, 5))
    feeder.outbox.send(b"250 ok\r\n")
    feeder.outbox.perform(Reset(SIDE))
    feeder.clock.advance(5)
    assert socket.taken == b""
    assert socket.ended == "aborted"


def test_nothing_is_left_of_a_side_that_is_gone(feeder: Feeder) -> None:
    """When the transport is gone no timer runs, nothing is sent, and feeding may go on."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(Wait(SIDE, 5))
    feeder.outbox.send(bytes(QUEUE_LIMIT + 1))
    assert feeder.stopped
    feeder.outbox.detach()
    assert feeder.told == [True, False]
    assert feeder.clock.getDelayedCalls() == []
    feeder.outbox.send(b"too late\r\n")
    assert socket.taken == b""


OCTETS = st.binary(min_size=1, max_size=40)
STEPS = st.lists(
    st.one_of(
        OCTETS.map(lambda octets: Send(SIDE, octets)),
        st.just(Wait(SIDE, 1)),
        st.sampled_from([Shape(SIDE, 1000), Shape(SIDE, 0, 0.1)]),
        st.integers(0, 60),  # octets that the peer reads
        st.just("a second passes"),
    ),
    max_size=40,
)


@given(STEPS, st.integers(0, 60), st.booleans())
@settings(max_examples=300, deadline=None)
def test_whatever_happens_octets_keep_their_order(
    steps: list[Send | Wait | Shape | int | str], room: int, early: bool
) -> None:
    """Short writes, waits, slow lines and a late transport lose, repeat and reorder nothing."""
    feeder, socket = Feeder(), Socket(room)
    if early:
        feeder.outbox.attach(socket)
    for step in steps:
        if isinstance(step, Send):
            feeder.outbox.send(step.octets)
        elif isinstance(step, Wait | Shape):
            feeder.outbox.perform(step)
        elif isinstance(step, int):
            socket.flow(step)
        else:
            feeder.clock.advance(1)
    if not early:
        feeder.outbox.attach(socket)
    for _ in steps:
        socket.flow()
        feeder.clock.advance(1)
    socket.flow()
    assert socket.taken == b"".join(step.octets for step in steps if isinstance(step, Send))
    assert not feeder.stopped
    assert feeder.told == [True, False] * (len(feeder.told) // 2)


def test_a_transport_that_pauses_while_the_queue_is_drained_stays_paused(feeder: Feeder) -> None:
    """What waited goes out in one piece; the one that feeds goes on once the transport says so."""

    class Full(TlsTransport):
        def write(self, data: bytes) -> None:
            """Take it, and have no more room."""
            super().write(data)  # type: ignore[no-untyped-call]
            feeder.outbox.pauseProducing()

    feeder.outbox.attach(Full())
    feeder.outbox.perform(Wait(SIDE, 1.0))
    feeder.outbox.send(b"250 ok\r\n")
    feeder.clock.advance(1.0)
    assert feeder.stopped
    feeder.outbox.resumeProducing()
    assert not feeder.stopped


def test_tls_begins_behind_what_was_sent(feeder: Feeder) -> None:
    """Also where that had to wait; from then on nothing goes straight."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(Wait(SIDE, 3.0))
    feeder.outbox.send(b"220 Go ahead\r\n")
    feeder.outbox.perform(StartTls(SIDE))
    assert feeder.encrypted == []
    feeder.clock.advance(3)
    assert feeder.encrypted == [StartTls(SIDE)]
    assert socket.taken == b"220 Go ahead\r\n"
    feeder.outbox.send(b"250 secret\r\n")
    assert socket.taken == b"220 Go ahead\r\n"
    assert socket.waiting == len(b"250 secret\r\n")
    assert socket.producer is feeder.outbox


@pytest.mark.parametrize("room", [0, 3])
def test_tls_begins_behind_what_the_socket_did_not_take(feeder: Feeder, room: int) -> None:
    """The transport has the rest of the 220 and sends it first; feeding goes on at once."""
    socket = Socket(room)
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"220 Go ahead\r\n")
    assert feeder.stopped
    feeder.outbox.perform(StartTls(SIDE))
    assert not feeder.stopped
    feeder.outbox.send(b"250 secret\r\n")
    socket.flow()
    assert socket.taken == b"220 Go ahead\r\n250 secret\r\n"


def test_no_half_close_once_tls_has_begun(feeder: Feeder) -> None:
    """The same transport could half-close before."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(StartTls(SIDE))
    feeder.outbox.perform(HalfClose(SIDE))
    socket.flow()
    assert socket.ended == "closed"


# A slow line.

FAR = Shape(SIDE, 0, 0.2)
SLOW = Shape(SIDE, 1000)


def test_all_that_follows_goes_by_a_slow_line(feeder: Feeder) -> None:
    """What went before is not held up, and what is under way is held back on purpose."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"220 before\r\n")
    feeder.outbox.perform(FAR)
    assert not feeder.outbox.waits
    feeder.outbox.send(b"250 behind\r\n")
    assert feeder.outbox.waits
    feeder.clock.advance(0.1875)
    socket.flow()
    assert socket.taken == b"220 before\r\n"
    feeder.clock.advance(0.0125)
    socket.flow()
    assert socket.taken == b"220 before\r\n250 behind\r\n"
    assert not feeder.outbox.waits
    assert feeder.told == []


def test_a_slow_line_goes_on_behind_what_the_socket_did_not_take(feeder: Feeder) -> None:
    """The transport has the rest, and sends it first."""
    socket = Socket(room=3)
    feeder.outbox.attach(socket)
    feeder.outbox.send(b"220 before\r\n")
    feeder.outbox.perform(FAR)
    assert not feeder.stopped
    feeder.outbox.send(b"250 behind\r\n")
    feeder.clock.advance(0.2)
    assert socket.taken == b"220"
    socket.flow()
    assert socket.taken == b"220 before\r\n250 behind\r\n"


def test_a_slow_line_to_a_transport_that_is_not_there_yet(feeder: Feeder) -> None:
    """The preface is none of its business; what has waited is."""
    feeder.outbox.perform(FAR)
    feeder.outbox.send(b"EHLO a\r\n")
    assert feeder.clock.getDelayedCalls() == []
    socket = Socket()
    feeder.outbox.attach(socket, b"PROXY UNKNOWN\r\n")
    socket.flow()
    assert socket.taken == b"PROXY UNKNOWN\r\n"
    feeder.clock.advance(0.2)
    socket.flow()
    assert socket.taken == b"PROXY UNKNOWN\r\nEHLO a\r\n"


def test_a_wait_is_at_the_beginning_of_a_slow_line(feeder: Feeder) -> None:
    """A server that takes its time and is far away is late by both."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(FAR)
    feeder.outbox.perform(Wait(SIDE, 1))
    feeder.outbox.send(b"250 ok\r\n")
    feeder.clock.advance(1)
    feeder.clock.advance(0.1875)
    socket.flow()
    assert socket.taken == b""
    feeder.clock.advance(0.0125)
    socket.flow()
    assert socket.taken == b"250 ok\r\n"


def test_who_feeds_a_slow_line_is_stopped_until_there_is_room(feeder: Feeder) -> None:
    """As with a queue that is too long; half of it must have gone."""
    feeder.outbox.attach(Socket())
    feeder.outbox.perform(Shape(SIDE, QUEUE_LIMIT))
    feeder.outbox.send(bytes(QUEUE_LIMIT + 1))
    assert feeder.told == [True]
    for _ in range(8):
        feeder.clock.advance(0.05)
    assert feeder.told == [True]
    for _ in range(3):
        feeder.clock.advance(0.05)
    assert feeder.told == [True, False]


def test_a_transport_that_is_full_stops_a_slow_line(feeder: Feeder) -> None:
    """That is no waiting on purpose: its peer is late. There is room again when it says so."""
    transport = TlsTransport()
    feeder.outbox.attach(transport)
    feeder.outbox.perform(SLOW)
    feeder.outbox.send(b"250 ok\r\n")
    feeder.outbox.pauseProducing()
    feeder.clock.advance(1)
    assert transport.sent == b""
    assert (feeder.outbox.full, feeder.outbox.waits) == (True, False)
    feeder.outbox.resumeProducing()
    assert not feeder.outbox.full
    feeder.clock.advance(0)
    assert transport.sent == b"250 ok\r\n"


@pytest.mark.parametrize(
    ("end", "how"), [(Close(SIDE), "closed"), (HalfClose(SIDE), "half-closed")]
)
def test_an_end_comes_behind_what_is_under_way(
    feeder: Feeder, end: Close | HalfClose, how: str
) -> None:
    """Nothing of it is lost, and nothing behind it is sent."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(SLOW)
    feeder.outbox.send(bytes(100))
    feeder.outbox.perform(end)
    feeder.outbox.send(b"too late")
    assert not feeder.outbox.over
    feeder.clock.advance(0.05)
    socket.flow()
    assert (socket.taken, socket.ended) == (bytes(50), "")
    feeder.clock.advance(0.05)
    feeder.clock.advance(1)
    socket.flow()
    assert (socket.taken, socket.ended) == (bytes(100), how)
    assert feeder.clock.getDelayedCalls() == []


def test_under_tls_an_end_comes_behind_what_is_under_way(feeder: Feeder) -> None:
    """The same as in plain text, and without a word where it is to be so."""
    transport, alerts = TlsTransport(), Alerts()
    transport.getHandle = lambda: alerts  # type: ignore[attr-defined]
    feeder.outbox.attach(transport)
    feeder.outbox.perform(FAR)
    feeder.outbox.send(b"250 ok\r\n")
    feeder.outbox.perform(Close(SIDE, notify=False))
    assert (transport.sent, transport.disconnecting) == (b"", False)
    feeder.clock.advance(0.2)
    assert transport.sent == b"250 ok\r\n"
    assert alerts.exchanged == [SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN]
    assert transport.disconnecting


def test_a_reset_does_not_wait_for_what_is_under_way(feeder: Feeder) -> None:
    """It is lost, and no timer is left; a reset in its turn comes behind it."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(FAR)
    feeder.outbox.send(b"250 ok\r\n")
    feeder.outbox.perform(Reset(SIDE, in_turn=True))
    assert socket.ended == ""
    feeder.outbox.perform(Reset(SIDE))
    assert (socket.taken, socket.ended) == (b"", "aborted")
    assert feeder.clock.getDelayedCalls() == []


def test_nothing_is_left_of_a_slow_line_whose_side_is_gone(feeder: Feeder) -> None:
    """No timer runs, nothing is sent, and feeding may go on."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(SLOW)
    feeder.outbox.send(bytes(QUEUE_LIMIT + 1))
    feeder.outbox.perform(Close(SIDE))
    assert feeder.stopped
    feeder.outbox.detach()
    assert feeder.told == [True, False]
    assert not feeder.outbox.waits
    assert feeder.clock.getDelayedCalls() == []
    feeder.outbox.send(b"too late\r\n")
    assert feeder.clock.getDelayedCalls() == []


def test_tls_begins_behind_what_is_under_way(feeder: Feeder) -> None:
    """What comes behind it is as slow, and encrypted."""
    socket = Socket()
    feeder.outbox.attach(socket)
    feeder.outbox.perform(FAR)
    feeder.outbox.send(b"220 Go ahead\r\n")
    feeder.outbox.perform(StartTls(SIDE))
    feeder.outbox.send(b"250 secret\r\n")
    assert feeder.encrypted == []
    feeder.clock.advance(0.2)
    assert feeder.encrypted == [StartTls(SIDE)]
    socket.flow()
    assert socket.taken == b"220 Go ahead\r\n250 secret\r\n"
    assert socket.producer is feeder.outbox
