"""The relay where commands and replies are not one to one: LMTP, PRDR, and replies too early."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cassette.recording import Recording, yaml
from tests.cassette.replaying import Replaying
from tests.dialogue import Conversation, rules_in

LMTP = """
    U: 220 mail.example.org LMTP
    S: 220 mail.example.org LMTP
    C: LHLO app.example.org
    > LHLO app.example.org
    U: 250 mail.example.org
    S: 250 mail.example.org
"""
ENVELOPE = """
    C: MAIL FROM:<a@example.org>
    > MAIL FROM:<a@example.org>
    U: 250 2.1.0 Ok
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    > RCPT TO:<b@example.net>
    U: 250 2.1.5 Ok
    S: 250 2.1.5 Ok
    C: RCPT TO:<nobody@example.net>
    > RCPT TO:<nobody@example.net>
    U: 550 5.1.1 No such user
    S: 550 5.1.1 No such user
    C: RCPT TO:<c@example.net>
    > RCPT TO:<c@example.net>
    U: 250 2.1.5 Ok
    S: 250 2.1.5 Ok
"""
DATA = """
    C: DATA
    > DATA
    U: 354 Go on
    S: 354 Go on
    C: Hi
    C: .
    > Hi
    > .
"""
READY = """
    U: 220 mail.example.org ESMTP
    S: 220 mail.example.org ESMTP
    C: EHLO app.example.org
    > EHLO app.example.org
    U: 250-mail.example.org
    U: 250 PRDR
    S: 250-mail.example.org
    S: 250 PRDR
"""


def ends(talk: Conversation) -> list[tuple[str, int | None, str, bool]]:
    """Return what was told about ends of messages: stage, code, recipient, and if more follows."""
    return [
        (one.stage, one.heard.code if one.heard else None, one.recipient, one.more)
        for one in talk.witness.exchanges
        if one.stage in ("END-OF-DATA", "BDAT")
    ]


def test_lmtp_has_a_reply_for_each_accepted_recipient() -> None:
    """RFC 2033 §4.2: each reply after the dot is its recipient's; then come other commands'."""
    talk = Conversation()
    talk.play(LMTP + ENVELOPE + DATA)
    talk.play("""
        C: NOOP
        > NOOP
        U: 250 2.0.0 Delivered
        U: 452 4.2.2 Mailbox full
        U: 250 2.0.0 Nothing done
        S: 250 2.0.0 Delivered
        S: 452 4.2.2 Mailbox full
        S: 250 2.0.0 Nothing done
    """)
    assert ends(talk) == [
        ("END-OF-DATA", 250, "b@example.net", True),
        ("END-OF-DATA", 452, "c@example.net", False),
    ]
    assert talk.witness.codes()[-1] == ("NOOP", 250)
    assert talk.relay.state.phase == "idle"


def test_lmtp_has_a_reply_for_each_recipient_after_the_last_chunk() -> None:
    """RFC 2033 §4.3: so does the last BDAT, also where it is sent before any reply is there."""
    talk = Conversation()
    talk.play(LMTP)
    talk.client(
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\n"
        b"BDAT 2\r\nHiBDAT 1 LAST\r\n!QUIT\r\n"
    )
    talk.upstream(b"250 a\r\n250 b\r\n250 c\r\n250 chunk\r\n250 for b\r\n550 for c\r\n221 Bye\r\n")
    assert ends(talk) == [
        ("BDAT", 250, "", False),
        ("BDAT", 250, "b@example.net", True),
        ("BDAT", 550, "c@example.net", False),
    ]
    assert talk.witness.codes()[-1] == ("QUIT", 221)


@pytest.mark.parametrize("code", [500, 502, 503])
def test_an_lmtp_server_without_bdat_refuses_it_once(code: int) -> None:
    """RFC 2033 §4.3 is for servers that know BDAT; others refuse a command, and no message.

    So do those that have no envelope, as behind the refusal of an earlier chunk.
    """
    talk = Conversation()
    talk.play(LMTP + ENVELOPE)
    talk.client(b"BDAT 2 LAST\r\nHiQUIT\r\n")
    talk.upstream(b"%d what?\r\n221 Bye\r\n" % code)
    assert talk.witness.codes()[-2:] == [("BDAT", code), ("QUIT", 221)]


def test_smtp_after_a_refused_lhlo_has_one_reply() -> None:
    """It is the accepted hello that decides how many replies there are."""
    talk = Conversation()
    talk.play(READY)
    talk.play("C: LHLO x\n> LHLO x\nU: 500 no\nS: 500 no")
    talk.play(ENVELOPE + DATA + "U: 250 Ok\nS: 250 Ok\nC: QUIT\n> QUIT\nU: 221 Bye\nS: 221 Bye")
    assert ends(talk) == [("END-OF-DATA", 250, "", False)]
    assert talk.witness.how is None


def test_a_rule_refuses_a_message_for_each_recipient_of_lmtp() -> None:
    """In LMTP a made-up code is given once for each accepted recipient."""
    talk = Conversation("END-OF-DATA: 452")
    talk.play(LMTP + ENVELOPE)
    talk.play("C: DATA\nS: 354 Start mail input; end with <CRLF>.<CRLF>")
    talk.client(b"Hi\r\n.\r\n")
    assert [code for _, code, _, _ in ends(talk)] == [452, 452]
    assert [recipient for _, _, recipient, _ in ends(talk)] == ["b@example.net", "c@example.net"]


def test_prdr_has_replies_between_353_and_the_last() -> None:
    """353 is followed by a reply for each recipient and one for all."""
    talk = Conversation()
    talk.play(READY + ENVELOPE + DATA)
    talk.play("""
        U: 353 content analysis has started
        S: 353 content analysis has started
        U: 250 for b
        U: 550 for c
        U: 250 OK id=1
        S: 250 for b
        S: 550 for c
        S: 250 OK id=1
        C: QUIT
        > QUIT
        U: 221 Bye
        S: 221 Bye
    """)
    assert ends(talk) == [
        ("END-OF-DATA", 353, "", True),
        ("END-OF-DATA", 250, "b@example.net", True),
        ("END-OF-DATA", 550, "c@example.net", True),
        ("END-OF-DATA", 250, "", False),
    ]


def test_a_rule_in_the_place_of_353_is_the_only_reply() -> None:
    """A client that hears anything but 353 expects nothing more about its message."""
    rule = 'END-OF-DATA: {upstream: deliver, reply: "451 4.3.0 Later"}'
    talk = Conversation(book=rules_in(rule))
    talk.play(READY + ENVELOPE + DATA)
    talk.play("U: 353 go\nS: 451 4.3.0 Later\nU: 250 b\nU: 250 c\nU: 250 all")
    talk.play("C: QUIT\n> QUIT\nU: 221 Bye\nS: 221 Bye")
    assert talk.witness.codes()[-1] == ("QUIT", 221)


def test_an_early_reply_answers_the_next_command() -> None:
    """A client takes replies in the order in which they come; so mail data follows an early 354."""
    talk = Conversation()
    talk.play(READY + ENVELOPE)
    talk.play("U: 354 already\nS: 354 already\nC: DATA\n> DATA\nC: Hi\nC: .\n> Hi\n> .")
    talk.play("U: 250 Ok\nS: 250 Ok")
    assert talk.witness.codes()[-2:] == [("DATA", 354), ("END-OF-DATA", 250)]
    assert talk.witness.notes == [("early-reply", "")]


def test_early_replies_to_one_message_are_all_taken_for_its_own() -> None:
    """Where upstream saw an end of mail data too early, each of its replies is a recipient's."""
    talk = Conversation()
    talk.play(LMTP + ENVELOPE)
    talk.play("C: DATA\n> DATA\nU: 354 Go on\nS: 354 Go on\nC: Hi\n> Hi")
    talk.play("U: 250 for b\nU: 550 for c\nS: 250 for b\nS: 550 for c\nC: .\n> .")
    talk.play("C: QUIT\n> QUIT\nU: 221 Bye\nS: 221 Bye")
    assert ends(talk) == [
        ("END-OF-DATA", 250, "b@example.net", True),
        ("END-OF-DATA", 550, "c@example.net", False),
    ]
    assert talk.witness.codes()[-1] == ("QUIT", 221)


def test_upstream_disagrees_about_the_end() -> None:
    """A reply in the midst of mail data is a fact, and rules act no more: they may be deceived."""
    talk = Conversation("RCPT *@example.com: 550")
    talk.play(READY + ENVELOPE)
    talk.play("C: DATA\n> DATA\nU: 354 Go on\nS: 354 Go on")
    talk.client(b"Hi\n.\nMAIL FROM:<x@example.com>\r\n")
    talk.upstream(b"250 Ok\r\n250 smuggled\r\n")
    talk.client(b".\r\nRCPT TO:<d@example.com>\r\n")
    assert [note for note in talk.witness.notes if note[0] != "early-reply"] == [
        ("bare-lf", "mail data"),
        ("look-alike-end", "LF . LF"),
        ("upstream-disagrees", ""),
    ]
    assert talk.witness.codes()[-2:] == [("END-OF-DATA", 250), ("RCPT", 250)]


@pytest.mark.parametrize(
    ("offered", "odd"), [("PIPELINING", ()), ("8BITMIME", ("pipelining-not-offered",))]
)
def test_pipelining_that_was_not_offered(offered: str, odd: tuple[str, ...]) -> None:
    """RFC 2920 §3.1: a client may send on without a reply only where PIPELINING was offered."""
    talk = Conversation()
    talk.play(READY.replace("PRDR", offered))
    talk.client(b"NOOP\r\nNOOP\r\n")
    talk.upstream(b"250 1\r\n250 2\r\n")
    assert [one.odd for one in talk.witness.exchanges[-2:]] == [(), odd]


def test_a_command_before_the_greeting_is_early() -> None:
    """RFC 5321 §3.1: a client waits for the greeting."""
    talk = Conversation()
    talk.client(b"HELO app.example.org\r\n")
    talk.upstream(b"220 mail\r\n250 mail\r\n")
    assert [one.odd for one in talk.witness.exchanges] == [(), ("early-command",)]


LETTER = """
S: 220 mail.example.org LMTP
C: LHLO app.example.org
S: 250 mail.example.org
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.net>
S: 250 2.1.5 Ok
C: RCPT TO:<c@example.net>
S: 250 2.1.5 Ok
C: DATA
S: 354 go
C: Hi
C: .
S: 250 2.0.0 Delivered
S: 452 4.2.2 Mailbox full
C: QUIT
S: 221 2.0.0 Bye
"""


def test_lmtp_is_recorded_and_replayed(tmp_path: Path) -> None:
    """A cassette has the replies to one message as a list, and replay gives all of them."""
    recording = Recording(tmp_path)
    recording.dialogue(LETTER)
    cassette = recording.cassette()
    assert (
        yaml(
            """
            - message: |
                Hi
              S: ["250 2.0.0 Delivered", "452 4.2.2 Mailbox full"]
            """
        )
        in recording.path.read_text()
    )
    replaying = Replaying(cassette)
    assert replaying.client().played(LETTER).strip() == LETTER.strip()
    assert replaying.misses == []
