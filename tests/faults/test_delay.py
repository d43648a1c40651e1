"""A delay: its time, and that it only waits."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side, Wait
from smtpproxy.faults import Delay, FaultError, Telling
from smtpproxy.faults.delay import parse_duration
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


def test_it_does_not_answer() -> None:
    """Rules that only delay all apply: a delay leaves the answer to others."""
    assert not Delay.answers
