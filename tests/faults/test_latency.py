"""How long a session's octets are under way: how it is written, and what is refused."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Shape, Side
from smtpproxy.faults import FaultError, Latency, Telling
from smtpproxy.faults.base import Value
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "shapes"),
    [
        ("200 ms", [Shape(Side.CLIENT, 0, 0.2), Shape(Side.UPSTREAM, 0, 0.2)]),
        ({"to-client": "10 min"}, [Shape(Side.CLIENT, 0, 600.0)]),
        ({"to-upstream": "1 s"}, [Shape(Side.UPSTREAM, 0, 1.0)]),
        (
            {"to-upstream": "1 s", "to-client": "2 s"},
            [Shape(Side.CLIENT, 0, 2.0), Shape(Side.UPSTREAM, 0, 1.0)],
        ),
    ],
)
def test_the_lines_become_long(value: Value, shapes: list[Shape]) -> None:
    """Before anything is said; what is said stays as it is."""
    reply = Reply(220, b"220 mail.example.org\r\n")
    telling = Telling(reply, "CONNECT")
    Latency.parse(value, "CONNECT").apply(telling)
    assert telling.before == shapes
    assert (telling.reply, telling.after) == (reply, [])


@pytest.mark.parametrize(
    "value",
    ["", "200", "0 s", "601 s", "1 year", {}, {"to": "1 s"}, {"to-client": "1"}, {"to-client": []}],
)
def test_no_latency(value: Value) -> None:
    """What has no unit, is no time, or is out of bounds is refused."""
    with pytest.raises(FaultError, match=r"^expected "):
        Latency.parse(value, "CONNECT")


def test_at_another_stage_there_is_no_line_to_make() -> None:
    """It is for all of a session, and so for its beginning."""
    with pytest.raises(FaultError, match=r"^expected at CONNECT alone"):
        Latency.parse("1 s", "END-OF-DATA")


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("200 ms", "0.2 s later to the client and 0.2 s later to upstream"),
        ({"to-upstream": "2 s"}, "2 s later to upstream"),
    ],
)
def test_its_words(value: Value, words: str) -> None:
    """Each way is told that is longer."""
    assert Latency.parse(value, "CONNECT").words == f"from here on each octet comes {words}"
