"""What a client has said to a cassette is said again to upstream, and must fare as it did."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side, StartTls
from smtpproxy.aside import AsideError
from smtpproxy.catchup import Said, catching_up
from smtpproxy.exchange import Exchange
from smtpproxy.introduction import NO_INTRODUCTION
from smtpproxy.smtp.facts import Command, Continuation, Reply
from tests.saslserver import reply

HELLO = Command("EHLO", b"EHLO app.example.org\r\n")
OFFER = reply("250-mail.example.org\n250-SIZE 1000\n250 PIPELINING")
GREETED = Said(None, reply("220 recorded.example.org"))


def step(text: str) -> Command:
    """A command."""
    return Command(text.split()[0], f"{text}\r\n".encode())


def caught_up(history: list[Said], *replies: Reply | None) -> tuple[list[object], list[Exchange]]:
    """Return what was said or done, and what was told, as upstream answers so."""
    told: list[Exchange] = []
    aside = catching_up(history, NO_INTRODUCTION, told.append)
    done: list[object] = [next(aside)]
    try:
        for one in replies:
            done.append(aside.send(one))
    except StopIteration as end:
        done.append(end.value)
    return done, told


def test_the_open_transaction_is_said_again() -> None:
    """In order, one by one; texts may differ, and each exchange is told as upstream had it."""
    mail, rcpt = step("MAIL FROM:<a@example.org>"), step("RCPT TO:<b@example.net>")
    history = [
        GREETED,
        Said(HELLO, OFFER),
        Said(mail, reply("250 2.1.0 Ok")),
        Said(rcpt, reply("250 2.1.5 Ok")),
    ]
    other = reply("250-other.example.org\n250-PIPELINING\n250 SIZE 5")
    done, told = caught_up(history, reply("220 now"), other, reply("250 a"), reply("250 b"))
    assert done == [b"", HELLO.wire, mail.wire, rcpt.wire, None]
    assert [one.stage for one in told] == ["CONNECT", "EHLO", "MAIL", "RCPT"]
    assert told[1].said == told[1].heard == other


def test_what_a_cassette_never_offers_is_not_missed() -> None:
    """Replay takes STARTTLS out of its reply, and AUTH by SCRAM alone: it can't keep them up."""
    history = [GREETED, Said(HELLO, OFFER)]
    more = reply("250-a\n250-SIZE 1\n250-STARTTLS\n250-AUTH SCRAM-SHA-256\n250 PIPELINING")
    done, _ = caught_up(history, reply("220 now"), more)
    assert done == [b"", HELLO.wire, None]


def test_what_upstream_offers_is_shown_and_not_obeyed() -> None:
    """It goes to a terminal."""
    history = [GREETED, Said(HELLO, OFFER)]
    hostile = reply("250-a\n250-\x1b[31mRED\n250-SIZE 1\n250 PIPELINING")
    with pytest.raises(AsideError) as raised:
        caught_up(history, reply("220 now"), hostile)
    assert "\x1b" not in str(raised.value)


def test_what_the_client_was_offered_is_missed() -> None:
    """It may be about to ask for it."""
    offered = reply("250-mail.example.org\n250-STARTTLS\n250-SIZE 1000\n250 PIPELINING")
    with pytest.raises(AsideError, match="do not offer the same: STARTTLS"):
        caught_up([GREETED, Said(HELLO, offered)], reply("220 now"), OFFER)


def test_who_has_heard_nothing_hears_the_greeting() -> None:
    """A cassette that is empty does not even greet."""
    greeting = reply("220 now")
    assert caught_up([], greeting) == ([b"", greeting], [])


def test_tls_begins_again() -> None:
    """Behind STARTTLS comes the handshake, and then the EHLO that was encrypted."""
    starttls = step("STARTTLS")
    history = [GREETED, Said(starttls, reply("220 Go")), Said(HELLO, OFFER)]
    done, _ = caught_up(history, reply("220 now"), reply("220 Go"), None, OFFER)
    assert done == [b"", starttls.wire, StartTls(Side.UPSTREAM), HELLO.wire, None]


def test_credentials_are_said_again() -> None:
    """Those of LOGIN are lines of their own."""
    history = [
        GREETED,
        Said(step("AUTH LOGIN"), reply("334 VXNlcm5hbWU6")),
        Said(Continuation(b"Ym9i\r\n"), reply("334 UGFzc3dvcmQ6")),
        Said(Continuation(b"c2VjcmV0\r\n"), reply("235 Ok")),
    ]
    done, _ = caught_up(history, *(one.reply for one in history))
    assert done == [b"", b"AUTH LOGIN\r\n", b"Ym9i\r\n", b"c2VjcmV0\r\n", None]


@pytest.mark.parametrize(
    ("history", "replies", "words"),
    [
        ([GREETED], [reply("554 No")], "CONNECT"),
        ([GREETED, Said(HELLO, OFFER)], [reply("220 a"), reply("250 b")], "PIPELINING, SIZE"),
        (
            [GREETED, Said(step("RCPT TO:<b@example.net>"), reply("250 Ok"))],
            [reply("220 a"), reply("550 No")],
            "at RCPT upstream says 550, and the cassette 250",
        ),
        (
            [GREETED, Said(step("AUTH CRAM-MD5"), reply("334 PDE+"))],
            [reply("220 a")],
            "CRAM-MD5 answers a challenge",
        ),
    ],
)
def test_what_fares_otherwise_is_the_end(
    history: list[Said], replies: list[Reply], words: str
) -> None:
    """The client has heard something else, or upstream can't be told the same."""
    with pytest.raises(AsideError, match=words.replace("CONNECT", "the greeting")):
        caught_up(history, *replies)
