"""Connections that are refused for a time."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Refuse, Reset, Side
from smtpproxy.faults import FaultError, RefuseConnections, Telling


def test_this_one_is_reset_and_others_are_refused() -> None:
    """The client is told nothing, and upstream never hears of it."""
    telling = Telling(None, "CONNECT")
    fault = RefuseConnections.parse("30 s", "CONNECT")
    fault.apply(telling)
    assert telling.after == [Refuse(Side.CLIENT, 30.0), Reset(Side.CLIENT)]
    assert fault.answers
    assert not fault.relays


@pytest.mark.parametrize(("value", "stage"), [("30", "CONNECT"), ("", "CONNECT"), ("30 s", "RCPT")])
def test_no_refusal(value: str, stage: str) -> None:
    """It needs a time, and stands at CONNECT alone: later the client is there."""
    with pytest.raises(FaultError, match=r"^expected "):
        RefuseConnections.parse(value, stage)
