"""The relay under rules: what the client hears, and what upstream experiences."""

from __future__ import annotations

from smtpproxy.actions import Side
from tests.dialogue import READY, Conversation, rules_in

MAIL = (
    READY
    + """
    C: MAIL FROM:<a@example.org>
    > MAIL FROM:<a@example.org>
    U: 250 2.1.0 Ok
    S: 250 2.1.0 Ok
"""
)
RCPT = (
    MAIL
    + """
    C: RCPT TO:<b@example.net>
    > RCPT TO:<b@example.net>
    U: 250 2.1.5 Ok
    S: 250 2.1.5 Ok
"""
)


def test_refused_recipient_never_reaches_upstream() -> None:
    """A made-up refusal is answered here, with the registry's words, and is not forwarded."""
    talk = Conversation("RCPT bob@example.net: 550")
    talk.play(
        MAIL
        + """
        C: RCPT TO:<Bob@Example.NET>
        S: 550 5.1.1 Requested action not taken: mailbox unavailable
        C: RCPT TO:<carol@example.net>
        > RCPT TO:<carol@example.net>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        """
    )
    refused = talk.witness.exchanges[-2]
    assert (refused.forwarded, refused.said, refused.by) == (False, None, "rule")
    assert refused.decision is not None
    assert refused.decision.rule == "RCPT bob@example.net"


def test_made_up_replies_keep_their_place_under_pipelining() -> None:
    """Replies never change order, though one of them is made here at once."""
    talk = Conversation("RCPT b@example.net: 450 4.7.1 Later")
    talk.play(READY)
    talk.client(
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\n"
    )
    assert talk.unread(Side.UPSTREAM) == b"MAIL FROM:<a@example.org>\r\nRCPT TO:<c@example.net>\r\n"
    assert talk.unread(Side.CLIENT) == b""
    talk.upstream(b"250 first\r\n")
    assert talk.unread(Side.CLIENT) == b"250 first\r\n450 4.7.1 Later\r\n"
    talk.upstream(b"250 third\r\n")
    assert talk.unread(Side.CLIENT) == b"250 third\r\n"


def test_made_up_success_changes_only_the_words() -> None:
    """A success is forwarded, and the client hears the rule's words for upstream's success."""
    talk = Conversation("RCPT: 251")
    talk.play(
        MAIL
        + """
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 250 2.1.5 Ok
        S: 251 2.1.5 User not local; will forward to <b@example.net>
        """
    )


def test_made_up_success_never_hides_a_refusal() -> None:
    """Where upstream refused, the client hears the refusal."""
    talk = Conversation("RCPT: 251")
    talk.play(
        MAIL
        + """
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 550 5.1.1 No such user
        S: 550 5.1.1 No such user
        """
    )
    assert talk.witness.exchanges[-1].by == "upstream"


def test_lie_is_told_only_when_asked_for() -> None:
    """`upstream: none` makes a success of its own, and upstream is not asked."""
    talk = Conversation("RCPT: {reply: 250 2.1.5 Sure, upstream: none}")
    talk.play(
        MAIL
        + """
        C: RCPT TO:<b@example.net>
        S: 250 2.1.5 Sure
        """
    )


def test_message_refused_by_rule_is_swallowed_and_the_session_goes_on() -> None:
    """Upstream is not asked for it; its envelope is taken back, and the next message passes."""
    talk = Conversation("END-OF-DATA: 552")
    talk.play(
        RCPT
        + """
        C: DATA
        S: 354 Start mail input; end with <CRLF>.<CRLF>
        C: Subject: hello
        C:
        C: .
        > RSET
        S: 552 5.3.4 Requested mail action aborted: exceeded storage allocation
        C: MAIL FROM:<second@example.org>
        > MAIL FROM:<second@example.org>
        U: 250 2.0.0 Reset
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        """
    )
    assert ("own-command", "RSET") in talk.witness.notes
    assert talk.witness.codes()[-3:] == [("DATA", 354), ("END-OF-DATA", 552), ("MAIL", 250)]


def test_end_of_data_rule_waits_for_pipelined_recipients() -> None:
    """Whether a message is swallowed is decided when the recipients before DATA are answered."""
    talk = Conversation("END-OF-DATA: 552")
    talk.play(READY)
    talk.client(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n")
    assert b"DATA" not in talk.unread(Side.UPSTREAM)
    talk.upstream(b"250 ok\r\n550 no\r\n")
    # No recipient was accepted: upstream refuses DATA itself.
    assert talk.unread(Side.UPSTREAM) == b"DATA\r\n"
    talk.upstream(b"503 no\r\n")
    assert talk.unread(Side.CLIENT) == b"250 ok\r\n550 no\r\n503 no\r\n"


def test_lost_acknowledgement() -> None:
    """`upstream: deliver` with `client: drop` delivers, and the client never hears of it."""
    talk = Conversation("END-OF-DATA: {upstream: deliver, client: drop}")
    talk.play(
        RCPT
        + """
        C: DATA
        > DATA
        U: 354 Go on
        S: 354 Go on
        C: hello
        C: .
        > hello
        > .
        U: 250 2.0.0 Queued
        (client: close)
        (upstream: close)
        """
    )
    talk.relay.finished()
    assert talk.witness.codes()[-1] == ("END-OF-DATA", None)
    assert talk.witness.how == "rule"


def test_rule_on_upstreams_reply() -> None:
    """A rule may look at what upstream said, and say something else."""
    rule = "{RCPT: 450 4.7.1 Greylisted, when: {reply: 4xx}}"
    talk = Conversation(book=rules_in(rule))
    talk.play(
        MAIL
        + """
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 451 4.3.0 Local trouble
        S: 450 4.7.1 Greylisted
        C: RCPT TO:<c@example.net>
        > RCPT TO:<c@example.net>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        """
    )


def test_connect_rule_needs_no_upstream() -> None:
    """A refusal at CONNECT is told, the connection closed, and upstream never contacted."""
    talk = Conversation("CONNECT: 421")
    talk.play(
        """
        S: 421 proxy.example.org Service not available, closing transmission channel
        (client: close)
        """
    )
    assert "upstream: connect" not in talk.done


def test_delay_holds_a_reply_back_and_all_delays_apply() -> None:
    """Delays add up before the answer that the first answering rule gives."""
    talk = Conversation("RCPT: {delay: 2 s}", "RCPT: 452", "RCPT: 550", "RCPT: {delay: 500 ms}")
    talk.play(
        MAIL
        + """
        C: RCPT TO:<b@example.net>
        (client: wait 2)
        (client: wait 0.5)
        S: 452 4.3.1 Requested action not taken: insufficient system storage
        """
    )


def test_drop_closes_both_legs_in_its_turn() -> None:
    """A drop comes after the replies before it, and nothing is read after it."""
    talk = Conversation("RCPT: {client: reset}")
    talk.play(READY)
    talk.client(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n")
    assert "client: reset" not in talk.done
    talk.upstream(b"250 ok\r\n")
    assert list(talk.done)[-3:] == ["client: send", "client: reset", "upstream: close"]
    talk.client(b"NOOP\r\n")
    assert talk.unread(Side.UPSTREAM) == b"MAIL FROM:<a@example.org>\r\n"


def test_made_up_354_swallows_what_follows() -> None:
    """A client that was told 354 sends mail data, and upstream must not take it for commands."""
    talk = Conversation("DATA: {reply: '354 Go on', upstream: none}")
    talk.play(
        RCPT
        + """
        C: DATA
        S: 354 Go on
        C: RCPT TO:<c@example.net>
        C: .
        > RSET
        S: 250 2.0.0 Requested mail action okay, completed
        """
    )


def test_failure_told_after_354_ends_the_upstream_connection() -> None:
    """Upstream that waits for mail data which will never come is left, without a final dot."""
    rule = "{DATA: {reply: 451 4.3.0 No, upstream: forward}, when: {reply: 354}}"
    talk = Conversation(book=rules_in(rule))
    talk.play(
        RCPT
        + """
        C: DATA
        > DATA
        U: 354 Go on
        S: 451 4.3.0 No
        (client: close)
        (upstream: close)
        """
    )


def test_another_3xx_than_upstreams_changes_only_the_words() -> None:
    """A client that is told 350 where upstream said 354 sends its message to upstream."""
    talk = Conversation("DATA: 350 Go on")
    talk.play(
        RCPT
        + """
        C: DATA
        > DATA
        U: 354 End with a dot
        S: 350 Go on
        C: hello
        C: .
        > hello
        > .
        U: 250 2.0.0 Queued
        S: 250 2.0.0 Queued
        """
    )


def test_upstream_that_closes_on_our_own_command_closes_the_session() -> None:
    """A 421 to the proxy's RSET is not for the client, who is told in the proxy's own words."""
    talk = Conversation("END-OF-DATA: 552")
    talk.play(RCPT)
    talk.client(b"DATA\r\nhello\r\n.\r\n")
    talk.unread(Side.CLIENT)
    talk.upstream(b"421 4.3.2 Going down\r\n")
    assert talk.unread(Side.CLIENT).startswith(b"421 mail.example.org ")
    assert "client: close" in talk.done


def test_what_comes_behind_a_drop_was_heard_by_nobody() -> None:
    """After the client's connection is closed, no later answer is read, wherever it was cut."""
    talk = Conversation("RCPT b@example.net: drop", "RCPT c@example.net: 550")
    talk.play(READY)
    talk.client(
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n"
        b"RCPT TO:<c@example.net>\r\nRCPT TO:<d@example.net>\r\n"
    )
    talk.upstream(b"250 first\r\n250 fourth\r\n")
    assert talk.unread(Side.CLIENT) == b"250 first\r\n"
    talk.relay.finished()
    heard = [e.heard.code if e.heard else None for e in talk.witness.exchanges[2:]]
    assert heard == [250, None, None, None]
    said = [e.said.code if e.said else None for e in talk.witness.exchanges[2:]]
    assert said == [250, None, None, None]


def test_what_was_answered_early_reaches_upstream_though_a_rule_ends_the_session() -> None:
    """A command passes whether or not what ends the session came in the same segment."""
    talk = Conversation("EXPN: 421")
    talk.play(READY)
    talk.upstream(b"250 early\r\n")
    talk.done.clear()
    talk.client(b"NOOP\r\nEXPN list\r\n")
    assert talk.unread(Side.UPSTREAM) == b"NOOP\r\n"
    sent, closed = (list(talk.done).index(f"upstream: {what}") for what in ("send", "close"))
    assert sent < closed
