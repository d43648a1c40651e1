"""The end of the client's connection in the place of an answer."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Action, Close, HalfClose, Reset, Side
from smtpproxy.faults import Drop, FaultError, Telling
from smtpproxy.faults.drop import WAYS
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "action"),
    [
        ("drop", Close(Side.CLIENT)),
        ("reset", Reset(Side.CLIENT)),
        ("no-close-notify", Close(Side.CLIENT, notify=False)),
        ("half-close", HalfClose(Side.CLIENT)),
    ],
)
def test_nothing_is_said_and_the_connection_ends(value: str, action: Action) -> None:
    """`drop` closes in order, `reset` by RST, `no-close-notify` by FIN alone, `half-close` by half.

    What upstream said is not told.
    """
    telling = Telling(Reply(250, b"250 2.0.0 Queued\r\n"))
    Drop.parse(value, "END-OF-DATA").apply(telling)
    assert telling.reply is None
    assert (telling.before, telling.after) == ([], [action])


def test_silence_leaves_the_connection_as_it_is() -> None:
    """Nothing is said, ever again."""
    telling = Telling(Reply(250, b"250 2.0.0 Queued\r\n"))
    Drop.parse("silence", "RCPT").apply(telling)
    assert (telling.reply, telling.withheld, telling.after) == (None, True, [])


@pytest.mark.parametrize("way", WAYS)
def test_only_a_half_close_lets_upstream_be_asked(way: str) -> None:
    """What ends the session instead of an answer keeps the command from upstream."""
    assert Drop(way).relays is (way == "half-close")


@pytest.mark.parametrize("value", ["", "Drop", "close", "drop reset", "421"])
def test_no_way(value: str) -> None:
    """Every other word is refused, with those that are known."""
    with pytest.raises(FaultError, match="no-close-notify, silence or half-close") as caught:
        Drop.parse(value, "RCPT")
    assert repr(value) in str(caught.value)


def test_it_answers() -> None:
    """No later rule is asked: to end the connection is an answer."""
    assert Drop.answers
