"""What a client sends becomes the right facts, wherever TCP cuts it."""

import pytest

from smtpproxy.smtp.client import ClientReader, parse_command
from smtpproxy.smtp.facts import (
    Command,
    Continuation,
    MailData,
    Opaque,
    Overlong,
)
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from tests.smtp.dialogue import dialogue, every_cut
from tests.smtp.reading import ClientReading, Facts, in_turn, octets_of, read_client, read_on


def read(text: str) -> Facts:
    """Read a dialogue, sent in one go and answered in order, by every cut, soon and late."""
    octets, codes = dialogue(text)
    whole = read_client([octets], in_turn(codes))
    for pieces in every_cut(octets):
        for late in (False, True):
            assert read_client(pieces, in_turn(codes), late) == whole, pieces
    assert octets_of(whole.facts) + whole.rest == octets
    assert whole.rest == b""
    return whole.facts


def test_commands() -> None:
    """A command is a line; its verb is told in upper case, its octets as they were sent."""
    assert read("""
        S: 220 mail.example.org ready
        C: ehlo app.example.org
        S: 250 mail.example.org
        C: Quit
        S: 221 Bye
    """) == [Command("EHLO", b"ehlo app.example.org\r\n"), Command("QUIT", b"Quit\r\n")]


def test_pipelined_commands_need_no_reply() -> None:
    """RFC 2920 §3.1: commands that decide nothing about framing are read without their replies."""
    assert read("""
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<b@example.net>
        C: RCPT TO:<c@example.net>
    """) == [
        Command("MAIL", b"MAIL FROM:<a@example.org>\r\n"),
        Command("RCPT", b"RCPT TO:<b@example.net>\r\n"),
        Command("RCPT", b"RCPT TO:<c@example.net>\r\n"),
    ]


def test_mail_data() -> None:
    """RFC 5321 §4.1.1.4: from 354 to the lone dot all is mail data, even where it looks like SMTP.

    Dots that begin a line, and dots that do not end it with CRLF, end nothing.
    """
    assert read("""
        C: DATA
        S: 354 Go on
        C: Subject: hello
        C:
        C: QUIT
        C: ..
        C: ...
        C: .x
        C: .
        S: 250 Ok
        C: QUIT
        S: 221 Bye
    """) == [
        Command("DATA", b"DATA\r\n"),
        MailData(b"Subject: hello\r\n\r\nQUIT\r\n..\r\n...\r\n.x\r\n.\r\n", last=True),
        Command("QUIT", b"QUIT\r\n"),
    ]


def test_empty_mail_data() -> None:
    """RFC 5321 §4.1.1.4: the CRLF of the DATA line counts, so that the dot may come at once."""
    assert read("""
        C: DATA
        S: 354 Go on
        C: .
        S: 250 Ok
        C: NOOP
        S: 250 Ok
    """) == [
        Command("DATA", b"DATA\r\n"),
        MailData(b".\r\n", last=True),
        Command("NOOP", b"NOOP\r\n"),
    ]


@pytest.mark.parametrize("code", [451, 503, 554, 250])
def test_refused_data(code: int) -> None:
    """After a DATA without 3xx commands go on (RFC 2920 §3.1: a client may have pipelined some)."""
    assert read(f"""
        C: DATA
        S: {code} No
        C: RSET
        S: 250 Ok
    """) == [Command("DATA", b"DATA\r\n"), Command("RSET", b"RSET\r\n")]


@pytest.mark.parametrize("code", [354, 350, 300])
def test_any_3xx_begins_mail_data(code: int) -> None:
    """RFC 5321 §4.2.1: clients may go by the first digit, so any 3xx lets mail data follow."""
    assert read(f"""
        C: DATA
        S: {code} Go on
        C: RSET
        C: .
        S: 250 Ok
    """) == [Command("DATA", b"DATA\r\n"), MailData(b"RSET\r\n.\r\n", last=True)]


def test_354_to_an_unreadable_line() -> None:
    """Upstream took for DATA what is no command here: its 354 is believed."""
    assert read("""
        C: "DATA"
        S: 354 Go on
        C: Subject: hello
        C: .
        S: 250 Ok
    """) == [Command("?", b'"DATA"\r\n'), MailData(b"Subject: hello\r\n.\r\n", last=True)]


def test_354_to_another_command() -> None:
    """A 354 to a command that is not DATA begins no mail data: framing goes by verb and reply."""
    assert (
        read("""
        C: NOOP
        S: 354 Go on
        C: NOOP
        S: 250 Ok
    """)
        == [Command("NOOP", b"NOOP\r\n")] * 2
    )


def test_authentication() -> None:
    """RFC 4954 §4: each 334 is answered with one line, which is no command; 235 ends it."""
    assert read("""
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: QUIT
        S: 334 UGFzc3dvcmQ6
        C: c2VjcmV0
        S: 235 Welcome
        C: NOOP
        S: 250 Ok
    """) == [
        Command("AUTH", b"AUTH LOGIN\r\n"),
        Continuation(b"QUIT\r\n"),
        Continuation(b"c2VjcmV0\r\n"),
        Command("NOOP", b"NOOP\r\n"),
    ]


def test_authentication_that_is_cancelled_or_refused() -> None:
    """RFC 4954 §4: after `*` and 501, and after 535, commands go on."""
    assert read("""
        C: AUTH CRAM-MD5
        S: 334 PDEyM0BleGFtcGxlLm9yZz4=
        C: *
        S: 501 Cancelled
        C: AUTH PLAIN AGEAYg==
        S: 535 No
        C: NOOP
        S: 250 Ok
    """) == [
        Command("AUTH", b"AUTH CRAM-MD5\r\n"),
        Continuation(b"*\r\n"),
        Command("AUTH", b"AUTH PLAIN AGEAYg==\r\n"),
        Command("NOOP", b"NOOP\r\n"),
    ]


@pytest.mark.parametrize(("verb", "code"), [("STARTTLS", 220), ("TURN", 250), ("ATRN", 250)])
def test_opaque(verb: str, code: int) -> None:
    """Behind STARTTLS with 220, and TURN and ATRN with 2xx, nothing is read any more."""
    assert read(f"""
        C: {verb}
        S: {code} Go on
        C: QUIT
        C: QUIT
    """) == [Command(verb, f"{verb}\r\n".encode()), Opaque(b"QUIT\r\nQUIT\r\n")]


@pytest.mark.parametrize(
    ("verb", "code"),
    [("STARTTLS", 454), ("TURN", 502), ("ATRN", 450), ("XCLIENT", 220), ("XCLIENT", 550)],
)
def test_held_then_commands(verb: str, code: int) -> None:
    """Where such a command is refused, and after XCLIENT in any case, commands go on."""
    assert read(f"""
        C: {verb}
        S: {code} So it is
        C: QUIT
        S: 221 Bye
    """) == [Command(verb, f"{verb}\r\n".encode()), Command("QUIT", b"QUIT\r\n")]


@pytest.mark.parametrize("verb", ["DATA", "AUTH", "STARTTLS", "XCLIENT", "TURN", "ATRN"])
def test_held_until_the_reply_is_known(verb: str) -> None:
    """What is sent behind such a command is no fact yet, and rest() gives it unchanged."""
    line = f"{verb}\r\n".encode()
    for pieces in every_cut(line + b"NOOP\r\n.\r\n"):
        read = read_client(pieces, in_turn([]))
        assert read == ClientReading(Facts([Command(verb, line)]), b"NOOP\r\n.\r\n")


@pytest.mark.parametrize(
    ("line", "verb"),
    [
        (b"NOOP\n", "NOOP"),
        (b" \tNoOp x\r\n", "NOOP"),
        (b"NOOP\tx\r\n", "NOOP"),
        (b"X-A1 x\r\n", "X-A1"),
        (b"A" * 32 + b"\r\n", "A" * 32),
        (b"A" * 33 + b"\r\n", "?"),
        (b"\r\n", "?"),
        (b"250 Ok\r\n", "?"),
        (b"MAIL:FROM\r\n", "?"),
        (b"DATA\0\r\n", "?"),
        (b"D\xc3\xa4TA\r\n", "?"),
        (b"\xff\xfe\r\n", "?"),
    ],
)
def test_verbs(line: bytes, verb: str) -> None:
    """A line that does not begin with a word has the verb "?", and no line is refused."""
    assert parse_command(line) == Command(verb, line)


@pytest.mark.parametrize(
    ("begin", "limit"),
    [
        (b"NOOP ", DEFAULT_LIMITS.max_command_line),
        (b"auth PLAIN ", DEFAULT_LIMITS.max_auth_line),
        (b" \tAUTH\tPLAIN ", DEFAULT_LIMITS.max_auth_line),
        (b"AUTHX ", DEFAULT_LIMITS.max_command_line),
        (b" " * 2048 + b"AUTH PLAIN ", DEFAULT_LIMITS.max_command_line),
    ],
)
def test_longest_line(begin: bytes, limit: int) -> None:
    """A line of as many octets as the limit is read; one octet more, and nothing is read again."""
    longest = begin[: limit - 2].ljust(limit - 2, b"x") + b"\r\n"
    for pieces in ([longest], [longest[:-1], b"\n"], [longest[:4], longest[4:]]):
        assert read_client(pieces, in_turn([535])).facts == [parse_command(longest)]
    over = begin.ljust(limit - 1, b"x") + b"\r\nQUIT\r\n"
    for pieces in ([over], [over[:limit], over[limit:]], [over[: limit + 1], over[limit + 1 :]]):
        assert read_client(pieces, in_turn([535])) == ClientReading(Facts([Overlong(over)]), b"")


def test_longest_continuation() -> None:
    """RFC 4954 §4: a line in answer to a 334 may have 12,288 octets, and no more."""
    longest = b"x" * (DEFAULT_LIMITS.max_auth_line - 2) + b"\r\n"
    auth = Command("AUTH", b"AUTH LOGIN\r\n")
    read = read_client([auth.wire, longest], in_turn([334, 235]))
    assert read.facts == [auth, Continuation(longest)]
    read = read_client([auth.wire, b"x" + longest, b"QUIT\r\n"], in_turn([334, 235]))
    assert read.facts == [auth, Overlong(b"x" + longest + b"QUIT\r\n")]


def test_mail_data_is_not_kept() -> None:
    """Octets of mail data are facts at once, in lines of any length: nothing accumulates."""
    reader = ClientReader()
    reader.receive(b"DATA\r\n")
    assert read_on(reader) == [Command("DATA", b"DATA\r\n")]
    reader.answered("DATA", 354)
    for _ in range(3):
        reader.receive(b"x" * 100_000)
        assert read_on(reader) == [MailData(b"x" * 100_000, last=False)]
        assert reader.pending == 0


def test_what_is_encrypted_is_read_from_the_start() -> None:
    """Behind TLS the client's octets are those of a new one: nothing of before is left."""
    reader = ClientReader()
    reader.receive(b"STARTTLS\r\nEHLO injected")
    assert reader.next() == Command("STARTTLS", b"STARTTLS\r\n")
    reader.restart()
    assert reader.pending == 0
    reader.receive(b"EHLO a\r\n")
    assert reader.next() == Command("EHLO", b"EHLO a\r\n")
