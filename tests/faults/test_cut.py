"""A reply that is cut: where, and what comes behind the cut."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Action, Close, Reset, Send, Side, Wait
from smtpproxy.faults import Cut, FaultError, Telling
from smtpproxy.faults.base import Value
from smtpproxy.smtp.facts import Reply

TWO = b"250-one\r\n250 two\r\n"


def cut(value: Value, wire: bytes = TWO) -> Telling:
    """Return how a reply is told."""
    telling = Telling(Reply(250, wire))
    Cut.parse(value, "RCPT").apply(telling)
    return telling


@pytest.mark.parametrize(
    ("at", "first", "second"),
    [
        ("code", b"2", b"50-one\r\n250 two\r\n"),
        ("crlf", b"250-one\r\n250 two\r", b"\n"),
        ("final-line", b"250-one\r\n", b"250 two\r\n"),
        ("5", b"250-o", b"ne\r\n250 two\r\n"),
    ],
)
def test_it_comes_in_two_parts(at: str, first: bytes, second: bytes) -> None:
    """Between them is the pause: a second, where none is said."""
    client = Side.CLIENT
    assert cut({"at": at}).sending() == [
        *(Send(client, first), Wait(client, 1.0), Send(client, second))
    ]
    assert cut({"at": at, "pause": "5 ms"}).sending()[1] == Wait(client, 0.005)


@pytest.mark.parametrize(
    ("at", "sent"), [("99", [b"250 a\r\n"]), ("final-line", [b"250 a\r\n"]), ("7", [b"250 a\r\n"])]
)
def test_where_there_is_no_such_point_it_comes_late_or_whole(at: str, sent: list[bytes]) -> None:
    """A reply of one line has no other before the final one; and none is longer than it is."""
    actions = cut({"at": at}, b"250 a\r\n").sending()
    assert [action.octets for action in actions if isinstance(action, Send)] == sent


@pytest.mark.parametrize(
    ("then", "after", "withheld"),
    [
        ("drop", [Close(Side.CLIENT)], False),
        ("reset", [Reset(Side.CLIENT, in_turn=True)], False),
        ("silence", [], True),
    ],
)
def test_the_rest_never_comes(then: str, after: list[Action], withheld: bool) -> None:
    """The first part is all, and then the connection ends, or does not."""
    telling = cut({"at": "code", "then": then})
    assert telling.sending() == [Send(Side.CLIENT, b"2"), Wait(Side.CLIENT, 1.0)]
    assert (telling.after, telling.withheld) == (after, withheld)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("code", "mapping with at, pause, then"),
        ({"pause": "1 s"}, "expected at:"),
        ({"at": "line"}, "code, crlf, final-line, or a number"),
        ({"at": "0"}, "from 1 to"),
        ({"at": "²"}, "expected"),
        ({"at": "code", "pause": "1"}, "a time such as"),
        ({"at": "code", "then": "close"}, "rest, drop, reset or silence"),
        ({"at": "code", "than": "drop"}, "got 'than'"),
    ],
)
def test_no_cut(value: Value, words: str) -> None:
    """What can't be read is refused, with what was expected."""
    with pytest.raises(FaultError) as caught:
        Cut.parse(value, "RCPT")
    assert words in str(caught.value)
