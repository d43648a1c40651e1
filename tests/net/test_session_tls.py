"""A session whose legs are encrypted: what it does with its connections, and when."""

from __future__ import annotations

from typing import Any

import pytest

from smtpproxy.actions import Side
from smtpproxy.encryption import MIRROR, TERMINATE
from tests.net.sessions import Conversation
from tests.net.transports import Socket

OFFER = b"250-mail.example.org\r\n250 STARTTLS\r\n"
UNAVAILABLE = b"454 4.7.0 TLS not available due to temporary reason\r\n"


def asked(relation: str = MIRROR) -> Conversation:
    """Return a conversation whose client has asked for TLS."""
    one = Conversation(relation=relation)
    one.connect_upstream()
    one.server.receive(b"220 mail.example.org\r\n")
    one.client.receive(b"EHLO a\r\n")
    one.server.receive(OFFER)
    one.client.receive(b"STARTTLS\r\n")
    one.client.taken = one.server.taken = b""
    return one


def upgraded() -> Conversation:
    """Return a conversation both of whose legs are encrypted."""
    one = asked()
    one.server.receive(b"220 Go\r\n")
    one.shake_hands(Side.UPSTREAM)
    one.shake_hands(Side.CLIENT)
    one.client.taken = b""
    return one


def test_mirror_begins_with_upstream() -> None:
    """The client's 220, and its handshake, come behind upstream's handshake."""
    one = asked()
    one.server.receive(b"220 Go\r\n")
    assert (one.server.contexts, one.client.contexts) == (["client"], [])
    assert one.client.taken == b""
    one.shake_hands(Side.UPSTREAM)
    assert one.client.taken == b"220 Go\r\n"
    assert one.client.contexts == ["server"]


def test_terminate_asks_nobody() -> None:
    """Upstream's connection stays as it was."""
    one = asked(TERMINATE)
    assert (one.server.contexts, one.client.contexts) == ([], ["server"])
    assert one.server.taken == b""


def test_octets_pass_both_ways_under_tls() -> None:
    """What comes decrypted is relayed as ever, and nothing of it goes straight to a socket."""
    one = upgraded()
    one.client.receive(b"EHLO again\r\n")
    assert one.server.taken == b""
    one.flow()
    assert one.server.taken == b"EHLO again\r\n"
    one.server.receive(OFFER)
    one.flow()
    assert one.client.taken == b"250 mail.example.org\r\n"


def test_a_handshake_that_fails_leads_to_another_connection() -> None:
    """The client hears 454; upstream is connected to anew, and what the client says then waits."""
    one = asked()
    one.server.receive(b"220 Go\r\n")
    one.server.peer_resets()
    assert one.client.taken == UNAVAILABLE
    assert one.upstream.asked == 2
    one.client.receive(b"NOOP\r\n")
    one.server = Socket()
    one.connect_upstream()
    one.server.receive(b"220 mail.example.org\r\n")
    assert one.server.taken == b"EHLO a\r\n"
    one.server.receive(OFFER)
    assert one.server.taken == b"EHLO a\r\nNOOP\r\n"
    assert one.gone == []


def test_the_client_leaves_while_upstream_is_connected_to_anew() -> None:
    """Nobody waits for that connection any more."""
    one = asked()
    one.server.receive(b"220 Go\r\n")
    one.server.peer_resets()
    one.client.peer_closes()
    assert one.upstream.given_up == 1
    assert one.gone == [one.session]
    assert one.heard.how == ["client-drop"]


@pytest.mark.parametrize("side", Side)
def test_a_handshake_is_not_waited_for_for_ever(side: Side) -> None:
    """A minute is enough for either side; upstream's failure costs the client no connection."""
    one = asked()
    one.server.receive(b"220 Go\r\n")
    if side is Side.CLIENT:
        one.shake_hands(Side.UPSTREAM)
    one.session.look(one.clock.seconds())
    one.clock.advance(61)
    one.session.look(one.clock.seconds())
    late, other = (one.client, one.server) if side is Side.CLIENT else (one.server, one.client)
    assert late.ended == "aborted"
    late.flow()
    other.flow()
    assert ("timeout", f"{side.name.lower()} TLS") in one.heard.notes
    assert (other.ended == "") is (side is Side.UPSTREAM)


def test_a_client_that_breaks_its_handshake_off_ends_the_session() -> None:
    """Upstream is left, too."""
    one = asked()
    one.server.receive(b"220 Go\r\n")
    one.shake_hands(Side.UPSTREAM)
    one.client.peer_resets()
    assert ("tls-failed", "client: handshake broken off") in one.heard.notes
    one.flow()
    assert one.server.ended == "closed"
    assert one.gone == [one.session]
    assert one.heard.how == ["tls-failed"]


def test_close_notify_is_no_end_of_a_message() -> None:
    """The client ends in order in the midst of its mail data: no final dot is ever sent."""
    one = upgraded()
    for command, reply in (
        (b"EHLO a\r\n", b"250 mail.example.org\r\n"),
        (b"MAIL FROM:<a@example.org>\r\n", b"250 Ok\r\n"),
        (b"RCPT TO:<b@example.net>\r\n", b"250 Ok\r\n"),
        (b"DATA\r\n", b"354 Go\r\n"),
    ):
        one.client.receive(command)
        one.server.receive(reply)
    one.client.receive(b"Subject: cut sh")
    one.client.peer_closes()
    one.flow()
    assert one.server.taken.endswith(b"DATA\r\nSubject: cut sh")
    assert one.server.ended == "closed"
    assert "END-OF-DATA" not in dict(one.heard.exchanges)


def test_a_connection_that_was_cut_is_carried_over_as_a_reset() -> None:
    """Without close_notify anybody may have cut it; the fact says so."""
    one = upgraded()
    one.client.peer_resets()
    assert ("tls-failed", "client: closed without close_notify") in one.heard.notes
    assert one.server.ended == "aborted"


def test_without_anything_to_encrypt_with_nothing_goes_on() -> None:
    """A session that was given none breaks off rather than go on in plain text."""
    one = Conversation(relation=TERMINATE, secure=False)
    one.connect_upstream()
    one.server.receive(b"220 mail.example.org\r\n")
    one.client.receive(b"STARTTLS\r\n")
    assert one.client.ended == "aborted"


@pytest.mark.parametrize("length", [4094, 4095, 4096, 4097, 8192])
def test_no_cut_hides_what_comes_behind_upstreams_220(length: int) -> None:
    """A session takes octets piece by piece: what is in the piece behind the 220 is plain text."""
    one = asked()
    lines = (length - 16) // 1024
    go = (b"220-" + b"x" * 1018 + b"\r\n") * lines
    go += b"220 " + b"y" * (length - len(go) - 6) + b"\r\n"
    assert len(go) == length
    one.server.receive(go + b"454 4.7.0 Stay in plain text\r\n")
    assert one.client.taken == b"421 4.7.0 mail.example.org Octets behind STARTTLS\r\n"
    assert ("starttls-injection", "upstream") in one.heard.notes


def test_what_upstream_says_meanwhile_stops_no_handshake() -> None:
    """Twisted can't encrypt it yet and asks to stop; but the client's handshake must be read."""
    one = asked(TERMINATE)
    one.server.receive(b"421 4.4.2 Idle for too long\r\n")
    producer: Any = one.client.producer
    producer.pauseProducing()
    assert one.client.reading
    assert not one.server.reading
    one.session.look(one.clock.seconds())
    one.clock.advance(61)
    one.session.look(one.clock.seconds())
    assert ("timeout", "client TLS") in one.heard.notes
