"""A session on its two connections: order, backpressure, and how it ends."""

from __future__ import annotations

import pytest

from smtpproxy.net.session import LINGER
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from tests.allocated import memory
from tests.net.sessions import Conversation, greeted

DATA_AGREED = b"354 go on\r\n"


def test_octets_pass_as_they_are() -> None:
    """Both sides get what the other sent, octet for octet, also where it is odd."""
    talk = Conversation()
    talk.connect_upstream()
    talk.server.receive(b"220-mail.example.org\r\n220 ESMTP\n")
    talk.client.receive(b"ehLO  a.example.org \r\nNoop\n")
    talk.server.receive(b"250 ok\r\n500 what\r\n")
    assert talk.server.taken == b"ehLO  a.example.org \r\nNoop\n"
    assert talk.client.taken == b"220-mail.example.org\r\n220 ESMTP\n250 ok\r\n500 what\r\n"


def test_no_octet_waits_to_be_gathered() -> None:
    """Both connections send at once what they are given: SMTP goes back and forth."""
    talk = greeted()
    assert talk.client.nodelay
    assert talk.server.nodelay


def test_what_comes_before_upstream_is_kept() -> None:
    """A client that is early loses nothing: upstream gets it when it is there."""
    talk = Conversation()
    talk.client.receive(b"EHLO a.example.org\r\n")
    assert talk.upstream.asked == 1
    talk.connect_upstream()
    assert talk.server.taken == b"EHLO a.example.org\r\n"


def test_an_upstream_that_does_not_read_pauses_the_client() -> None:
    """A short write to upstream stops the reading of the client until all of it is out."""
    talk = greeted()
    talk.server.room = 5
    talk.client.receive(b"NOOP one\r\n")
    assert not talk.client.reading
    assert talk.server.reading
    talk.server.flow(2)
    assert not talk.client.reading
    talk.server.flow()
    assert talk.client.reading
    assert talk.server.taken == b"NOOP one\r\n"


def test_a_client_that_does_not_read_pauses_both() -> None:
    """A short write to the client stops upstream, and the client whose commands make more."""
    talk = greeted()
    talk.client.receive(b"EHLO a\r\n")
    talk.client.room = 5
    talk.server.receive(b"250 mail.example.org\r\n")
    assert not talk.server.reading
    assert not talk.client.reading
    talk.client.flow()
    assert talk.server.reading
    assert talk.client.reading
    assert talk.client.taken == b"250 mail.example.org\r\n"


def test_a_client_is_read_only_when_nothing_speaks_against_it() -> None:
    """Of two reasons not to read the client, the end of one is not enough."""
    talk = greeted()
    talk.client.receive(b"EHLO a\r\n")
    talk.client.room = 0
    talk.server.room = 0
    talk.client.receive(b"NOOP\r\n")
    talk.server.receive(b"250 ok\r\n")
    talk.server.flow()
    assert not talk.client.reading
    talk.client.flow()
    assert talk.client.reading


def test_too_many_commands_in_flight() -> None:
    """A client with a thousand commands unanswered is not read until one is answered."""
    talk = greeted()
    talk.client.receive(b"NOOP\r\n" * (DEFAULT_LIMITS.max_in_flight - 1))
    assert talk.client.reading
    talk.client.receive(b"NOOP\r\n")
    assert not talk.client.reading
    talk.server.receive(b"250 ok\r\n")
    assert talk.client.reading


def test_too_much_held_back() -> None:
    """What a client sends behind DATA before the 354 is held, and no more than the limit."""
    talk = greeted()
    talk.client.receive(b"DATA\r\n" + bytes(DEFAULT_LIMITS.max_held))
    assert talk.client.reading
    talk.client.receive(b"x")
    assert not talk.client.reading
    assert talk.server.taken == b"DATA\r\n"
    talk.server.receive(DATA_AGREED)
    assert talk.client.reading
    assert talk.server.taken == b"DATA\r\n" + bytes(DEFAULT_LIMITS.max_held) + b"x"


def test_half_close_is_carried_over() -> None:
    """A client that says QUIT and no more still hears the answer; then both are closed."""
    talk = greeted()
    talk.client.receive(b"QUIT\r\n")
    talk.client.peer_half_closes()
    talk.server.flow()
    assert (talk.server.taken, talk.server.ended) == (b"QUIT\r\n", "half-closed")
    talk.server.receive(b"221 bye\r\n")
    assert talk.client.taken == b"221 bye\r\n"
    talk.server.peer_closes()
    talk.flow()
    assert talk.client.ended == "closed"
    assert talk.gone == [talk.session]
    assert talk.heard.how == ["quit"]


def test_the_unfinished_line_goes_before_the_half_close() -> None:
    """What a client sent without a line ending is relayed all the same, and noted."""
    talk = greeted()
    talk.client.receive(b"QUI")
    talk.client.peer_half_closes()
    talk.server.flow()
    assert (talk.server.taken, talk.server.ended) == (b"QUI", "half-closed")
    assert ("unfinished-line", "client") in talk.heard.notes


def test_the_end_of_upstream_is_carried_over() -> None:
    """Upstream's end reaches the client behind all that upstream said."""
    talk = greeted()
    talk.client.receive(b"NOOP\r\n")
    talk.server.receive(b"250-half of a reply\r\n250 the re")
    talk.server.peer_closes()
    talk.client.flow()
    assert talk.client.taken == b"250-half of a reply\r\n250 the re"
    assert talk.client.ended == "half-closed"
    talk.client.peer_closes()
    assert talk.gone == [talk.session]
    assert talk.heard.how == ["upstream-drop"]
    assert talk.heard.exchanges == [("CONNECT", 220), ("NOOP", None)]


def test_a_reset_by_the_client_is_carried_over() -> None:
    """Upstream sees a reset, and never an orderly end, where the client reset."""
    talk = greeted()
    talk.client.receive(b"DATA\r\n")
    talk.server.receive(DATA_AGREED)
    talk.client.receive(b"half of a mess")
    talk.client.peer_resets()
    talk.flow()
    assert (talk.server.taken, talk.server.ended) == (b"DATA\r\nhalf of a mess", "aborted")
    assert talk.gone == [talk.session]
    assert talk.heard.how == ["client-reset"]


def test_a_reset_by_upstream_is_carried_over() -> None:
    """The client sees a reset where upstream reset."""
    talk = greeted()
    talk.server.peer_resets()
    talk.flow()
    assert talk.client.ended == "aborted"
    assert talk.gone == [talk.session]
    assert talk.heard.how == ["upstream-reset"]


def test_a_half_closed_session_does_not_linger_forever() -> None:
    """Where the other side never ends either, both are aborted after a while."""
    talk = greeted()
    talk.client.peer_half_closes()
    talk.flow()
    talk.clock.advance(LINGER - 1)
    assert talk.gone == []
    talk.clock.advance(1)
    talk.flow()
    assert (talk.client.ended, talk.server.ended) == ("aborted", "aborted")
    assert talk.gone == [talk.session]


def test_an_upstream_that_is_not_there() -> None:
    """The client hears 421 and is closed (RFC 5321 §3.8), and the reason is noted."""
    talk = Conversation()
    talk.session.upstream_failed("upstream refused the connection")
    talk.flow()
    assert talk.client.taken.startswith(b"421 ")
    assert talk.client.taken.endswith(b"\r\n")
    assert talk.client.taken.count(b"\n") == 1
    assert talk.client.ended == "closed"
    assert talk.heard.notes == [("upstream-unreachable", "upstream refused the connection")]
    assert talk.heard.how == ["upstream-unreachable"]
    assert talk.gone == [talk.session]


@pytest.mark.parametrize("reset", [False, True])
def test_a_client_that_does_not_wait_for_upstream(reset: bool) -> None:
    """Where the client is gone, the connecting is given up, and a late upstream is hung up on."""
    talk = Conversation()
    (talk.client.peer_resets if reset else talk.client.peer_closes)()
    assert talk.upstream.given_up == 1
    assert talk.gone == [talk.session]
    assert talk.clock.getDelayedCalls() == []
    talk.connect_upstream()
    talk.server.flow()
    assert (talk.server.taken, talk.server.ended) == (b"", "aborted")
    assert talk.gone == [talk.session]


def test_a_client_that_half_closes_while_upstream_connects() -> None:
    """It has said all that it will say, and still waits for the answers."""
    talk = Conversation()
    talk.client.receive(b"QUIT\r\n")
    talk.client.peer_half_closes()
    assert talk.upstream.given_up == 0
    talk.connect_upstream()
    talk.server.flow()
    assert (talk.server.taken, talk.server.ended) == (b"QUIT\r\n", "half-closed")


def test_a_rule_that_refuses_asks_no_upstream() -> None:
    """A refusal at CONNECT is made here: upstream is never connected to."""
    talk = Conversation("CONNECT: 554 no service here")
    talk.client.flow()
    assert talk.upstream.asked == 0
    assert talk.client.taken == b"554 no service here\r\n"


def test_a_rule_that_drops_closes_both() -> None:
    """After `client: drop` the client is closed without an answer, and so is upstream."""
    talk = greeted("NOOP: drop")
    talk.client.receive(b"NOOP\r\n")
    talk.flow()
    assert (talk.client.taken, talk.client.ended) == (b"", "closed")
    assert talk.server.ended == "closed"
    assert talk.gone == [talk.session]


def test_a_delayed_reply_keeps_its_place() -> None:
    """What follows a delayed reply waits with it, and upstream is not kept waiting."""
    talk = greeted("NOOP: {delay: 30 s}")
    talk.client.receive(b"NOOP\r\nHELP\r\n")
    assert talk.server.taken == b"NOOP\r\nHELP\r\n"
    talk.server.receive(b"250 ok\r\n214 help\r\n")
    talk.clock.advance(29)
    assert talk.client.taken == b""
    talk.clock.advance(1)
    assert talk.client.taken == b"250 ok\r\n214 help\r\n"


def test_told_to_end_the_proxy_says_421_once() -> None:
    """A session that the proxy ends hears 421, and both sides are closed in order."""
    talk = greeted()
    talk.session.shut_down("shutdown")
    talk.session.shut_down("shutdown")
    talk.flow()
    assert talk.client.taken.startswith(b"421 ")
    assert talk.client.taken.count(b"\r\n") == 1
    assert (talk.client.ended, talk.server.ended) == ("closed", "closed")
    assert talk.heard.how == ["shutdown"]
    assert talk.gone == [talk.session]


def test_told_to_end_while_upstream_connects() -> None:
    """The client hears 421 at once, and nobody waits for upstream any more."""
    talk = Conversation()
    talk.session.shut_down("shutdown")
    talk.client.flow()
    assert talk.client.taken.startswith(b"421 ")
    assert talk.client.ended == "closed"
    assert talk.upstream.given_up == 1
    assert talk.gone == [talk.session]


def test_an_abort_waits_for_nobody() -> None:
    """Aborted, a session ends though its peers read nothing."""
    talk = greeted()
    talk.client.room = 0
    talk.session.shut_down("shutdown")
    talk.session.abort()
    talk.flow()
    assert talk.client.taken == b""
    assert talk.gone == [talk.session]


def test_a_segment_of_single_lines_costs_little(monkeypatch: pytest.MonkeyPatch) -> None:
    """A line is a fact and a thing to do: a segment of nothing else is taken bit by bit."""
    talk = greeted()
    monkeypatch.setattr(talk.heard, "noted", lambda *_: None)
    lines = b"\n" * 65536
    assert memory(lambda: talk.server.receive(lines), peak=True) < 1024 * 1024
    assert talk.client.taken == lines
