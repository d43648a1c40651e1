"""A slow line: when each piece arrives, in which order, and what is left of it at the end."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.internet.task import Clock

from smtpproxy.actions import Action, Close, HalfClose, Reset, Shape, Side, StartTls
from smtpproxy.net.shaping import FEW, MOST, TICK, Line
from tests.allocated import memory

SIDE = Side.CLIENT


class End:
    """What arrives at the end of a line, and when."""

    def __init__(self, rate: int = 0, latency: float = 0.0) -> None:
        self.clock = Clock()
        self.arrived: list[tuple[float, bytes | Action]] = []
        self.line = Line(self.clock, Shape(SIDE, rate, latency), self._take)

    def _take(self, what: bytes | Action) -> None:
        self.arrived.append((round(self.clock.seconds(), 6), what))

    def until(self, seconds: float) -> None:
        """Let time pass, to each timer when it is due."""
        clock = self.clock
        while clock.calls and clock.calls[0].getTime() <= seconds:
            clock.rightNow = clock.calls[0].getTime()
            clock.advance(0)
        clock.rightNow = seconds

    @property
    def octets(self) -> bytes:
        """All that arrived."""
        return b"".join(what for _, what in self.arrived if isinstance(what, bytes))


def test_each_piece_arrives_when_it_is_through() -> None:
    """At 1000 octets a second, 50 of them each twentieth of a second; the rest when it is due."""
    end = End(1000)
    end.line.send(bytes(range(120)))
    assert end.arrived == []
    end.until(1)
    assert end.arrived == [
        (0.05, bytes(range(50))),
        (0.1, bytes(range(50, 100))),
        (0.12, bytes(range(100, 120))),
    ]
    assert end.clock.getDelayedCalls() == []


@pytest.mark.parametrize("rate", [1, 19, 20, 8192, 1_000_000])
def test_the_rate_is_that_over_a_long_time(rate: int) -> None:
    """Whatever the size of a piece, so many octets take so many seconds."""
    end = End(rate)
    count = min(10 * rate, MOST)
    end.line.send(bytes(count))
    end.until(count / rate - 0.001)
    assert len(end.octets) < count
    end.until(count / rate + 0.001)
    assert len(end.octets) == count


def test_who_says_nothing_saves_nothing() -> None:
    """After an idle hour, octets take as long as ever."""
    end = End(1000)
    end.clock.advance(3600)
    end.line.send(bytes(100))
    end.until(3600.0499)
    assert end.arrived == []
    end.until(3601)
    assert [when for when, _ in end.arrived] == [3600.05, 3600.1]


def test_a_late_clock_is_made_up_for() -> None:
    """Up to a piece: the rate stays what it is where a timer is late now and then."""
    end = End(1000)
    end.line.send(bytes(200))
    for late in (0.06, 0.05, 0.05, 0.04):  # 60, 110, 160 and 200 ms
        end.clock.advance(late)
    assert [len(what) for _, what in end.arrived if isinstance(what, bytes)] == [50] * 4


def test_a_clock_that_stood_still_makes_no_flood() -> None:
    """What was due comes, and what one more tick holds; the rest takes as long as ever."""
    end = End(1000)
    end.line.send(bytes(1000))
    end.clock.advance(10)
    assert [len(what) for _, what in end.arrived if isinstance(what, bytes)] == [50, 50]
    end.until(10.0499)
    assert len(end.octets) == 100
    end.until(10.0501)
    assert len(end.octets) == 150


def test_each_octet_is_under_way_for_as_long() -> None:
    """Who follows does not wait for who goes before: it is a line, not a pause."""
    end = End(latency=0.2)
    end.line.send(b"one")
    end.clock.advance(0.125)
    end.line.send(b"two")
    end.until(1)
    assert end.arrived == [(0.2, b"one"), (0.325, b"two")]


def test_a_long_line_that_is_narrow() -> None:
    """The first octet's time, and then as many a second as there may be."""
    end = End(1000, 0.2)
    end.line.send(bytes(100))
    end.until(1)
    assert [when for when, _ in end.arrived] == [0.25, 0.3]


def test_two_lines_in_a_row() -> None:
    """The slower one tells, and both take their time."""
    end = End(1000, 0.2)
    end.line.add(Shape(SIDE, 0, 0.1))
    assert end.line.shape.octets_per_second == 1000
    assert end.line.shape.latency_seconds == pytest.approx(0.3)
    end.line.add(Shape(SIDE, 500))
    end.line.add(Shape(SIDE, 2000))
    assert end.line.shape.octets_per_second == 500


@pytest.mark.parametrize("action", [Close(SIDE), HalfClose(SIDE), Reset(SIDE, in_turn=True)])
def test_an_end_comes_behind_all_that_was_sent(action: Action) -> None:
    """At the time of the last octet, or its own."""
    end = End(1000, 0.2)
    end.line.send(bytes(60))
    end.line.put(action)
    end.until(1)
    assert [when for when, _ in end.arrived] == [0.25, 0.26, 0.26]
    assert end.arrived[-1][1] == action
    end.line.put(action)
    end.until(2)
    assert end.arrived[-1] == (1.2, action)


def test_no_turn_is_between_the_last_octet_and_tls() -> None:
    """Though it was said later: a quick client's hello would be read as plain text."""
    end = End(latency=0.2)
    end.line.send(b"220 Go\r\n")
    end.clock.advance(0.01)
    end.line.put(StartTls(SIDE))
    end.line.send(b"secret")
    end.clock.advance(0.19)
    assert [what for _, what in end.arrived] == [b"220 Go\r\n", StartTls(SIDE)]


def test_what_finds_no_room_waits_for_it() -> None:
    """Nothing arrives while nothing can be taken, and that is no waiting on purpose."""
    end = End(1000)
    end.line.send(bytes(100))
    assert end.line.waits
    end.line.pause()
    assert not end.line.waits
    end.until(5)
    assert end.arrived == []
    assert end.clock.getDelayedCalls() == []
    end.line.resume()
    end.until(6)
    assert len(end.octets) == 100
    assert not end.line.waits


def test_who_sends_too_much_is_stopped_until_there_is_room() -> None:
    """Above a limit, and until half of it is gone."""
    end = End(MOST, 0.0)
    end.line.send(bytes(MOST))
    assert not end.line.crowded
    end.line.send(b"x")
    assert end.line.crowded
    while end.line.crowded:
        end.clock.advance(TICK)
    assert MOST + 1 - len(end.octets) <= FEW
    assert end.clock.seconds() == pytest.approx(0.5, abs=2 * TICK)


def test_single_octets_take_little_more_than_their_room() -> None:
    """A peer chooses how many parts it sends: a line holds a thousand, and joins what follows."""
    end = End(latency=60.0)

    def act() -> None:
        for _ in range(MOST):
            end.line.send(b"\n")
            end.clock.rightNow += 0.0001

    assert memory(act) < 6 * MOST
    assert end.line.crowded
    end.until(70)
    assert end.octets == b"\n" * MOST
    assert not end.line.crowded


def test_nothing_is_left_of_a_line_that_is_stopped() -> None:
    """No timer, no octet, and nobody who is held up."""
    end = End(1000, 0.2)
    end.line.send(bytes(MOST + 1))
    end.line.stop()
    end.line.send(b"late")
    end.line.put(Close(SIDE))
    assert end.clock.getDelayedCalls() == []
    assert not end.line.crowded
    assert end.line.seconds_left == 0.2
    end.clock.advance(100)
    assert end.arrived == []


def test_who_takes_a_piece_may_send_more_or_stop() -> None:
    """An upstream in this process answers at once, and its answer is a piece of its own."""
    clock, arrived = Clock(), []

    def take(what: bytes | Action) -> None:
        arrived.append(what)
        if what == b"one":
            line.send(b"two")
            line.put(Close(SIDE))
            line.send(b"three")
        elif isinstance(what, Close):
            line.stop()

    line = Line(clock, Shape(SIDE, 0, 0.5), take)
    line.send(b"one")
    for _ in range(10):
        clock.advance(0.5)
    assert arrived == [b"one", b"two", Close(SIDE)]
    assert clock.getDelayedCalls() == []


STEPS = st.lists(
    st.one_of(
        st.binary(min_size=1, max_size=40),
        st.sampled_from([Close(SIDE), StartTls(SIDE), HalfClose(SIDE)]),
        st.sampled_from(["pause", "resume"]),
        st.floats(0.0, 1.0),  # seconds that pass
    ),
    max_size=30,
)


@given(STEPS, st.sampled_from([0, 1, 30, 1000]), st.sampled_from([0.0, 0.1, 2.0]))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_the_order_is_kept(
    steps: list[bytes | Action | str | float], rate: int, latency: float
) -> None:
    """Nothing is lost, said twice, or overtaken."""
    end = End(rate, latency)
    sent: list[bytes | Action] = []
    for step in steps:
        if isinstance(step, bytes):
            end.line.send(step)
            sent += [bytes([octet]) for octet in step]
        elif isinstance(step, str):
            (end.line.pause if step == "pause" else end.line.resume)()
        elif isinstance(step, float):
            end.clock.advance(step)
        else:
            end.line.put(step)
            sent.append(step)
    end.line.resume()
    for _ in range(2500):
        if not end.clock.getDelayedCalls():
            break
        end.clock.advance(1)
    arrived: list[bytes | Action] = []
    for _, what in end.arrived:
        arrived += [bytes([octet]) for octet in what] if isinstance(what, bytes) else [what]
    assert arrived == sent
