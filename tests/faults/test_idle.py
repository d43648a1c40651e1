"""A reply that nobody asked for: when it comes, and what it says."""

from __future__ import annotations

import pytest

from smtpproxy.faults import FaultError, Idle, Telling
from smtpproxy.faults.base import Value
from smtpproxy.smtp.facts import Reply


@pytest.mark.parametrize(
    ("value", "later"),
    [
        ({"after": "5 s", "reply": "421 4.4.2 Bye"}, (5.0, Reply(421, b"421 4.4.2 Bye\r\n"))),
        ({"after": "5 s", "reply": "250 Hi"}, (5.0, Reply(250, b"250 Hi\r\n"))),
    ],
)
def test_it_is_said_later(value: Value, later: tuple[float, Reply]) -> None:
    """The reply that it follows stays as it is."""
    reply = Reply(250, b"250 Ok\r\n")
    telling = Telling(reply)
    Idle.parse(value, "RCPT").apply(telling)
    assert (telling.reply, telling.later) == (reply, later)


def test_without_a_reply_it_is_421() -> None:
    """RFC 5321 §3.8: it is what a server says that gives up on a client."""
    telling = Telling(None, domain="mail.example.org")
    Idle.parse({"after": "1 s"}, "RCPT").apply(telling)
    assert telling.later is not None
    assert telling.later[1].wire.startswith(b"421 4.4.2 mail.example.org ")


@pytest.mark.parametrize(
    "value",
    ["5 s", {}, {"reply": "421"}, {"after": "5"}, {"after": "5 s", "reply": "x"}, {"after": {}}],
)
def test_no_such_reply(value: Value) -> None:
    """What has no time, or a reply that is none, is refused."""
    with pytest.raises(FaultError, match=r"^expected "):
        Idle.parse(value, "RCPT")


@pytest.mark.parametrize("text", ["421 a\rb", "421 a\0b"])
def test_text_can_not_hold_what_would_break_the_line(text: str) -> None:
    """CR and NUL in a text are refused, as everywhere."""
    with pytest.raises(FaultError, match="can't hold") as caught:
        Idle.parse({"after": "5 s", "reply": text}, "RCPT")
    assert caught.value.path == ("reply",)
