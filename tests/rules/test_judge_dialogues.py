"""The judge under the traffic of real clients: pipelining, BDAT, and transactions that fail."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side
from tests.dialogue import READY, Conversation, rules_in
from tests.strictserver import Between, StrictServer, by_chunks, by_data, codes_in, envelope

PIPELINED = b"MAIL FROM:<bad@example.org>\r\nRCPT TO:<b@example.net>\r\n"


def ready(*rules: str) -> Conversation:
    """Return a conversation under rules of a file, behind EHLO."""
    talk = Conversation(book=rules_in(*rules))
    talk.play(READY)
    return talk


def test_sender_of_a_pipelined_recipient_is_known() -> None:
    """Whether a rule fires does not depend on whether the client waited for the reply to MAIL."""
    talk = ready("{RCPT: 550 5.7.1 Not from you, when: {sender: bad@example.org}}")
    talk.client(PIPELINED)
    talk.upstream(b"250 2.1.0 Ok\r\n")
    assert talk.unread(Side.UPSTREAM) == b"MAIL FROM:<bad@example.org>\r\n"
    assert talk.unread(Side.CLIENT) == b"250 2.1.0 Ok\r\n550 5.7.1 Not from you\r\n"


def test_sender_of_the_transaction_before_is_forgotten() -> None:
    """A pipelined recipient does not fall under a rule for the sender of the message before."""
    talk = ready("{RCPT: 550 5.7.1 Not from you, when: {sender: bad@example.org}}")
    talk.play(
        """
        C: MAIL FROM:<bad@example.org>
        > MAIL FROM:<bad@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        """
    )
    talk.client(b"RSET\r\nMAIL FROM:<good@example.org>\r\nRCPT TO:<b@example.net>\r\n")
    talk.upstream(b"250 Reset\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n")
    assert talk.unread(Side.CLIENT) == b"250 Reset\r\n250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n"


def test_recipients_of_pipelined_data_are_known() -> None:
    """A rule at DATA knows the recipients, though DATA was sent before their replies came."""
    talk = ready("{DATA: 451 4.3.0 Not now, when: {recipient: b@example.net}}")
    talk.client(PIPELINED + b"DATA\r\n")
    talk.upstream(b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n")
    assert talk.unread(Side.UPSTREAM) == PIPELINED
    assert talk.unread(Side.CLIENT) == b"250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n451 4.3.0 Not now\r\n"


@pytest.mark.parametrize("chunks", [b"BDAT 5 LAST\r\nhello", b"BDAT 2\r\nheBDAT 3 LAST\r\nllo"])
def test_last_chunk_is_the_end_of_data(chunks: bytes) -> None:
    """A rule at END-OF-DATA refuses a message that comes in chunks, and upstream never has it."""
    talk = ready("END-OF-DATA: 552")
    talk.play(
        """
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        """
    )
    talk.client(chunks)
    assert b"LAST" not in talk.unread(Side.UPSTREAM)
    for _ in range(chunks.count(b"BDAT")):
        talk.upstream(b"250 2.0.0 Ok\r\n")
    assert b"\r\n552 " in b"\r\n" + talk.unread(Side.CLIENT)


def test_refused_chunk_is_kept_from_upstream() -> None:
    """A rule at BDAT keeps command and chunk, and takes back what upstream has so far.

    Else upstream would hold the chunks that follow for the whole message (RFC 3030 §2).
    """
    talk = ready("BDAT: 552")
    talk.client(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")
    assert talk.unread(Side.UPSTREAM) == b"RSET\r\nNOOP\r\n"
    assert talk.unread(Side.CLIENT).startswith(b"552 5.2.2 ")
    talk.upstream(b"250 2.0.0 Reset\r\n250 2.0.0 Ok\r\n")
    assert talk.unread(Side.CLIENT) == b"250 2.0.0 Ok\r\n"


@pytest.mark.parametrize("at_once", [False, True])
def test_chunks_behind_a_refused_one_in_lmtp(at_once: bool) -> None:
    """Upstream has no envelope any more, and says so once: the session goes on behind that."""
    talk = Between(rules_in("{BDAT: 552, times: 1}"), StrictServer(lmtp=True))
    said = [*envelope("b@example.net", "c@example.net"), *by_chunks(b"Hello\r\n", b"World\r\n")]
    heard = b"".join(map(talk.say, [b"".join(said)] if at_once else said))
    assert codes_in(heard) == [250, 250, 250, 552, 503]
    assert [talk.codes(octets) for octets in [*envelope(), b"DATA\r\n", b".\r\n"]] == [
        *([250], [250], [354], [250])
    ]


@pytest.mark.parametrize("made_up", ["", " b@example.net"])
def test_chunks_for_recipients_whom_upstream_does_not_know(made_up: str) -> None:
    """In LMTP each of them hears of it, and nobody waits for more."""
    lie = f"{{RCPT{made_up}: {{reply: 250, upstream: none}}, times: 2}}"
    talk = Between(rules_in(lie, "{BDAT: 552, times: 1}"), StrictServer(lmtp=True))
    said = [*envelope("b@example.net", "c@example.net"), *by_chunks(b"Hello\r\n", b"World\r\n")]
    assert codes_in(b"".join(map(talk.say, said))) == [250, 250, 250, 552, 503, 503]
    assert talk.codes(b"NOOP\r\n") == [250]


def test_recipients_of_a_message_are_not_those_of_the_next() -> None:
    """In LMTP, also where the client was told that the next message can't begin."""
    hidden = "{RCPT: {reply: 550, upstream: forward}, times: 1}"
    refused = "{MAIL: {reply: 451, upstream: forward}, when: {command: 2}}"
    talk = Between(rules_in(hidden, refused), StrictServer(lmtp=True))
    message = [*envelope("b@example.net", "c@example.net"), *by_data(b"Hello\r\n")]
    assert codes_in(b"".join(map(talk.say, message))) == [250, 550, 250, 354, 250]
    assert codes_in(b"".join(map(talk.say, message))) == [451, 250, 250, 354, 250, 250]
    assert talk.codes(b"NOOP\r\n") == [250]


def test_fate_of_a_message_is_not_that_of_the_next() -> None:
    """What was decided for a message that upstream refused at DATA is forgotten with it."""
    talk = ready("{END-OF-DATA: {upstream: deliver, client: drop}, when: {sender: a@example.org}}")
    talk.play(
        """
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
        U: 451 4.3.0 Not now
        S: 451 4.3.0 Not now
        C: RSET
        > RSET
        U: 250 2.0.0 Reset
        S: 250 2.0.0 Reset
        C: MAIL FROM:<c@example.org>
        > MAIL FROM:<c@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        C: RCPT TO:<d@example.net>
        > RCPT TO:<d@example.net>
        U: 550 5.1.1 No such user
        S: 550 5.1.1 No such user
        C: DATA
        > DATA
        U: 354 Go on
        S: 354 Go on
        C: .
        > .
        U: 554 5.5.1 No valid recipients
        S: 554 5.5.1 No valid recipients
        """
    )


def test_refused_message_leaves_no_trace_in_the_next() -> None:
    """After a message that was taken here and refused, the next envelope begins empty."""
    talk = ready("{END-OF-DATA: 552, when: {recipient: b@example.net}}")
    talk.play(
        """
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        > RCPT TO:<b@example.net>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 Start mail input; end with <CRLF>.<CRLF>
        C: .
        > RSET
        S: 552 5.3.4 Requested mail action aborted: exceeded storage allocation
        U: 250 2.0.0 Reset
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<a@example.org>
        U: 250 2.1.0 Ok
        S: 250 2.1.0 Ok
        C: RCPT TO:<c@example.net>
        > RCPT TO:<c@example.net>
        U: 250 2.1.5 Ok
        S: 250 2.1.5 Ok
        C: DATA
        > DATA
        U: 354 Go on
        S: 354 Go on
        C: .
        > .
        U: 250 2.0.0 Queued
        S: 250 2.0.0 Queued
        """
    )
