"""What has changed between two cassettes, and how grave it is."""

from __future__ import annotations

import time

import pytest

from smtpproxy.cassette.comparing import CLASS, CODE, TEXT, Change, compare
from smtpproxy.cassette.read import read_cassette
from tests.cassette.dialogues import cassette, cassette_text, dialogue
from tests.cassette.replaying import CLOSING, OPENING, letter, lines

SENT = dialogue("""
    S: 220 mail.example.org ESMTP
    C: EHLO app.example.org
    S: 250-mail.example.org
    S: 250-PIPELINING
    S: 250 SIZE 1000
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 Go on
    C: Subject: hello
    C:
    C: Hi.
    C: .
    S: 250 2.0.0 Ok: queued as 4F2A
    C: QUIT
    S: 221 2.0.0 Bye
""")


def changes(old: str, new: str) -> list[Change]:
    """Return what has changed between cassettes of one session each."""
    return list(compare(cassette(old), cassette(new)))


def told(old: str, new: str) -> list[tuple[str, str, str, str, str]]:
    """Return severity, what, stage, old and new text of each change."""
    return [change[:5] for change in changes(old, new)]


def test_the_same_is_no_change() -> None:
    """A cassette does not differ from itself."""
    assert changes(SENT, SENT) == []


@pytest.mark.parametrize(
    ("was", "has", "severity", "what", "stage"),
    [
        ("S: 250 2.1.5 Ok", "S: 550 5.1.1 No such user", CLASS, "code", "RCPT"),
        ("S: 250 2.1.5 Ok", "S: 251 2.1.5 Ok", CODE, "code", "RCPT"),
        ("S: 250 2.1.5 Ok", "S: 250 2.1.0 Ok", CODE, "enhanced", "RCPT"),
        ("S: 250 2.1.5 Ok", "S: 250 2.1.5 Fine", TEXT, "text", "RCPT"),
        ("S: 250 SIZE 1000", "S: 250 SIZE 2000", CODE, "keywords", "EHLO"),
        ("S: 250-PIPELINING\n", "", CODE, "keywords", "EHLO"),
        ("S: 250-mail.example.org", "S: 250-mx.example.org", TEXT, "text", "EHLO"),
        ("C: Subject: hello", "C: Subject: goodbye", CODE, "message", "END-OF-DATA"),
        ("C: Hi.", "C: Bye.", CODE, "message", "END-OF-DATA"),
        ("C: QUIT\nS: 221 2.0.0 Bye", "", CLASS, "command", "QUIT"),
    ],
)
def test_a_change_has_its_severity(
    was: str, has: str, severity: str, what: str, stage: str
) -> None:
    """Class before code before text, each told once and at its stage."""
    assert SENT.count(was) == 1
    found = changes(SENT, SENT.replace(was, has).strip())
    assert [(one.severity, one.what, one.stage) for one in found] == [(severity, what, stage)]


@pytest.mark.parametrize(
    ("was", "has"),
    [
        ("queued as 4F2A", "queued as 9C01"),
        ("C: EHLO app.example.org", "C: EHLO other.example.org"),
        ("C: Subject: hello", "C: Subject: hello\nC: Date: Mon, 23 Nov 2026 12:00:00 +0000"),
        ("C: Subject: hello", "C: Subject: hello\nC: Message-ID: <1@example.org>"),
    ],
)
def test_noise_is_no_change(was: str, has: str) -> None:
    """Queue ids, EHLO's argument and headers that are new at every run say nothing."""
    assert changes(SENT, SENT.replace(was, has)) == []


def test_commands_are_aligned() -> None:
    """A recipient more is one command added; what follows it is compared with its like."""
    more = SENT.replace("C: DATA", "C: RCPT TO:<c@example.net>\nS: 250 2.1.5 Ok\nC: DATA")
    assert told(SENT, more) == [(CLASS, "command", "RCPT", "", "RCPT TO:<c@example.net>")]
    assert told(more, SENT) == [(CLASS, "command", "RCPT", "RCPT TO:<c@example.net>", "")]


def test_another_recipient_is_a_command_that_changed() -> None:
    """Where a command stands in the place of one of its verb, both are told at once."""
    other = SENT.replace("b@example.net", "c@example.net")
    expected = ("RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>")
    assert told(SENT, other) == [(CLASS, "command", "RCPT", *expected)]


def test_lines_are_those_of_the_files() -> None:
    """A change leads to its place in both files."""
    other = SENT.replace("250 2.1.5 Ok", "550 5.1.1 No")
    (change,) = changes(SENT, other)
    lines = cassette_lines(SENT), cassette_lines(other)
    assert "RCPT" in lines[0][change.old_line - 1]
    assert "RCPT" in lines[1][change.new_line - 1]


def cassette_lines(text: str) -> list[str]:
    """Return the lines of the file that `cassette` reads."""
    return cassette_text(text).splitlines()


def test_no_answer_is_another_class() -> None:
    """A reply that is gone is as grave as a refusal, and so is one that a rule kept back."""
    head = "smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n"
    items = ('- S: "220 Hi"\n', '- C: "NOOP"\n  S: "250 Ok"\n', '- C: "NOOP"\n')
    old = read_cassette((head + items[0] + items[1]).encode(), "old.yaml")
    new = read_cassette((head + items[0] + items[2]).encode(), "new.yaml")
    assert [one[:5] for one in compare(old, new)] == [(CLASS, "reply", "NOOP", "250 Ok", "")]


def test_how_it_ended_counts() -> None:
    """A session that a peer ended otherwise has changed."""
    old, new = cassette(SENT), cassette(SENT)
    new.sessions[0].ended = "upstream-drop"
    assert [one[:5] for one in compare(old, new)] == [(CODE, "ended", "", "quit", "upstream-drop")]


def test_how_it_ended_is_shown_and_not_obeyed() -> None:
    """A cassette of a stranger's may have anything there, and it goes to a terminal."""
    old, new = cassette(SENT), cassette(SENT)
    old.sessions[0].ended, new.sessions[0].ended = "\x1b[31mquit", "quit"
    assert [one.old for one in compare(old, new)] == [r"\x1b[31mquit"]


def test_how_clients_pool_is_no_change() -> None:
    """Messages of one session in several, and of several in one, are the same messages."""
    letters = [letter(number, name) for number, name in enumerate("bcd")]
    one = cassette(lines(OPENING, *letters, CLOSING))
    several = cassette(*(lines(OPENING, part, CLOSING) for part in reversed(letters)))
    grown = cassette(lines(OPENING, *letters[:2], CLOSING), lines(OPENING, letters[2], CLOSING))
    for old in (one, several, grown):
        for new in (one, several, grown):
            assert list(compare(old, new)) == []


def test_a_transaction_more_or_less() -> None:
    """It is told by its first command, and with its own place."""
    old = cassette(lines(OPENING, letter(1, "b"), CLOSING))
    new = cassette(lines(OPENING, letter(1, "b"), "C: VRFY c\nS: 252 try", CLOSING))
    assert [one[:5] for one in compare(old, new)] == [
        (CLASS, "transaction", "VRFY", "", "VRFY c (1 exchange)")
    ]
    assert [one[:5] for one in compare(new, old)] == [
        (CLASS, "transaction", "VRFY", "VRFY c (1 exchange)", "")
    ]


def test_a_greeting_that_changed_is_told_once() -> None:
    """However many sessions began with it."""
    recorded = [lines(OPENING, letter(number), CLOSING) for number in range(5)]
    new = [one.replace("ESMTP ready", "ESMTP here") for one in recorded]
    (change,) = compare(cassette(*recorded), cassette(*new))
    assert change[:3] == (TEXT, "text", "CONNECT")


@pytest.mark.parametrize(
    ("header", "counts"),
    [
        ("", True),
        ("ignore: [Subject, NOTIFY, recipient]", False),
        ("match: verb", False),
        ("match: [verb, message, envelope, parameters]", True),
    ],
)
def test_what_the_cassette_ignores_is_no_change(header: str, counts: bool) -> None:
    """`match:` and `ignore:` say for a comparison what they say for replay; the usual is all."""
    new = SENT.replace("hello", "goodbye").replace(
        "<b@example.net>", "<c@example.net> NOTIFY=NEVER"
    )
    text = cassette_text(SENT).replace("\n", f"\n{header}\n", 1)
    old = read_cassette(text.encode(), "old.yaml")
    assert {one.what for one in compare(old, cassette(new))} == (
        {"command", "message"} if counts else set()
    )


def test_long_dialogues_take_no_long_time() -> None:
    """Two sessions of ten thousand transactions, of which each is new, are compared in seconds."""

    def long(word: str) -> str:
        return "S: 220 Hi\n" + "".join(
            f"C: MAIL FROM:<{word}{n}@example.org>\nS: 250 Ok\nC: RSET\nS: 250 Ok\n"
            for n in range(5000)
        )

    old, new = cassette(long("a")), cassette(long("b"))
    began = time.process_time()
    assert sum(1 for _ in compare(old, new)) >= 5000
    assert time.process_time() - began < 10
