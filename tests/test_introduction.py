"""Upstream is told who the client is, before anything is relayed."""

from __future__ import annotations

import pytest

from smtpproxy.introduction import Introduction
from smtpproxy.place import Place
from smtpproxy.relay import Relay
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.protocols import LMTP, SMTP, MailProtocol
from tests.dialogue import Conversation

HELLO = "U: 220 mail.example.org\n> EHLO smtpproxy.localhost"
OFFER = "U: 250-mail.example.org\nU: 250 XCLIENT NAME ADDR PORT\n"


def introduced(source: Place, protocol: MailProtocol = SMTP) -> Conversation:
    """Return a conversation whose client is at this place."""
    talk = Conversation()
    introduction = Introduction(source, protocol, xclient=True)
    talk.relay = Relay(talk.witness, lambda: 0.0, domain="proxy", introduction=introduction)
    talk.take(talk.relay.connected())
    return talk


@pytest.mark.parametrize(
    ("source", "attributes"),
    [
        (Place("192.0.2.7", 40000), "ADDR=192.0.2.7 PORT=40000"),
        (Place("2001:db8::7", 40000), "ADDR=IPV6:2001:db8::7 PORT=40000"),
        (Place(path="/run/x"), "ADDR=[UNAVAILABLE]"),
    ],
)
def test_the_client_hears_the_greeting_after_xclient(source: Place, attributes: str) -> None:
    """Upstream starts over with 220: that greets the client, whose early command waited."""
    talk = introduced(source)
    talk.client(b"EHLO app.example.org\r\n")
    talk.play(HELLO)
    talk.play(f"{OFFER}> XCLIENT {attributes}")
    talk.play("U: 220 mail again\nS: 220 mail again\n> EHLO app.example.org\nU: 250 Ok\nS: 250 Ok")
    assert talk.witness.codes() == [("CONNECT", 220), ("EHLO", 250)]


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        ("U: 250 mail", "upstream does not offer XCLIENT with ADDR to this proxy"),
        ("U: 550 no", "upstream does not offer XCLIENT with ADDR to this proxy"),
        (
            f"{OFFER}> XCLIENT ADDR=192.0.2.7 PORT=1\nU: 550 no",
            "upstream answered XCLIENT with 550",
        ),
    ],
)
def test_who_is_not_introduced_is_not_relayed(replies: str, why: str) -> None:
    """An upstream that takes every client for the proxy might relay for them: the session ends."""
    talk = introduced(Place("192.0.2.7", 1))
    talk.play(HELLO)
    talk.play(
        replies + "\nS: 421 proxy Service not available, closing transmission channel\n"
        "(client: close)\n(upstream: close)"
    )
    assert ("not-introduced", why) in talk.witness.notes


def test_a_refusing_greeting_is_relayed() -> None:
    """Where upstream does not greet there is nothing to introduce."""
    talk = introduced(Place("192.0.2.7", 1))
    talk.play("U: 554 no\nS: 554 no\nC: QUIT\n> QUIT\nU: 221 Bye\nS: 221 Bye")
    assert talk.witness.codes() == [("CONNECT", 554), ("QUIT", 221)]


def test_lmtp_is_introduced_by_lhlo() -> None:
    """RFC 2033 §4.1: an LMTP server takes no EHLO. What the client says is LHLO, too."""
    talk = introduced(Place("192.0.2.7", 1), LMTP)
    talk.play(HELLO.replace("EHLO", "LHLO"))
    talk.play(f"{OFFER}> XCLIENT ADDR=192.0.2.7 PORT=1\nU: 220 again\nS: 220 again")
    talk.play("C: LHLO app.example.org\n> LHLO app.example.org\nU: 250 Ok\nS: 250 Ok")
    assert talk.relay.state.lmtp


def test_a_blank_line_among_the_keywords_is_looked_through() -> None:
    """What upstream says never raises: a line of blanks is no keyword, and hides none."""
    aside = Introduction(Place("192.0.2.7"), xclient=True).aside()
    next(aside)
    aside.send(Reply(220, b"220 mail\r\n"))
    reply = Reply(250, b"250-mail\r\n250-  \r\n250 XCLIENT ADDR\r\n")
    assert aside.send(reply) == b"XCLIENT ADDR=192.0.2.7\r\n"
