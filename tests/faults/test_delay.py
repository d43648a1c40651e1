"""A delay: its time, and that it only waits."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.actions import Side, Wait
from smtpproxy.faults import Delay, FaultError, Telling
from smtpproxy.faults.base import Value
from smtpproxy.faults.delay import LONGEST, parse_duration
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        *(("30 s", 30.0), ("250 ms", 0.25), ("5 min", 300.0), ("2 h", 7200.0)),
        *(("1 day", 86400.0), ("2 days", 172800.0), ("1.5 s", 1.5), ("30s", 30.0), (" 0 s ", 0.0)),
    ],
)
def test_time_with_its_unit(value: str, seconds: float) -> None:
    """A time is a number and a unit, from milliseconds to days."""
    assert parse_duration(value) == pytest.approx(seconds)
    assert Delay.parse(value, "RCPT") == Delay(parse_duration(value))


@pytest.mark.parametrize(
    "value", ["", "30", "s", "-1 s", "1e3 s", "1,5 s", "nan s", "3 weeks", "3 s s", "1.s", ".5 s"]
)
def test_no_time(value: str) -> None:
    """What is not a number with a known unit is refused, with three that are."""
    with pytest.raises(FaultError, match="'30 s', '250 ms' or '5 min'") as caught:
        Delay.parse(value, "RCPT")
    assert repr(value) in str(caught.value)


def test_it_waits_before_the_reply_and_changes_no_octet() -> None:
    """The client's side waits; the reply stays upstream's, and other delays stay where they are."""
    reply = Reply(250, b"250 2.1.5 Ok\r\n")
    telling = Telling(reply)
    Delay(2.0).apply(telling)
    Delay(0.5).apply(telling)
    assert telling.before == [Wait(Side.CLIENT, 2.0), Wait(Side.CLIENT, 0.5)]
    assert (telling.reply, telling.after) == (reply, [])


EVENLY: Value = {"from": "1 s", "to": "3 s"}
NORMALLY: Value = {"mean": "2 s", "deviation": "500 ms"}
LONG_TAIL: Value = {"median": "1 s", "p95": "10 s"}


@pytest.mark.parametrize(
    ("value", "drawn", "seconds"),
    [
        *((EVENLY, 0.0, 1.0), (EVENLY, 0.5, 2.0), (EVENLY, 0.999999, 3.0)),
        *((NORMALLY, 0.5, 2.0), (NORMALLY, 0.8413447, 2.5), (NORMALLY, 0.0000001, 0.0)),
        *((LONG_TAIL, 0.5, 1.0), (LONG_TAIL, 0.95, 10.0), (LONG_TAIL, 0.05, 0.1)),
    ],
)
def test_what_is_drawn(value: Value, drawn: float, seconds: float) -> None:
    """A draw gives a place in the distribution that the two times describe."""
    assert Delay.parse(value, "RCPT").seconds(lambda: drawn) == pytest.approx(seconds, abs=1e-4)


@pytest.mark.parametrize("value", [EVENLY, NORMALLY, LONG_TAIL])
def test_each_firing_draws_for_itself(value: Value) -> None:
    """The same draws give the same times, and others give others."""
    times = []
    for seed in (1, 1, 2):
        telling = Telling(Reply(250, b"250 Ok\r\n"))
        telling.draw = random.Random(seed).random
        Delay.parse(value, "RCPT").apply(telling)
        times.append(telling.before)
    assert times[0] == times[1] != times[2]


@given(
    st.sampled_from([NORMALLY, LONG_TAIL, {"median": "1 ms", "p95": "365 days"}]),
    st.floats(0, 1, exclude_max=True),
)
def test_no_draw_is_endless_or_negative(value: Value, drawn: float) -> None:
    """A clock can wait for it."""
    assert 0 <= Delay.parse(value, "RCPT").seconds(lambda: drawn) <= LONGEST * 1.001


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"from": "3 s", "to": "1 s"}, "no more than to:"),
        ({"median": "0 s", "p95": "1 s"}, "over 0"),
        ({"median": "2 s", "p95": "1 s"}, "no more than p95"),
        ({"from": "1 s"}, "one of {from: …, to: …}"),
        ({"from": "1 s", "p95": "2 s"}, "one of {from: …, to: …}"),
        ({"form": "1 s", "to": "2 s"}, "got 'form'"),
        ({"from": "1", "to": "2 s"}, "a time such as '30 s'"),
        ("366 days", "365 days"),
        ([], "expected a text"),
    ],
)
def test_no_distribution(value: Value, words: str) -> None:
    """Two times that describe nothing are refused."""
    with pytest.raises(FaultError) as caught:
        Delay.parse(value, "RCPT")
    assert words in str(caught.value)


def test_it_does_not_answer() -> None:
    """Rules that only delay all apply: a delay leaves the answer to others."""
    assert not Delay.answers
