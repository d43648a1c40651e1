"""Each kind of condition: on what it holds, and on what it does not."""

from __future__ import annotations

import pytest

from smtpproxy.exchange import Message
from smtpproxy.rules.conditions import CONDITIONS
from tests.rules.conditions.reading import rule_at
from tests.rules.occasions import occasion

MAIL = "MAIL FROM:<a@example.org>"
SIZED = "MAIL FROM:<a@example.org> SIZE=2000 BODY=8BITMIME SMTPUTF8"
RCPT = "RCPT TO:<b@example.net>"
ENVELOPE = f"{SIZED}\n{RCPT}"


@pytest.mark.parametrize(
    ("where", "holds", "others"),
    [
        ("192.0.2.7", ["192.0.2.7", "::ffff:192.0.2.7"], ["192.0.2.70", "2001:db8::7", ""]),
        ("192.0.2.0/24", ["192.0.2.0", "192.0.2.255"], ["192.0.3.0", "::1", ""]),
        ("2001:db8::/32", ["2001:db8::1", "2001:db8:ffff::"], ["2001:db9::1", "192.0.2.7"]),
        ("'192.0.2.*'", ["192.0.2.7"], ["192.0.3.7", ""]),
        ("'/^10[.]/'", ["10.1.2.3"], ["110.1.2.3"]),
        ("fe80::1", ["fe80::1%eth0"], ["fe80::2%eth0"]),
    ],
)
def test_client(where: str, holds: list[str], others: list[str]) -> None:
    """An address, a network or a pattern; an IPv4 address in IPv6 is that address."""
    rule = rule_at("CONNECT", f"{{client: {where}}}")
    assert [rule.matches(occasion("CONNECT", client=one)) for one in holds] == [True] * len(holds)
    assert not any(rule.matches(occasion("CONNECT", client=one)) for one in others)


def test_name_in_ehlo() -> None:
    """At EHLO it is the name in question, later the one that was accepted."""
    at_ehlo, later = (rule_at(stage, "{hello: '*.example.org'}") for stage in ("EHLO", "MAIL"))
    assert at_ehlo.matches(occasion("EHLO app.example.org"))
    assert not at_ehlo.matches(occasion("EHLO app.example.com", "EHLO app.example.org"))
    assert later.matches(occasion(MAIL, "EHLO app.example.org"))
    assert not later.matches(occasion(MAIL))


def test_user() -> None:
    """Behind AUTH it is who was let in, at AUTH who asks to be; "" is nobody."""
    assert rule_at("MAIL", "{user: bob}").matches(occasion(MAIL, user="bob", claimed="eve"))
    assert not rule_at("MAIL", "{user: bob}").matches(occasion(MAIL, claimed="bob"))
    assert rule_at("AUTH", "{user: bob}").matches(occasion("AUTH PLAIN x", claimed="bob"))
    assert rule_at("MAIL", "{user: ''}").matches(occasion(MAIL))
    assert not rule_at("MAIL", "{user: ''}").matches(occasion(MAIL, user="bob"))


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("{BODY: 8bitmime}", True),
        ("{BODY: 7BIT}", False),
        ("{size: '/^20/', SMTPUTF8: ''}", True),
        ("[SIZE, SMTPUTF8]", True),
        ("[SIZE, RET]", False),
        ("SMTPUTF8", True),
        ("{SMTPUTF8: 'x'}", False),
    ],
)
def test_parameters(when: str, holds: bool) -> None:
    """Each keyword must be there, with a value that fits; at DATA they are those of MAIL."""
    for stage, at in (("MAIL", occasion(SIZED)), ("DATA", occasion("DATA", ENVELOPE))):
        assert rule_at(stage, f"{{parameters: {when}}}").matches(at) is holds


def test_parameters_of_rcpt() -> None:
    """At RCPT they are the command's own."""
    rule = rule_at("RCPT", "{parameters: [NOTIFY]}")
    assert rule.matches(occasion(f"{RCPT} NOTIFY=NEVER", SIZED))
    assert not rule.matches(occasion(RCPT, "MAIL FROM:<a@example.org> NOTIFY=NEVER"))


@pytest.mark.parametrize(
    ("when", "reply", "holds"),
    [
        ("4xx", "451 4.3.0 No", True),
        ("45x", "461 No", False),
        ("{code: 4xx, text: '*greylist*'}", "450 4.7.1 You are Greylisted", True),
        ("{code: 4xx, text: '*greylist*'}", "550 5.7.1 You are Greylisted", False),
        ("{text: '*greylist*'}", "550 5.7.1 You are Greylisted", True),
        ("{text: '*greylist*'}", "450 4.7.1 Busy", False),
        ("{text: '*'}", "", False),
    ],
)
def test_reply(when: str, reply: str, holds: bool) -> None:
    """A code or a class, and the text behind the code."""
    rule = rule_at("RCPT", f"{{reply: {when}}}")
    assert rule.matches(occasion(RCPT, MAIL, reply)) is holds
    assert rule.needs_reply


@pytest.mark.parametrize(
    ("nth", "holds"),
    [("3", [3]), ("3-5", [3, 4, 5]), ("5-", [5, 6, 7]), ("every 3", [3, 6])],
)
def test_ordinals(nth: str, holds: list[int]) -> None:
    """One number, a row of them, or every so many; of commands and of sessions."""
    command, session = (rule_at("RCPT", f"{{{key}: {nth}}}") for key in ("command", "session"))
    numbers = range(1, 8)
    assert [at for at in numbers if command.matches(occasion(RCPT, ordinal=at))] == holds
    assert [at for at in numbers if session.matches(occasion(RCPT, session=at))] == holds


def test_nth_message_counts_what_was_accepted() -> None:
    """At MAIL it is the message that it asks for, later the one in hand."""
    at_mail, at_rcpt = (rule_at(stage, "{message: 2}") for stage in ("MAIL", "RCPT"))
    assert [at_mail.matches(occasion(MAIL, text)) for text in ("", MAIL, f"{MAIL}\n{MAIL}")] == [
        *(False, True, False)
    ]
    assert [at_rcpt.matches(occasion(RCPT, text)) for text in (MAIL, f"{MAIL}\nRSET\n{MAIL}")] == [
        *(False, True)
    ]


def test_time_since_the_start() -> None:
    """From the first moment on, and up to the last, which is not in it."""
    rule = rule_at("NOOP", "{since-start: {from: 10 s, to: 30 s}}")
    times = (9.9, 10.0, 29.9, 30.0)
    assert [rule.matches(occasion("NOOP", time=at)) for at in times] == [False, True, True, False]
    assert rule_at("NOOP", "{since-start: {from: 10 s}}").matches(occasion("NOOP", time=1e6))


def test_size_that_mail_declares() -> None:
    """Before the message is there, SIZE= counts; where that is missing nothing holds."""
    over, under = (rule_at("MAIL", f"{{size: {word} 2 kB}}") for word in ("over", "under"))
    for size, more, less in ((2001, True, False), (2000, False, False), (1999, False, True)):
        at = occasion(f"{MAIL} SIZE={size}")
        assert (over.matches(at), under.matches(at)) == (more, less)
    for words in (MAIL, f"{MAIL} SIZE=big", f"{MAIL} SIZE={'9' * 30}"):
        assert not over.matches(occasion(words))
        assert not under.matches(occasion(words))


def test_size_of_the_message() -> None:
    """At its end the message itself counts, whatever MAIL said."""
    rule = rule_at("END-OF-DATA", "{size: over 1 MiB}")
    assert rule.needs_message
    large, small = Message(1024**2 + 1, b""), Message(1024**2, b"")
    assert rule.matches(occasion("END-OF-DATA", ENVELOPE, message=large))
    assert not rule.matches(occasion("END-OF-DATA", ENVELOPE, message=small))
    assert not rule.matches(occasion("END-OF-DATA", ENVELOPE))


@pytest.mark.parametrize(
    ("head", "holds"),
    [
        (b"Subject: Your INVOICE 7\r\n\r\n", True),
        (b"subject:your\r\n\tinvoice\r\n\r\n", True),
        (b"Subject: no\r\nSubject: an invoice\r\n\r\n", True),
        (b"Subject: =?utf-8?b?QW4gaW52b2ljZQ==?=\r\n\r\n", True),
        (b"Subject: =?iso-8859-1?q?An=20in?=\r\n =?utf-8?q?voice?=\r\n\r\n", True),
        (b"Subject: hello\r\n\r\nSubject: invoice\r\n", False),
        (b"X-Subject: invoice\r\n\r\n", False),
        (b"\r\nSubject: invoice\r\n", False),
        (b"", False),
    ],
)
def test_header(head: bytes, holds: bool) -> None:
    """Unfolded and decoded, in the header section alone, and whatever the case."""
    rule = rule_at("END-OF-DATA", "{header: {Subject: '*invoice*'}}")
    message = Message(len(head), head)
    assert rule.matches(occasion("END-OF-DATA", ENVELOPE, message=message)) is holds


def test_names_of_header_fields_alone() -> None:
    """A list asks for no more than that they are there."""
    rule = rule_at("END-OF-DATA", "{header: [List-Id, Precedence]}")
    both, one = (
        Message(0, head) for head in (b"List-Id: a\r\nPrecedence: \r\n\r\n", b"List-Id: a\r\n\r\n")
    )
    assert rule.matches(occasion("END-OF-DATA", message=both))
    assert not rule.matches(occasion("END-OF-DATA", message=one))


@pytest.mark.parametrize("share", ["0.25", "25 %", "25%"])
def test_chance(share: str) -> None:
    """What is drawn must be below the share."""
    rule = rule_at("NOOP", f"{{chance: {share}}}")
    at = occasion("NOOP")
    drawn = [0.0, 0.2499, 0.25, 0.99]
    at.draw = iter(drawn).__next__
    assert [rule.matches(at) for _ in drawn] == [True, True, False, False]
    assert rule.draws


def test_every_kind_is_described() -> None:
    """Each kind has a JSON Schema and words, so that editors and sentences know it."""
    assert all(kind.schema for kind in CONDITIONS.values())
    written = {
        "chance": "0.3",
        "client": "10.0.0.0/8",
        "command": "3",
        "header": "[Subject]",
        "hello": "a",
        "message": "1-2",
        "parameters": "[SIZE]",
        "recipient": "b@*",
        "reply": "4xx",
        "sender": "a@*",
        "session": "every 2",
        "size": "over 1 kB",
        "since-start": "{to: 5 s}",
        "tls": "true",
        "user": "bob",
    }
    assert set(written) == set(CONDITIONS)
    for key, value in written.items():
        (condition,) = rule_at("END-OF-DATA", f"{{{key}: {value}}}").conditions
        assert len(condition.words.split()) > 2, key
