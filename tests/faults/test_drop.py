"""The end of the client's connection in the place of an answer."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Action, Close, Reset, Side
from smtpproxy.faults import Drop, FaultError, Telling
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "action"),
    [
        ("drop", Close(Side.CLIENT)),
        ("reset", Reset(Side.CLIENT)),
        ("no-close-notify", Close(Side.CLIENT, notify=False)),
    ],
)
def test_nothing_is_said_and_the_connection_ends(value: str, action: Action) -> None:
    """`drop` closes in order, `reset` by TCP RST, `no-close-notify` by FIN alone.

    What upstream said is not told.
    """
    telling = Telling(Reply(250, b"250 2.0.0 Queued\r\n"))
    Drop.parse(value, "END-OF-DATA").apply(telling)
    assert telling.reply is None
    assert (telling.before, telling.after) == ([], [action])


@pytest.mark.parametrize("value", ["", "Drop", "close", "drop reset", "421"])
def test_no_way(value: str) -> None:
    """Every other word is refused, with those that are known."""
    with pytest.raises(FaultError, match="no-close-notify, silence or half-close") as caught:
        Drop.parse(value, "RCPT")
    assert repr(value) in str(caught.value)


def test_it_answers() -> None:
    """No later rule is asked: to end the connection is an answer."""
    assert Drop.answers
