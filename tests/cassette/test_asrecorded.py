"""Upstream as it was recorded says what it said, and no more than it was asked."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.asrecorded import AsRecorded
from smtpproxy.cassette.model import Recorded
from smtpproxy.responder import Answer
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Continuation


def said(upstream: AsRecorded, one: Recorded, octets: bytes = b"") -> Answer:
    """Return what upstream says when this exchange is on, to what was sent or to these octets."""
    upstream.turn_to(one)
    return upstream.command(parse_command(octets or one.sent))


def test_it_says_what_it_said() -> None:
    """Each exchange has its own reply; after 421 it closes."""
    upstream = AsRecorded()
    assert said(upstream, Recorded("VRFY", b"VRFY a\r\n", said=(b"252 No\r\n",))).octets == (
        b"252 No\r\n"
    )
    assert said(upstream, Recorded("NOOP", b"NOOP\r\n", said=(b"421 Off\r\n",))).close


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        (b"RSET\r\n", Answer(b"250 2.0.0 Ok\r\n")),
        (b"QUIT\r\n", Answer(b"221 2.0.0 Bye\r\n", close=True)),
    ],
)
def test_what_was_not_recorded_goes_well(line: bytes, answer: Answer) -> None:
    """A command of the proxy's own is answered in general words."""
    on = Recorded("DATA", b"DATA\r\n", said=(b"354 Go\r\n",))
    assert said(AsRecorded(), on, line) == answer


def test_it_greets() -> None:
    """The greeting is the recorded one, or any."""
    upstream = AsRecorded()
    assert upstream.greeting().octets.startswith(b"220 ")
    upstream.turn_to(Recorded("CONNECT", said=(b"220 Hi\r\n",)))
    assert upstream.greeting().octets == b"220 Hi\r\n"


def test_a_login_goes_on() -> None:
    """A continuation has its reply."""
    upstream = AsRecorded()
    upstream.turn_to(Recorded("AUTH", b"x\r\n", said=(b"235 Ok\r\n",)))
    assert upstream.continuation(Continuation(b"x\r\n")).octets == b"235 Ok\r\n"


def test_without_a_recipient_there_is_no_message() -> None:
    """Where it was asked of no recipient that it accepted then, it refuses DATA."""
    upstream = AsRecorded()
    accepted = Recorded("RCPT", b"RCPT TO:<b@example.net>\r\n", said=(b"250 Ok\r\n",))
    upstream.turn_to(accepted)
    upstream.passed(accepted)
    data = Recorded("DATA", b"DATA\r\n", said=(b"354 Go\r\n",))
    assert said(upstream, data).octets.startswith(b"554 5.5.1 ")
    upstream.passed(Recorded("END-OF-DATA"))
    assert said(upstream, data).octets == b"354 Go\r\n"
