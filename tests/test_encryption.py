"""STARTTLS in each relation of the legs: who is asked, who hears what, and in which order."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side
from smtpproxy.deadlines import Awaited
from smtpproxy.encryption import MIRROR, OPAQUE, ORIGINATE, RELATIONS, STRIP, TERMINATE, Encryption
from smtpproxy.introduction import Introduction
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from tests.dialogue import FACTS, GREETED, Conversation

EHLO = """
    C: EHLO app.example.org
    > EHLO app.example.org
    U: 250-mail.example.org
    U: 250-STARTTLS
    U: 250 PIPELINING
"""
OFFERED = (
    GREETED
    + EHLO
    + """
    S: 250-mail.example.org
    S: 250-STARTTLS
    S: 250 PIPELINING
"""
)
NOT_OFFERED = (
    GREETED
    + EHLO
    + """
    S: 250-mail.example.org
    S: 250 PIPELINING
"""
)
ASKED = """
    C: STARTTLS
    > STARTTLS
    U: 220 Go ahead
    (upstream: start tls)
"""
BOTH = (
    ASKED
    + """
    TLS: upstream
    S: 220 Go ahead
    (client: start tls)
    TLS: client
"""
)


def talk(relation: str = MIRROR, *rules: str, ready: str = "") -> Conversation:
    """Return a conversation whose legs relate so."""
    return Conversation(*rules, tls=Encryption(relation, lambda: ready))


def test_mirror_encrypts_upstream_first() -> None:
    """The client hears 220 once upstream's leg is encrypted, and not before."""
    one = talk()
    one.play(OFFERED + BOTH)
    assert [note for note in one.witness.notes if note[0] == "tls"] == [
        ("tls", "upstream"),
        ("tls", "client"),
    ]
    assert one.witness.codes()[-1] == ("STARTTLS", 220)
    assert one.relay.state.secure


def test_what_was_learned_in_plain_text_is_forgotten() -> None:
    """RFC 3207 §4.2: the client's name, the keywords and the envelope."""
    one = talk()
    one.play(OFFERED)
    one.play(
        "C: MAIL FROM:<a@example.org>\n> MAIL FROM:<a@example.org>\nU: 250 Ok\nS: 250 Ok\n" + BOTH
    )
    state = one.relay.state
    assert (state.phase, state.helo, state.keywords, state.sender) == ("greeted", b"", {}, None)
    one.play("C: EHLO again.example.org\n> EHLO again.example.org\nU: 250 mail\nS: 250 mail")
    assert state.helo == b"again.example.org"


@pytest.mark.parametrize("code", ["454 4.7.0 Not now", "502 5.5.1 What?", "250 2.0.0 Fine"])
def test_mirror_relays_a_refusal(code: str) -> None:
    """Where upstream does not say 220, the client hears that, and neither leg is encrypted."""
    one = talk()
    one.play(OFFERED + f"C: STARTTLS\n> STARTTLS\nU: {code}\nS: {code}")
    one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")
    assert "start tls" not in " ".join(one.done)


def test_mirror_relays_that_upstream_does_not_offer_it() -> None:
    """A keyword that upstream has dropped is dropped for the client."""
    one = talk()
    one.play(GREETED + "C: EHLO a\n> EHLO a\nU: 250-mail\nU: 250 SIZE\nS: 250-mail\nS: 250 SIZE")


def test_without_tls_upstream_the_client_stays_in_plain_text() -> None:
    """The client hears 454 and may go on; upstream is connected to and greeted anew."""
    one = talk()
    one.play(OFFERED + ASKED)
    one.play(
        """
        NO TLS: upstream
        S: 454 4.7.0 TLS not available due to temporary reason
        (upstream: reset)
        (upstream: connect)
        C: MAIL FROM:<a@example.org>
        U: 220 mail.example.org ESMTP
        > EHLO app.example.org
        U: 250 mail.example.org
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        """
    )
    assert ("tls-failed", "upstream: no trust") in one.witness.notes
    asked = one.witness.exchanges[2]
    assert asked.said is not None and asked.said.code == 220
    assert (asked.by, asked.forwarded) == ("proxy", True)


def test_an_open_envelope_went_with_its_connection() -> None:
    """Upstream's next connection knows nothing of it, and neither do rules."""
    one = talk()
    one.play(
        OFFERED + "C: MAIL FROM:<a@example.org>\n> MAIL FROM:<a@example.org>\nU: 250 Ok\nS: 250 Ok"
    )
    one.play(ASKED + "NO TLS: upstream\nS: 454 4.7.0 TLS not available due to temporary reason")
    assert (one.relay.state.sender, one.relay.state.phase) == (None, "idle")


@pytest.mark.parametrize("refusal", ["554 no", "220 mail\n> EHLO app.example.org\nU: 421 no"])
def test_an_upstream_that_does_not_take_us_back_ends_the_session(refusal: str) -> None:
    """There is nobody who could answer the client."""
    one = talk()
    one.play(
        OFFERED + ASKED + "NO TLS: upstream\nS: 454 4.7.0 TLS not available due to temporary reason"
    )
    one.play(
        f"U: {refusal}\n"
        "S: 421 mail.example.org Service not available, closing transmission channel\n"
        "(client: close)\n(upstream: close)"
    )


def test_terminate_answers_here() -> None:
    """Upstream neither has to offer STARTTLS nor hears of it."""
    one = talk(TERMINATE)
    one.play(
        GREETED
        + """
        C: EHLO a
        > EHLO a
        U: 250-mail
        U: 250 SIZE
        S: 250-mail
        S: 250-SIZE
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 2.0.0 Ready to start TLS
        (client: start tls)
        TLS: client
        C: EHLO a
        > EHLO a
        U: 250-mail
        U: 250-STARTTLS
        U: 250 SIZE
        S: 250-mail
        S: 250 SIZE
        """
    )
    assert one.witness.codes() == [
        ("CONNECT", 220),
        ("EHLO", 250),
        ("STARTTLS", 220),
        ("EHLO", 250),
    ]


def test_mirror_encrypts_upstream_for_a_client_that_has_tls_already() -> None:
    """Both or none: such a client never asks, so upstream is asked before it is greeted."""
    one = Conversation(tls=Encryption(MIRROR), connected=False)
    one.take(one.relay.secured(Side.CLIENT, None))
    one.take(one.relay.connected())
    one.play(
        "(upstream: connect)\nU: 220 mail.example.org\n> EHLO smtpproxy.localhost\n"
        "U: 250-mail.example.org\nU: 250 STARTTLS\n> STARTTLS\nU: 220 Go\n(upstream: start tls)\n"
        "TLS: upstream\nS: 220 mail.example.org"
    )


def test_mirror_leaves_what_is_in_this_process_as_it_is() -> None:
    """Between the proxy and its own sink nobody listens."""
    one = Conversation(tls=Encryption(MIRROR, within=True), connected=False)
    one.take(one.relay.secured(Side.CLIENT, None))
    one.take(one.relay.connected())
    one.play(GREETED)


@pytest.mark.parametrize("relation", [STRIP, ORIGINATE])
def test_where_the_client_gets_no_tls_it_is_not_offered(relation: str) -> None:
    """Its keyword is gone, and who asks all the same is refused here."""
    one = talk(relation)
    one.play(NOT_OFFERED + "C: STARTTLS\nS: 502 5.5.1 STARTTLS is not offered")
    one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")
    assert one.witness.exchanges[1].said != one.witness.exchanges[1].heard
    assert [exchange.by for exchange in one.witness.exchanges[1:3]] == ["proxy", "proxy"]


@pytest.mark.parametrize("relation", [MIRROR, TERMINATE])
def test_what_can_not_be_had_is_refused_at_once(relation: str) -> None:
    """Without a certificate to show, the client hears 454, and upstream is not asked."""
    one = talk(relation, ready="client: no certificate")
    one.play(OFFERED)
    one.play("C: STARTTLS\nS: 454 4.7.0 TLS not available due to temporary reason")
    one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")
    assert ("tls-failed", "client: no certificate") in one.witness.notes


def test_nobody_encrypts_twice() -> None:
    """Behind TLS, STARTTLS is refused here (RFC 3207 §4.2: it is not offered any more)."""
    one = talk()
    one.play(OFFERED + BOTH + "C: STARTTLS\nS: 503 5.5.1 TLS is active already")


def test_a_rule_may_refuse_tls() -> None:
    """Upstream is not asked for what the client does not get."""
    one = talk(MIRROR, "STARTTLS: 454")
    one.play(OFFERED + "C: STARTTLS\nS: 454 4.7.0 TLS not available due to temporary reason")


def test_a_refusal_told_behind_220_ends_the_session() -> None:
    """Upstream waits for a handshake that the client was told not to begin."""
    book = "STARTTLS: {reply: 454, upstream: forward}"
    one = talk(MIRROR, book)
    one.play(
        OFFERED + "C: STARTTLS\n> STARTTLS\nU: 220 Go ahead\n"
        "S: 454 4.7.0 TLS not available due to temporary reason\n(client: close)\n(upstream: close)"
    )


EARLY = [b"X", b"NOOP\r\n", b"EHLO app.example.org\r\n", b"MAIL FROM:<a@example.org>\r\nRCPT"]


@pytest.mark.parametrize("relation", [MIRROR, TERMINATE])
@pytest.mark.parametrize("early", EARLY)
def test_octets_behind_starttls_end_the_session(relation: str, early: bytes) -> None:
    """In the same segment or cut anywhere: none of them is ever taken for a command."""
    octets = b"STARTTLS\r\n" + early
    for cut in range(len(octets) + 1):
        one = talk(relation)
        one.play(OFFERED)
        one.client(octets[:cut])
        one.client(octets[cut:])
        upward, downward = one.unread(Side.UPSTREAM), one.unread(Side.CLIENT)
        asked = relation == MIRROR and cut == len(b"STARTTLS\r\n")
        assert upward == (b"STARTTLS\r\n" if asked else b"")
        assert downward.endswith(b"421 4.7.0 mail.example.org Octets behind STARTTLS\r\n")
        assert ("starttls-injection", "client") in one.witness.notes
        assert list(one.done)[-2:] == ["client: close", "upstream: close"]
        assert not one.relay.client_received(b"RCPT TO:<b@example.net>\r\n")


@pytest.mark.parametrize("early", [b"2", b"250 Ok\r\n", b"250-mail\r\n250 AUTH PLAIN\r\n"])
def test_octets_behind_220_end_the_session(early: bytes) -> None:
    """What upstream says in plain text behind its 220 never reaches the client.

    What comes in a later segment is TLS's to refuse.
    """
    octets = b"220 Go ahead\r\n" + early
    for cut in range(len(octets) + 1):
        one = talk()
        one.play(OFFERED + "C: STARTTLS\n> STARTTLS")
        one.upstream(octets[:cut])
        if "upstream: start tls" in one.done:
            assert cut == len(b"220 Go ahead\r\n")
            one.take(one.relay.not_secured(Side.UPSTREAM, "what came was not TLS"))
        else:
            one.upstream(octets[cut:])
        assert one.unread(Side.CLIENT) == b"421 4.7.0 mail.example.org Octets behind STARTTLS\r\n"
        assert ("starttls-injection", "upstream") in one.witness.notes
        assert list(one.done)[-2:] == ["client: close", "upstream: close"]


def test_a_reply_that_came_early_is_no_answer_to_starttls() -> None:
    """The client has heard it already: nobody knows what its own 220 would be."""
    one = talk()
    one.play(OFFERED + "U: 220 Go ahead\nS: 220 Go ahead")
    one.play(
        "C: STARTTLS\nS: 421 4.7.0 mail.example.org Octets behind STARTTLS\n"
        "(client: close)\n(upstream: close)"
    )


def test_octets_before_the_client_has_its_220_end_the_session() -> None:
    """Where the 220 is still on its way, what comes is no handshake."""
    one = talk()
    one.play(OFFERED + ASKED + "TLS: upstream\nS: 220 Go ahead\n(client: start tls)")
    one.client(b"EHLO early.example.org\r\n")
    assert ("starttls-injection", "client") in one.witness.notes
    assert b"EHLO" not in one.unread(Side.UPSTREAM)


def test_the_client_breaks_its_handshake_off() -> None:
    """Its connection is gone: so the session ends."""
    one = talk()
    one.play(OFFERED + ASKED + "TLS: upstream\nS: 220 Go ahead\n(client: start tls)")
    one.play("NO TLS: client\n(client: reset)\n(upstream: close)")
    one.relay.finished()
    assert one.witness.how == "tls-failed"


def test_originate_encrypts_before_the_client_is_greeted() -> None:
    """Upstream's leg is encrypted first, and the client hears the greeting as it came."""
    one = Conversation(tls=Encryption(ORIGINATE), introduction=Introduction(starttls=True))
    one.play(
        """
        (upstream: connect)
        U: 220 mail.example.org ESMTP
        > EHLO smtpproxy.localhost
        U: 250-mail.example.org
        U: 250 STARTTLS
        > STARTTLS
        U: 220 Go ahead
        (upstream: start tls)
        TLS: upstream
        S: 220 mail.example.org ESMTP
        C: EHLO a
        > EHLO a
        U: 250-mail
        U: 250-REQUIRETLS
        U: 250-AUTH SCRAM-SHA-256-PLUS
        U: 250 AUTH PLAIN SCRAM-SHA-256-PLUS
        S: 250-mail
        S: 250 AUTH PLAIN
        """
    )


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("U: 250 mail", "upstream does not offer STARTTLS"),
        (
            "U: 250-mail\nU: 250 STARTTLS\n> STARTTLS\nU: 454 no",
            "upstream answered STARTTLS with 454",
        ),
    ],
)
def test_originate_never_goes_on_in_plain_text(script: str, why: str) -> None:
    """Where upstream has no TLS, the client hears 421."""
    one = Conversation(tls=Encryption(ORIGINATE), introduction=Introduction(starttls=True))
    one.play(
        f"U: 220 mail\n> EHLO smtpproxy.localhost\n{script}\n"
        "S: 421 proxy.example.org Service not available, closing transmission channel\n"
        "(client: close)\n(upstream: close)"
    )
    assert ("not-introduced", why) in one.witness.notes


def test_originate_relays_a_greeting_that_refuses_and_ends() -> None:
    """The client hears why; what it says then would go out in plain text."""
    one = Conversation(tls=Encryption(ORIGINATE), introduction=Introduction(starttls=True))
    one.play("U: 554 5.3.2 no\nS: 554 5.3.2 no\n(client: close)\n(upstream: close)")
    one.client(b"MAIL FROM:<a@example.org>\r\n")
    assert one.unread(Side.UPSTREAM) == b""


def test_an_upstream_that_can_not_be_trusted_is_sent_nothing() -> None:
    """Where originate's handshake fails, the session ends."""
    one = Conversation(tls=Encryption(ORIGINATE), introduction=Introduction(starttls=True))
    one.play(
        "U: 220 mail\n> EHLO smtpproxy.localhost\nU: 250-mail\nU: 250 STARTTLS\n> STARTTLS\n"
        "U: 220 Go ahead\n(upstream: start tls)\nNO TLS: upstream\n"
        "S: 421 proxy.example.org Service not available, closing transmission channel\n"
        "(client: close)\n(upstream: close)"
    )


def test_opaque_leaves_all_as_it_is() -> None:
    """Both sides agree among themselves, and nobody reads what follows."""
    one = talk(OPAQUE)
    one.play(OFFERED + "C: STARTTLS\n> STARTTLS\nU: 220 Go\nS: 220 Go")
    one.client(b"\x16\x03\x01")
    assert one.unread(Side.UPSTREAM) == b"\x16\x03\x01"


@pytest.mark.parametrize("relation", RELATIONS)
def test_no_keyword_lies_where_both_legs_are_encrypted_from_the_start(relation: str) -> None:
    """STARTTLS is over, and channels can't be bound through us, in every relation."""
    one = talk(relation)
    one.take(one.relay.secured(Side.CLIENT, None))
    one.take(one.relay.secured(Side.UPSTREAM, None))
    one.play(
        GREETED + "C: EHLO a\n> EHLO a\nU: 250-m\nU: 250-STARTTLS\nU: 250-REQUIRETLS\n"
        "U: 250-AUTH SCRAM-SHA-1-PLUS\nU: 250 SIZE\nS: 250-m\nS: 250-REQUIRETLS\nS: 250 SIZE"
    )


def test_a_handshake_that_takes_too_long_is_broken_off() -> None:
    """It is waited for no longer than said, on either side."""
    one = talk()
    one.play(OFFERED + ASKED)
    awaited = one.relay.awaited()
    assert (awaited.who, awaited.what, awaited.seconds) == ("upstream", "TLS", 60.0)
    one.take(one.relay.late(awaited))
    one.play("(upstream: reset)")
    assert ("timeout", "upstream TLS") in one.witness.notes


def test_shut_down_in_a_handshake_says_nothing_in_plain_text() -> None:
    """The client would take it for TLS."""
    one = talk(TERMINATE)
    one.play(GREETED + "C: STARTTLS\nS: 220 2.0.0 Ready to start TLS\n(client: start tls)")
    one.take(one.relay.shut_down("shutdown"))
    one.play("(client: close)\n(upstream: close)")


def encrypted_upstream() -> Conversation:
    """Return a conversation whose upstream's leg alone is encrypted, behind EHLO."""
    one = talk(ORIGINATE)
    one.take(one.relay.secured(Side.UPSTREAM, None))
    one.play(
        GREETED + "C: EHLO a\n> EHLO a\nU: 250-m\nU: 250 PIPELINING\nS: 250-m\nS: 250 PIPELINING"
    )
    return one


def test_a_half_close_waits_for_all_replies_where_upstream_would_be_closed_whole() -> None:
    """The client still hears what became of its message; then both legs end."""
    one = encrypted_upstream()
    one.play("C: NOOP\nC: QUIT\n> NOOP\n> QUIT")
    one.take(one.relay.client_closed(True))
    assert "upstream: close" not in one.done
    one.play("U: 250 Ok\nS: 250 Ok")
    assert "upstream: close" not in one.done
    one.play("U: 221 Bye\nS: 221 Bye\n(client: close)\n(upstream: close)")


def test_a_half_close_ends_all_where_nothing_is_awaited() -> None:
    """A client that leaves without QUIT takes the encrypted leg with it."""
    one = encrypted_upstream()
    one.take(one.relay.client_closed(True))
    one.play("(client: close)\n(upstream: close)")


def test_the_end_of_upstream_ends_an_encrypted_client_whole() -> None:
    """There is no half-close under TLS, and nobody left to hear it."""
    one = talk(TERMINATE)
    one.take(one.relay.secured(Side.CLIENT, None))
    one.play(GREETED)
    one.take(one.relay.upstream_closed(True))
    one.play("(client: close)\n(upstream: close)")


def test_what_ends_behind_our_own_end_changes_nothing() -> None:
    """An upstream that breaks off while it is being left does not reset the client."""
    one = encrypted_upstream()
    one.take(one.relay.client_closed(True))
    one.done.clear()
    one.take(one.relay.upstream_closed(False))
    assert not one.done


def test_octets_while_upstreams_handshake_is_under_way_end_the_session() -> None:
    """They were read in plain text together with the 220, and are no answer to anything."""
    one = talk()
    one.play(OFFERED + ASKED)
    one.upstream(b"454 4.7.0 Stay in plain text\r\n")
    one.play("S: 421 4.7.0 mail.example.org Octets behind STARTTLS\n(client: close)")
    assert ("starttls-injection", "upstream") in one.witness.notes
    one.upstream(b"250 More\r\n")
    one.play("TLS: upstream")
    assert [note for note in one.witness.notes if note[0] == "starttls-injection"] == [
        ("starttls-injection", "upstream")
    ]


@pytest.mark.parametrize("more", ["", "RCPT TO:<b@example.net>"])
def test_terminate_takes_an_envelope_of_plain_text_back(more: str) -> None:
    """RFC 3207 §4.2: upstream, which sees no TLS, would add recipients under TLS to it."""
    one = talk(TERMINATE)
    one.play(OFFERED)
    for line in filter(None, ("MAIL FROM:<a@example.org>", more)):
        one.play(f"C: {line}\n> {line}\nU: 250 Ok\nS: 250 Ok")
    one.play("C: STARTTLS\nS: 220 2.0.0 Ready to start TLS\nTLS: client\n> RSET")
    one.play("C: RCPT TO:<c@example.net>\n> RCPT TO:<c@example.net>\nU: 250 Flushed")
    one.play("U: 503 5.5.1 MAIL first\nS: 503 5.5.1 MAIL first")


def test_upstream_is_waited_for_while_it_is_connected_to_anew() -> None:
    """The client has had its answer and may rest, but the session rests on upstream's greeting."""
    one = talk()
    one.play(
        OFFERED + ASKED + "NO TLS: upstream\nS: 454 4.7.0 TLS not available due to temporary reason"
    )
    greeting = DEFAULT_LIMITS.greeting_timeout
    assert one.relay.awaited() == Awaited("upstream", "CONNECT", greeting)
    one.play("U: 220 mail.example.org\n> EHLO app.example.org")
    assert one.relay.awaited() == Awaited("upstream", "CONNECT", greeting)
    one.play("U: 250 mail.example.org")
    assert one.relay.awaited() == Awaited("client", "idle", DEFAULT_LIMITS.idle_timeout)


def test_an_upstream_that_leaves_while_it_is_introduced_to_ends_the_session() -> None:
    """The client hears so in the place of a greeting; what it has sent is not sent on."""
    one = Conversation(tls=Encryption(ORIGINATE), introduction=Introduction(starttls=True))
    one.play("U: 220 mail.example.org\n> EHLO smtpproxy.localhost\nC: AUTH PLAIN eA==")
    one.take(one.relay.upstream_closed(True))
    assert one.unread(Side.CLIENT).startswith(b"421 ")
    one.play("(client: close)")
    one.take(one.relay.client_closed(True))
    one.play("")


@pytest.mark.parametrize("relation", [MIRROR, TERMINATE])
def test_no_tls_begins_with_a_client_that_has_ended(relation: str) -> None:
    """It says no hello; where its connection is gone, nothing would ever end the handshake."""
    one = talk(relation)
    one.play(OFFERED)
    one.client(b"EHLO a\r\nSTARTTLS\r\n")
    one.take(one.relay.client_closed(True))
    one.upstream(b"250 mail.example.org\r\n")
    if relation == MIRROR:
        one.upstream(b"220 Go ahead\r\n")
        one.take(one.relay.secured(Side.UPSTREAM, FACTS))
    assert "client: start tls" not in one.done
    assert list(one.done)[-2:] == ["client: close", "upstream: close"]
