"""Replies that come together."""

from __future__ import annotations

import pytest

from smtpproxy.faults import Coalesce, FaultError, Telling


def test_it_is_told_together_with_what_follows() -> None:
    """Nothing else about it changes."""
    telling = Telling(None)
    Coalesce.parse("true", "MAIL").apply(telling)
    assert (telling.together, telling.before, telling.after) == (True, [], [])


@pytest.mark.parametrize("value", ["false", "", "yes", {}, []])
def test_nothing_else_can_be_said_of_it(value: str) -> None:
    """A rule that does nothing would be a mistake."""
    with pytest.raises(FaultError, match=r"^expected "):
        Coalesce.parse(value, "MAIL")
