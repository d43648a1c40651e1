"""A cassette that was recorded over TLS, or in plain text, and clients with TLS and without."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.advice import explained, reported
from smtpproxy.cassette.misses import ALREADY_USED
from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.undertls import CONNECTION, RECORDING
from tests.cassette.dialogues import Client, cassette, dialogue
from tests.cassette.replaying import CLOSING, LETTER, OPENING, Replaying, letter, lines, replaying

PLAIN = dialogue(
    """
    S: 220 mail.example.org ESMTP ready
    C: EHLO app.example.org
    S: 250-mail.example.org
    S: 250-PIPELINING
    S: 250 STARTTLS
    """
)
STARTTLS = "C: STARTTLS\nS: 220 2.0.0 Ready to start TLS"
UNDER_TLS = dialogue(
    """
    C: EHLO app.example.org
    S: 250-mail.example.org
    S: 250-PIPELINING
    S: 250 AUTH PLAIN LOGIN
    """
)
AUTH = "C: AUTH PLAIN {}\nS: 235 2.7.0 Welcome"
GREETING = PLAIN.splitlines()[0]


def encrypted(client: Client, before: str, after: str) -> str:
    """Play a dialogue in which TLS begins between two parts, and return what was heard of it."""
    heard = client.played(before)
    client.server.secured()
    return lines(heard, client.played(after))


def unread(recorded: Cassette, at: int = 0) -> Cassette:
    """Return a cassette in one session of which octets passed unread."""
    recorded.sessions[at].opaque = "STARTTLS"
    return recorded


def test_what_was_recorded_over_tls_is_replayed_over_tls() -> None:
    """STARTTLS is offered and answered, and what follows is found behind it; all of it is used."""
    recorded = (
        lines(PLAIN, STARTTLS),
        lines(UNDER_TLS, AUTH.format("[redacted]"), LETTER, CLOSING),
    )
    live = (recorded[0], recorded[1].replace("[redacted]", "AGJvYgBzZWNyZXQ="))
    replay = replaying(lines(*recorded))
    assert encrypted(replay.client(), *live) == lines(*live)
    assert (replay.misses, replay.unused) == ([], 0)


def test_ehlo_behind_tls_is_its_own() -> None:
    """RFC 3207 §4.2: the answer to the EHLO in plain text is forgotten, and never given again."""
    replay = replaying(lines(PLAIN, STARTTLS, "C: NOOP", "S: 250 yes"))
    client = replay.client()
    client.played(lines(PLAIN, STARTTLS))
    client.server.secured()
    assert client.says("EHLO app.example.org").startswith(b"554 5.3.0 smtpproxy: replay miss 1")


def test_letters_of_both_kinds_are_told_apart() -> None:
    """What was sent under TLS is not replayed to a client without it, and the other way round."""
    under = lines(PLAIN, STARTTLS, UNDER_TLS, letter(1, "b"))
    replay = replaying(under, lines(PLAIN, letter(2, "c")))
    client = replay.client()
    assert client.played(lines(PLAIN, letter(2, "c"))) == lines(PLAIN, letter(2, "c"))
    client = replay.client()
    client.played(lines(PLAIN, letter(1, "b")))
    assert [(miss.verdict, miss.stage) for miss in replay.misses] == [(ALREADY_USED, "MAIL")]
    live = (lines(PLAIN, STARTTLS), lines(UNDER_TLS, letter(1, "b")))
    assert encrypted(replay.client(), *live) == lines(*live)


OVER_TLS = lines(PLAIN, STARTTLS, UNDER_TLS, letter(1))
NEVER = OPENING


def missed(replay: Replaying) -> list[tuple[str, str]]:
    """Return where something was missed, and which of the two was under TLS alone."""
    return [(miss.stage, miss.tls) for miss in replay.misses]


def test_what_was_recorded_under_tls_alone() -> None:
    """Who leaves TLS out is told that this is the difference; nothing is to be pasted."""
    replay = replaying(OVER_TLS)
    client = replay.client()
    client.played(PLAIN)
    assert b"it was recorded under TLS, which" in client.says("MAIL FROM:<a@example.org>")
    assert missed(replay) == [("MAIL", RECORDING)]
    assert "  tls      let the client begin TLS" in explained(replay.misses[0])
    assert "add" not in explained(replay.misses[0])
    assert reported(replay.misses[0]).tls == "recording"


def test_what_was_recorded_without_tls_alone() -> None:
    """Who begins TLS where others did, and sends what was recorded without, is told."""
    replay = replaying(OVER_TLS, lines(PLAIN, letter(2, "c").replace("<a@", "<z@")))
    client = replay.client()
    client.played(lines(PLAIN, STARTTLS))
    client.server.secured()
    client.played(UNDER_TLS)
    client.says("MAIL FROM:<z@example.org>")
    assert missed(replay) == [("MAIL", CONNECTION)]
    assert "it was recorded without TLS, which this connection asked for" in str(replay.misses[0])


def test_starttls_where_there_never_was_tls() -> None:
    """That nothing was recorded under it is said at STARTTLS."""
    replay = replaying(lines(NEVER, LETTER))
    client = replay.client()
    client.played(NEVER)
    assert client.says("STARTTLS").startswith(b"454 ")
    assert missed(replay) == [("STARTTLS", CONNECTION)]


def test_tls_is_not_the_difference() -> None:
    """Where both were under TLS, or neither, or it was never recorded, nothing is told of it."""
    replay = replaying(OVER_TLS, lines(PLAIN, letter(2)))
    client = replay.client()
    client.played(PLAIN)
    client.says("MAIL FROM:<z@example.org>")
    client.says("RSET", "VRFY z")
    assert missed(replay) == [("MAIL", ""), ("VRFY", "")]
    plain = Replaying(cassette(OVER_TLS), plain=True)
    client = plain.client()
    client.played(UNDER_TLS)
    client.says("MAIL FROM:<z@example.org>")
    assert missed(plain) == [("MAIL", "")]


def test_starttls_that_was_refused_is_refused_again() -> None:
    """What needs no TLS to be replayed is offered, so that a client says again what it said."""
    text = lines(PLAIN, "C: STARTTLS\nS: 454 4.7.0 Not now", LETTER)
    replay = replaying(text)
    assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


def test_a_session_that_was_not_read_does_not_spoil_another() -> None:
    """STARTTLS is offered where at least one session behind this EHLO was followed."""
    text = lines(PLAIN, STARTTLS)
    for at in (0, 1):
        sessions = [text, text]
        sessions[1 - at] = lines(text, UNDER_TLS, LETTER)
        replay = Replaying(unread(cassette(*sessions), at))
        live = (text, lines(UNDER_TLS, LETTER))
        assert encrypted(replay.client(), *live) == lines(*live)
        assert (replay.misses, replay.unused) == ([], 0)


def test_a_client_in_plain_text_gets_what_was_recorded_over_tls() -> None:
    """If asked for: EHLO is answered as under TLS, and the transactions stand behind it."""
    recorded = cassette(lines(PLAIN, STARTTLS, UNDER_TLS, LETTER, CLOSING))
    replay = Replaying(recorded, plain=True)
    live = lines(GREETING, UNDER_TLS, LETTER, CLOSING)
    assert replay.client().played(live) == live
    assert (replay.misses, replay.unused) == ([], 0)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(lines(OPENING, LETTER, CLOSING), id="plain"),
        pytest.param(lines(OPENING, letter(1), letter(2, "c"), CLOSING), id="two letters"),
        pytest.param(lines(OPENING, AUTH.format("[redacted]"), LETTER), id="AUTH"),
    ],
)
def test_a_cassette_in_plain_text_is_replayed_the_same(text: str) -> None:
    """Where no session began TLS there is nothing to leave out."""
    replay = Replaying(cassette(text), plain=True)
    assert replay.client().played(text) == text
    assert (replay.misses, replay.unused) == ([], 0)


def test_in_plain_text_starttls_that_was_refused_is_left_out() -> None:
    """A client that does not ask for TLS finds what was sent behind the refusal."""
    recorded = cassette(lines(OPENING, "C: STARTTLS\nS: 454 4.7.0 Not now", LETTER))
    replay = Replaying(recorded, plain=True)
    live = lines(OPENING, LETTER)
    assert replay.client().played(live) == live
    assert (replay.misses, replay.unused) == ([], 0)


def test_in_plain_text_nothing_is_taken_from_a_session_that_was_not_read() -> None:
    """Its letters in plain text stay, and STARTTLS is neither offered nor answered."""
    recorded = unread(cassette(lines(PLAIN, letter(1), STARTTLS)))
    replay = Replaying(recorded, plain=True)
    client = replay.client()
    assert client.says("EHLO app.example.org") == b"250-mail.example.org\r\n250 PIPELINING\r\n"
    assert client.played(letter(1)) == letter(1)
    assert client.says("STARTTLS").startswith(b"454 4.7.0 smtpproxy: replay miss 1")


@pytest.mark.parametrize("hellos", [2, 3])
def test_a_client_whose_tls_ends_at_the_proxy(hellos: int) -> None:
    """It says EHLO again behind STARTTLS, of which the cassette knows nothing, and is answered."""
    replay = replaying(lines(OPENING, LETTER, CLOSING))
    client = replay.opened()
    hello = lines(*OPENING.splitlines()[1:])
    for _ in range(hellos - 1):
        assert client.played(hello) == hello
    assert client.played(lines(LETTER, CLOSING)) == lines(LETTER, CLOSING)
    assert (replay.misses, replay.unused) == ([], 0)
