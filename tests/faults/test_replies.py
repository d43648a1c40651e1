"""Too few replies to a message, or too many."""

from __future__ import annotations

import pytest

from smtpproxy.faults import FaultError, Replies, Telling
from smtpproxy.faults.base import Value


@pytest.mark.parametrize(
    ("value", "fault"), [({"short": "1"}, Replies(1, 0)), ({"extra": "2"}, Replies(0, 2))]
)
def test_how_many(value: Value, fault: Replies) -> None:
    """One or the other is said of a message."""
    telling = Telling(None)
    found = Replies.parse(value, "END-OF-DATA")
    found.apply(telling)
    assert (found, telling.short, telling.extra) == (fault, fault.short, fault.extra)


@pytest.mark.parametrize(
    ("value", "stage"),
    [
        *(({"short": "1"}, "RCPT"), ({"short": "1", "extra": "1"}, "BDAT")),
        *(({"short": "0"}, "BDAT"), ({"short": "1001"}, "BDAT"), ("1", "BDAT"), ({}, "BDAT")),
    ],
)
def test_no_number(value: Value, stage: str) -> None:
    """It stands where a message ends; elsewhere there is one reply."""
    with pytest.raises(FaultError, match=r"^expected "):
        Replies.parse(value, stage)
