"""The relay without rules: pairing, framing, order and endings."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.actions import Side
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from tests.dialogue import READY, Conversation


def test_one_message_passes_both_ways() -> None:
    """Every line reaches the other side as it was sent, and every reply is paired."""
    talk = Conversation()
    talk.play(
        READY
        + """
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        C: DATA
        > DATA
        U: 354 Go on
        S: 354 Go on
        C: Subject: hello
        C:
        C: QUIT
        C: .
        > Subject: hello
        >
        > QUIT
        > .
        U: 250 2.0.0 Queued
        S: 250 2.0.0 Queued
        C: QUIT
        > QUIT
        U: 221 2.0.0 Bye
        S: 221 2.0.0 Bye
        """
    )
    assert talk.witness.codes() == [
        ("CONNECT", 220),
        ("EHLO", 250),
        ("MAIL", 250),
        ("RCPT", 250),
        ("DATA", 354),
        ("END-OF-DATA", 250),
        ("QUIT", 221),
    ]
    assert talk.witness.mail == b"Subject: hello\r\n\r\nQUIT\r\n.\r\n"


def test_what_follows_data_waits_for_its_reply() -> None:
    """A refused DATA makes what was sent behind it commands; an accepted one, mail data."""
    for reply, stages in (
        (b"354 go\r\n", ["DATA", "END-OF-DATA"]),
        (b"503 no\r\n", ["DATA", "NOOP", "?"]),
    ):
        talk = Conversation()
        talk.play(READY)
        talk.client(b"DATA\r\nNOOP\r\n.\r\n")
        assert talk.unread(Side.UPSTREAM) == b"DATA\r\n"
        talk.upstream(reply)
        assert talk.unread(Side.UPSTREAM) == b"NOOP\r\n.\r\n"
        talk.upstream(b"250 ok\r\n500 what\r\n")
        assert [e.stage for e in talk.witness.exchanges[2 : 2 + len(stages)]] == stages


def test_354_without_a_recipient_is_followed_by_mail_data() -> None:
    """Framing goes by the verb and its reply, never by the phase (RFC 2920 §3.1)."""
    talk = Conversation()
    talk.play(
        READY
        + """
        C: DATA
        > DATA
        U: 354 Go on
        S: 354 Go on
        C: RSET
        C: .
        > RSET
        > .
        U: 554 No valid recipients
        S: 554 No valid recipients
        """
    )
    assert talk.witness.codes()[-1] == ("END-OF-DATA", 554)


def test_auth_continuations_are_no_commands() -> None:
    """A line in answer to 334 is a continuation, whatever it looks like."""
    talk = Conversation()
    talk.play(
        READY
        + """
        C: AUTH LOGIN
        > AUTH LOGIN
        U: 334 VXNlcm5hbWU6
        S: 334 VXNlcm5hbWU6
        C: QUIT
        > QUIT
        U: 334 UGFzc3dvcmQ6
        S: 334 UGFzc3dvcmQ6
        C: *
        > *
        U: 501 Cancelled
        S: 501 Cancelled
        C: NOOP
        > NOOP
        U: 250 Ok
        S: 250 Ok
        """
    )
    assert [stage for stage, _ in talk.witness.codes()[2:]] == ["AUTH", "AUTH", "AUTH", "NOOP"]


def test_bdat_takes_exactly_its_octets() -> None:
    """A chunk is not read for commands, even where BDAT was refused (RFC 3030 §2)."""
    talk = Conversation()
    talk.play(READY)
    octets = b"BDAT 6\r\nQUIT\r\nBDAT 3 LAST\r\nx\r\nNOOP\r\n"
    talk.client(octets)
    assert talk.unread(Side.UPSTREAM) == octets
    talk.upstream(b"503 no\r\n503 no\r\n250 ok\r\n")
    assert talk.witness.codes()[2:] == [("BDAT", 503), ("BDAT", 503), ("NOOP", 250)]
    assert talk.witness.mail == b"QUIT\r\nx\r\n"


def test_octets_are_opaque_behind_starttls() -> None:
    """After 220 to STARTTLS octets pass both ways unread, and that is said."""
    talk = Conversation()
    talk.play(
        READY
        + """
        C: STARTTLS
        > STARTTLS
        U: 220 Go ahead
        S: 220 Go ahead
        """
    )
    talk.client(b"\x16\x03\x01\x00QUIT\r\n.")
    talk.upstream(b"\x16\x03\x03250 \n")
    assert talk.unread(Side.UPSTREAM) == b"\x16\x03\x01\x00QUIT\r\n."
    assert talk.unread(Side.CLIENT) == b"\x16\x03\x03250 \n"
    assert talk.witness.notes == [("opaque", "STARTTLS")]


def test_refused_starttls_changes_nothing() -> None:
    """After another reply than 220 the dialogue goes on in plain text."""
    talk = Conversation()
    talk.play(
        READY
        + """
        C: STARTTLS
        > STARTTLS
        U: 454 Not now
        S: 454 Not now
        C: NOOP
        > NOOP
        U: 250 Ok
        S: 250 Ok
        """
    )
    assert talk.witness.notes == []


def test_what_follows_an_overlong_line_never_reaches_upstream() -> None:
    """The client is not read any more, also where its connection ends before it is told 500."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"NOOP\r\n" + b"X" * 3000)
    talk.client(b"RSET\r\n")
    talk.take(talk.relay.client_closed(True))
    assert talk.unread(Side.UPSTREAM) == b"NOOP\r\n"
    assert talk.witness.notes == [("line-too-long", "client")]


def test_overlong_command_line_is_refused_and_ends_the_session() -> None:
    """A line past the limit gets 500, after the replies before it, and an orderly close."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"NOOP\r\n" + b"X" * 3000)
    assert talk.unread(Side.CLIENT) == b""
    talk.upstream(b"250 ok\r\n")
    assert talk.unread(Side.CLIENT) == b"250 ok\r\n500 5.5.2 Line too long\r\n"
    assert "client: close" in talk.done
    assert ("line-too-long", "client") in talk.witness.notes


def test_endless_reply_is_cut_with_421() -> None:
    """A reply past its limits ends the session, and the client hears 421 in its place."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"HELP\r\n")
    talk.upstream(b"214-more\r\n" * 1000)
    assert talk.unread(Side.CLIENT).startswith(b"421 ")
    assert ("reply-too-long", "upstream") in talk.witness.notes


def test_too_many_commands_in_flight_crowd_the_relay() -> None:
    """A client with a thousand unanswered commands is not read until replies come."""
    talk = Conversation()
    talk.play(READY)
    talk.client(b"NOOP\r\n" * DEFAULT_LIMITS.max_in_flight)
    assert talk.relay.crowded
    talk.upstream(b"250 ok\r\n")
    assert not talk.relay.crowded


def test_one_segment_can_not_pass_the_limit_in_flight() -> None:
    """What is too much stays unread, and is read as replies come; nothing of it is lost."""
    talk = Conversation()
    talk.play(READY)
    octets = b"NOOP\r\n" * (2 * DEFAULT_LIMITS.max_in_flight)
    talk.client(octets)
    talk.take(talk.relay.client_closed(True))
    sent = talk.unread(Side.UPSTREAM)
    assert len(sent) == len(octets) // 2
    talk.upstream(b"250 ok\r\n" * DEFAULT_LIMITS.max_in_flight)
    assert sent + talk.unread(Side.UPSTREAM) == octets
    talk.upstream(b"250 ok\r\n" * DEFAULT_LIMITS.max_in_flight)
    assert talk.unread(Side.CLIENT) == b"250 ok\r\n" * (2 * DEFAULT_LIMITS.max_in_flight)


CLIENT_SIDE = (
    b"EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
    b"x\r\n..\r\n.\r\nNOOP\r\nBDAT 4\r\na\n.\nAUTH PLAIN\r\nAGEAYg==\r\nFOO\nQUIT\r\n"
)
SERVER_SIDE = (
    b"220 a\r\n250-a\r\n250 b\r\n250 ok\r\n550 no\r\n354 go\r\n250\r\n250 ok\n250 ok\r\n334 \r\n"
    b"235 ok\r\n500 ?\r\n221 bye\r\n"
)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(0, len(CLIENT_SIDE)), max_size=6),
    st.lists(st.integers(0, len(SERVER_SIDE)), max_size=6),
)
def test_cuts_change_no_octet_and_no_fact(client_cuts: list[int], server_cuts: list[int]) -> None:
    """However TCP cut the octets, the same octets come out and the same replies are paired."""
    talk = Conversation()
    pieces = _pieces(CLIENT_SIDE, client_cuts)
    # Upstream answers what it was asked: its octets follow the client's.
    for piece in pieces:
        talk.client(piece)
    for piece in _pieces(SERVER_SIDE, server_cuts):
        talk.upstream(piece)
    assert talk.unread(Side.UPSTREAM) == CLIENT_SIDE
    assert talk.unread(Side.CLIENT) == SERVER_SIDE
    assert [stage for stage, _ in talk.witness.codes()] == [
        *("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "END-OF-DATA", "NOOP", "BDAT"),
        *("AUTH", "AUTH", "FOO", "QUIT"),
    ]
    assert talk.witness.mail == b"x\r\n..\r\n.\r\na\n.\n"


def _pieces(octets: bytes, cuts: list[int]) -> list[bytes]:
    ends = [*sorted(cuts), len(octets)]
    return [octets[a:b] for a, b in zip([0, *ends], ends, strict=False) if a < b]
