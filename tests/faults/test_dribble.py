"""A reply in pieces: their size, their pauses, and their number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.actions import Send, Side, Wait
from smtpproxy.faults import Dribble, FaultError, Telling
from smtpproxy.faults.base import Value
from smtpproxy.faults.dribble import MOST
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "fault"),
    [
        ("100 ms", Dribble(1, 0.1)),
        ({"every": "1 s"}, Dribble(1, 1.0)),
        ({"octets": "10", "every": "1 s"}, Dribble(10, 1.0)),
    ],
)
def test_how_it_is_written(value: Value, fault: Dribble) -> None:
    """A time alone is that between single octets."""
    assert Dribble.parse(value, "RCPT") == fault


@given(st.binary(min_size=1, max_size=60), st.integers(1, 70))
def test_every_octet_comes_in_its_turn(wire: bytes, octets: int) -> None:
    """Pieces have the size that was asked for, and a pause between any two."""
    telling = Telling(Reply(250, wire))
    Dribble(octets, 0.5).apply(telling)
    actions = telling.sending()
    sent = [action.octets for action in actions if isinstance(action, Send)]
    assert b"".join(sent) == wire
    assert all(len(piece) == octets for piece in sent[:-1])
    assert actions[1::2] == [Wait(Side.CLIENT, 0.5)] * (len(sent) - 1)
    assert isinstance(actions[-1], Send)


def test_no_more_pieces_than_can_be_kept() -> None:
    """What is left of a reply without an end goes in the last piece."""
    telling = Telling(Reply(250, b"x" * 3 * MOST))
    Dribble(1, 0.5).apply(telling)
    sent = [action.octets for action in telling.sending() if isinstance(action, Send)]
    assert (len(sent), len(sent[-1])) == (MOST, 2 * MOST + 1)


@pytest.mark.parametrize(
    "value",
    [
        *("", "1", {"octets": "1"}, {"octets": "0", "every": "1 s"}),
        *({"octets": "x", "every": "1 s"}, {"every": "1"}, {"size": "1"}, [], {}),
    ],
)
def test_no_dribble(value: Value) -> None:
    """What has no time, or no size, is refused."""
    with pytest.raises(FaultError, match=r"^expected "):
        Dribble.parse(value, "RCPT")
