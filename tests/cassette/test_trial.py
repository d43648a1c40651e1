"""Recorded clients before other rules: what each would have heard, and what it leaves out."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.cassette.model import Cassette, RecordedSession
from smtpproxy.cassette.reacting import (
    GONE,
    IN_PLAIN_TEXT,
    LEAVES,
    NO_HELLO,
    NO_MESSAGE,
    NO_RECIPIENT,
    NOT_LOGGED_IN,
    NOT_OFFERED,
    REFUSED,
)
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.store import load_cassette, mail_data_on_the_wire
from smtpproxy.cassette.trial import TWO_MESSAGES, Clock, Trial, Tried, TriedSession
from smtpproxy.rules.model import NO_RULES, RuleBook
from smtpproxy.rules.run import Run
from smtpproxy.smtp.maildata import stuff
from tests.cassette.test_versions import SAMPLES
from tests.dialogue import rules_in

HEAD = "smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n"
GREETED = """\
- S: "220 mail.example.org ESMTP"
- C: "EHLO app.example.org"
  S: |
    250-mail.example.org
    250-STARTTLS
    250 SIZE 1000
"""
ENVELOPE = """\
- C: "MAIL FROM:<a@example.org>"
  S: "250 2.1.0 Ok"
- C: "RCPT TO:<b@example.net>"
  S: "250 2.1.5 Ok"
- C: "RCPT TO:<c@example.net>"
  S: "250 2.1.5 Ok"
"""
MESSAGE = """\
- C: "DATA"
  S: "354 Go on"
- message: |
    Subject: hello

    .Hi
  S: "250 2.0.0 Ok"
"""
QUIT = """\
- C: "QUIT"
  S: "221 2.0.0 Bye"
"""
WHOLE = GREETED + ENVELOPE + MESSAGE + QUIT


def tried(dialogue: str, *rules: str, behind: str = "", clock: Clock | None = None) -> TriedSession:
    """Return what becomes of one session before these rules; `behind`: keys of the session."""
    cassette = read_cassette((HEAD + dialogue + behind).encode(), "a.yaml")
    return tried_in(cassette, rules_in(*rules) if rules else NO_RULES, clock)[0]


def tried_in(cassette: Cassette, book: RuleBook, clock: Clock | None = None) -> list[TriedSession]:
    """Return what becomes of each session."""

    def play(session: RecordedSession) -> TriedSession:
        on_the_wire = lambda kept: kept.octets if kept.wire else stuff(kept.octets)  # noqa: E731
        return Trial(session, book, on_the_wire, clock or Clock()).play()

    return list(map(play, cassette.sessions))


def told(session: TriedSession) -> list[tuple[str, bytes]]:
    """Return the stage and what was heard of all that was heard otherwise."""
    return [(one.one.stage, one.heard) for one in session.exchanges if one.changed]


def notes(session: TriedSession) -> list[str]:
    """Return all notes."""
    return [note for one in session.exchanges for note in one.notes]


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.stem)
def test_without_rules_all_is_as_recorded(path: Path) -> None:
    """Each sample is heard as it was, to its end, octet for octet."""
    for session in load_cassette(path).sessions:
        trial = Trial(session, NO_RULES, lambda kept: mail_data_on_the_wire(kept, path), Clock())
        found = trial.play()
        assert (told(found), notes(found), found.left_out) == ([], [], 0)
        assert len(found.exchanges) == len(session.dialogue)


def test_one_recipient_is_refused() -> None:
    """The client goes on with the message for the others; the rule is named, and counted."""
    found = tried(WHOLE, "{name: later, RCPT b@example.net: 450 4.7.1 Later}")
    assert told(found) == [("RCPT", b"450 4.7.1 Later\r\n")]
    assert [one.rules for one in found.exchanges if one.changed] == [("later",)]
    assert found.fired == {"later": 1}
    assert (notes(found), found.left_out) == ([], 0)
    assert found.exchanges[-2].heard == b"250 2.0.0 Ok\r\n"


def test_all_recipients_are_refused() -> None:
    """The client gives the message up, takes it back, and goes on with what comes next."""
    found = tried(WHOLE, "RCPT: 450 4.7.1 Later")
    assert notes(found) == [NO_RECIPIENT]
    assert found.left_out == 2
    stages = [one.one.stage for one in found.exchanges]
    assert stages == ["CONNECT", "EHLO", "MAIL", "RCPT", "RCPT", "RSET", "QUIT"]
    assert [one.added for one in found.exchanges].index(True) == 5


def test_a_client_that_did_not_wait_sends_data() -> None:
    """Where DATA was sent in one go with RCPT, upstream refuses it: it knows of no recipient."""
    pipelined = """\
- C: ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"]
  S: ["250 2.1.0 Ok", "250 2.1.5 Ok", "354 Go on"]
"""
    found = tried(
        GREETED + pipelined + MESSAGE[MESSAGE.index("- message") :] + QUIT, "RCPT: 550 No"
    )
    assert told(found)[:2] == [
        ("RCPT", b"550 No\r\n"),
        ("DATA", b"554 5.5.1 No valid recipients\r\n"),
    ]
    assert REFUSED in notes(found)
    assert found.left_out == 1


def test_the_sender_is_refused() -> None:
    """Nothing of that message is sent; the next one is."""
    found = tried(
        GREETED + ENVELOPE + MESSAGE + ENVELOPE.replace("a@", "z@") + MESSAGE + QUIT,
        "MAIL a@example.org: 550 5.7.1 No",
    )
    assert told(found) == [("MAIL", b"550 5.7.1 No\r\n")]
    assert notes(found) == [REFUSED]
    assert found.left_out == 4
    assert found.exchanges[-2].heard == b"250 2.0.0 Ok\r\n"


def test_data_is_refused() -> None:
    """The message is not sent, and what upstream has of it is taken back."""
    found = tried(WHOLE, "DATA: 451 4.3.0 Later")
    assert told(found)[0] == ("DATA", b"451 4.3.0 Later\r\n")
    assert [one.one.stage for one in found.exchanges][-3:] == ["DATA", "RSET", "QUIT"]
    assert found.left_out == 1


def test_the_end_of_mail_data_is_refused() -> None:
    """The session goes on behind the refusal of a message."""
    found = tried(WHOLE, "END-OF-DATA: 552 5.3.4 Too big")
    assert told(found)[-1] == ("END-OF-DATA", b"552 5.3.4 Too big\r\n")
    assert found.fired == {"END-OF-DATA": 1}
    assert found.left_out == 0


@pytest.mark.parametrize(
    ("rule", "note", "left_out"),
    [
        ("RCPT: 421 4.3.2 Going down", GONE, 4),
        ("MAIL: drop", GONE, 5),
        ("CONNECT: 554 No", LEAVES, 7),
        ("EHLO: 502 No", NO_HELLO, 6),
    ],
)
def test_the_session_ends(rule: str, note: str, left_out: int) -> None:
    """Whoever is told to go, or can't begin, comes to nothing more."""
    found = tried(WHOLE, rule)
    assert notes(found) == [note]
    assert found.left_out == left_out


def test_a_delay_is_told_and_not_waited_for() -> None:
    """Delays add up in a time that is a number, beside the times that were recorded."""
    clock = Clock()
    found = tried(
        WHOLE,
        "RCPT: {delay: 30 s}",
        behind="timing-ms: [1000, 0, 0, 0, 500, 0, 0, 0]\n",
        clock=clock,
    )
    assert [one.delay for one in found.exchanges if one.delay] == [30, 30]
    assert told(found) == []
    assert clock.now == 61.5


def test_a_message_that_nobody_has() -> None:
    """A rule that lets DATA go well which went wrong ends what can be known."""
    refused = '- C: "DATA"\n  S: "554 5.5.1 No"\n'
    found = tried(GREETED + ENVELOPE + refused + QUIT, "DATA: {reply: 354 Go, upstream: none}")
    assert notes(found) == [NO_MESSAGE]
    assert found.left_out == 1


TLS = """\
- C: "STARTTLS"
  S: "220 2.0.0 Go ahead"
- C: "EHLO app.example.org"
  S: "250 mail.example.org"
"""


def test_under_tls_rules_see_it() -> None:
    """STARTTLS is followed as it was, and a rule's condition holds behind it."""
    found = tried(
        GREETED + TLS + ENVELOPE + MESSAGE + QUIT,
        "{name: secret, MAIL: 550 Secret, when: {tls: true}}",
    )
    assert told(found) == [("MAIL", b"550 Secret\r\n")]


def test_starttls_is_not_offered() -> None:
    """A client that is not offered STARTTLS does not ask for it, and stays in plain text."""
    found = tried(GREETED + TLS + QUIT, "EHLO: {keywords: {remove: [STARTTLS]}}")
    assert notes(found) == [NOT_OFFERED]
    assert found.left_out == 1
    assert found.exchanges[-1].one.stage == "QUIT"


def test_starttls_is_refused() -> None:
    """A client that is refused STARTTLS is played on in plain text, which is told."""
    found = tried(GREETED + TLS + QUIT, "STARTTLS: 454 4.7.0 No")
    assert notes(found) == [IN_PLAIN_TEXT]
    assert found.exchanges[-1].one.stage == "QUIT"


def test_a_login_fails() -> None:
    """A client that is not logged in leaves."""
    login = '- C: "AUTH PLAIN {hidden}"\n  S: "235 2.7.0 Ok"\n'
    found = tried(GREETED + login + ENVELOPE + MESSAGE + QUIT, "AUTH: 535 5.7.8 No")
    assert notes(found) == [NOT_LOGGED_IN]


def test_lmtp_answers_those_who_are_left() -> None:
    """Where a recipient is refused, its reply to the message is missing, and no other."""
    dialogue = (
        (GREETED + ENVELOPE + MESSAGE + QUIT)
        .replace("EHLO", "LHLO")
        .replace('  S: "250 2.0.0 Ok"', '  S: ["250 2.0.0 for b", "452 4.2.2 for c"]')
    )
    assert told(tried(dialogue)) == []
    found = tried(dialogue, "RCPT b@example.net: 550 No")
    assert told(found)[-1] == ("END-OF-DATA", b"452 4.2.2 for c\r\n")


def test_what_upstream_had_said_counts() -> None:
    """Where a rule had its way in the recording, these rules see what upstream said."""
    dialogue = WHOLE.replace(
        '- C: "RCPT TO:<c@example.net>"\n  S: "250 2.1.5 Ok"\n',
        '- C: "RCPT TO:<c@example.net>"\n  S: "451 4.3.0 Later"\n  client-saw: "550 No"\n'
        "  rule: old\n",
    )
    assert told(tried(dialogue)) == [("RCPT", b"451 4.3.0 Later\r\n")]


def test_chunks_are_sent_with_their_size() -> None:
    """BDAT takes the octets that are kept."""
    chunks = """\
- C: "BDAT 7 LAST"
  chunk: "hello\\n"
  S: "250 2.0.0 Ok"
"""
    found = tried(GREETED + ENVELOPE + chunks + QUIT, "END-OF-DATA: 550 No")
    assert told(found) == [("BDAT", b"550 No\r\n")]


def test_a_message_with_a_dot_within_is_not_played() -> None:
    """What a server would take for two messages is told, and nothing behind it is played."""
    double = '- C: "DATA"\n  S: "354 Go"\n- wire: "a\\n.\\nb\\n"\n  S: "250 Ok"\n'
    found = tried(GREETED + ENVELOPE + double + QUIT)
    assert notes(found) == [TWO_MESSAGES]
    assert found.left_out == 2


def test_tried_knows_what_changed() -> None:
    """What was added by the trial was not recorded, and is a change."""
    one = tried(WHOLE).exchanges[0]
    assert not one.changed
    assert Tried(one.one, one.heard, added=True).changed


def test_sessions_share_what_rules_remember() -> None:
    """A rule that lets a second try through does so in the next session, when its time has come."""
    text = HEAD + WHOLE + "---\n" + (HEAD + WHOLE).partition("---\n")[2].replace(": 1", ": 2", 1)
    cassette = read_cassette(text.encode(), "a.yaml")
    book = rules_in(
        "{RCPT: 450 4.7.1 Later, times: {until: 5 min after first, per: triplet}}",
    )
    run, clock = Run(), Clock()
    changes = []
    for number, session in enumerate([*cassette.sessions, cassette.sessions[0]], start=1):
        trial = Trial(session, book, lambda kept: stuff(kept.octets), clock, run, number)
        changes.append(len(told(trial.play())))
        clock.now += 200
    assert changes == [3, 3, 0]
