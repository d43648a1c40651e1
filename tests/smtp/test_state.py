"""The phase and the envelope follow from what the client heard."""

import pytest

from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Command, Reply
from smtpproxy.smtp.path import Path
from smtpproxy.smtp.state import Phase, State
from tests.smtp.dialogue import steps

BEGUN = """
    S: 220 mail.example.org ready
    C: EHLO app.example.org
    S: 250 mail.example.org
"""
OPEN = f"""{BEGUN}
    C: MAIL FROM:<a@example.org>
    S: 250 Ok
    C: RCPT TO:<b@example.net>
    S: 250 Ok
"""


def after(text: str, asking: bool = False) -> State:
    """Return the state after a dialogue; if `asking`, it is asked for its envelope at each step."""
    state = State()
    for line, code in steps(text):
        if asking:
            envelope(state)
        if line == b".\r\n":
            state.observe("END-OF-DATA", None, code)
        elif line:
            command = parse_command(line)
            state.observe(command.verb, command, code)
        else:
            state.observe("CONNECT", None, code)
    return state


def envelope(state: State) -> tuple[str | None, list[str]]:
    """Return the addresses of sender and accepted recipients."""
    sender = state.sender.address if state.sender else None
    return sender, [path.address for path in state.accepted]


@pytest.mark.parametrize(
    ("text", "phase"),
    [
        ("", Phase.CONNECTED),
        ("S: 220 ready", Phase.GREETED),
        ("S: 554 no", Phase.CONNECTED),
        ("S: 421 no", Phase.CONNECTED),
        (BEGUN, Phase.IDLE),
        ("S: 220 ready\nC: EHLO x\nS: 502 no", Phase.GREETED),
        ("S: 220 ready\nC: HELO x\nS: 250 ok", Phase.IDLE),
        ("S: 220 ready\nC: LHLO x\nS: 250 ok", Phase.IDLE),
        (f"{BEGUN}\nC: MAIL FROM:<>\nS: 250 ok", Phase.MAIL),
        (f"{BEGUN}\nC: MAIL FROM:<>\nS: 451 no", Phase.IDLE),
        (f"{BEGUN}\nC: MAIL FROM:<>\nS: 250 ok\nC: RCPT TO:<b@example.net>\nS: 550", Phase.MAIL),
        (OPEN, Phase.RCPT),
        (f"{BEGUN}\nC: RCPT TO:<b@example.net>\nS: 250 ok", Phase.IDLE),
        (f"{OPEN}\nC: RCPT TO:<c@example.net>\nS: 550 no", Phase.RCPT),
        (f"{OPEN}\nC: DATA\nS: 354 go on", Phase.DATA),
        (f"{OPEN}\nC: DATA\nS: 451 no", Phase.RCPT),
        (f"{OPEN}\nC: DATA\nS: 354 go on\nC: .\nS: 250 ok", Phase.IDLE),
        (f"{BEGUN}\nC: DATA\nS: 354 go on", Phase.DATA),
        (f"{BEGUN}\nC: STARTTLS\nS: 220 go on", Phase.OPAQUE),
        (f"{BEGUN}\nC: STARTTLS\nS: 454 no", Phase.IDLE),
        (f"{BEGUN}\nC: TURN\nS: 250 ok", Phase.OPAQUE),
        (f"{BEGUN}\nC: ATRN\nS: 250 ok", Phase.OPAQUE),
        (f"{BEGUN}\nC: XCLIENT NAME=x\nS: 220 ready", Phase.GREETED),
        (f"{OPEN}\nC: QUIT\nS: 221 bye", Phase.OVER),
        (f"{OPEN}\nC: QUIT\nS: 500 what", Phase.RCPT),
    ],
)
def test_phase(text: str, phase: str) -> None:
    """RFC 5321 §3 and §4.1.4: an accepted command moves the session on, a refused one does not."""
    assert after(text).phase == phase


def test_envelope() -> None:
    """The envelope holds the accepted paths in order, with their parameters; refused ones never."""
    state = after(f"""{BEGUN}
        C: MAIL FROM:<a@example.org> SIZE=100
        S: 250 Ok
        C: RCPT TO:<b@example.net>
        S: 250 Ok
        C: RCPT TO:<no@example.net>
        S: 550 No
        C: RCPT TO:<later@example.net>
        S: 450 Later
        C: RCPT TO:<c@example.net> NOTIFY=NEVER
        S: 251 Will forward
    """)
    assert state.sender == Path("a@example.org", (("SIZE", "100"),))
    assert state.accepted == [
        Path("b@example.net"),
        Path("c@example.net", (("NOTIFY", "NEVER"),)),
    ]


def test_domains_of_the_envelope() -> None:
    """Each domain stands once, in lower case, of the recipients that were accepted."""
    state = after(f"""{BEGUN}
        C: MAIL FROM:<a@example.org>
        S: 250 Ok
        C: RCPT TO:<b@example.net>
        S: 250 Ok
        C: RCPT TO:<c@Example.NET>
        S: 250 Ok
        C: RCPT TO:<no@refused.example>
        S: 550 No
        C: RCPT TO:<Postmaster>
        S: 250 Ok
    """)
    assert state.accepted_domains() == {"example.net", ""}


@pytest.mark.parametrize("verb", ["SEND", "SOML", "SAML", "mail"])
def test_verbs_that_begin_a_transaction(verb: str) -> None:
    """RFC 821 §3.4: SEND, SOML and SAML begin a mail transaction as MAIL does."""
    state = after(f"""{BEGUN}
        C: {verb} FROM:<a@example.org>
        S: 250 Ok
    """)
    assert (state.phase, envelope(state)) == (Phase.MAIL, ("a@example.org", []))


def test_null_reverse_path() -> None:
    """RFC 5321 §4.5.5: the null reverse-path is a sender, and not the lack of one."""
    state = after(f"""{BEGUN}
        C: MAIL FROM:<>
        S: 250 Ok
    """)
    assert state.sender == Path("")


@pytest.mark.parametrize(
    "end",
    [
        "C: RSET\nS: 250 ok",
        "C: HELO again.example.org\nS: 250 ok",
        "C: EHLO again.example.org\nS: 250 ok",
        "C: DATA\nS: 354 go on\nC: .\nS: 250 ok",
        "C: DATA\nS: 354 go on\nC: .\nS: 451 later",
        "C: DATA\nS: 354 go on\nC: .\nS: 554 no",
        "C: BDAT 0 LAST\nS: 250 ok",
        "C: bdat 5\tlast\nS: 250 ok",
    ],
)
def test_end_of_a_transaction(end: str) -> None:
    """RFC 5321 §4.1.1.4, §4.1.1.5, §4.1.4; RFC 3030 §2: the envelope is empty after these."""
    state = after(f"{OPEN}\n{end}")
    assert (state.phase, envelope(state)) == (Phase.IDLE, (None, []))


@pytest.mark.parametrize(
    "nothing",
    [
        "C: NOOP\nS: 250 ok",
        "C: VRFY b\nS: 250 ok",
        "C: EXPN b\nS: 250 ok",
        "C: HELP\nS: 214 ok",
        "C: RSET\nS: 421 no",
        "C: EHLO again.example.org\nS: 421 no",
        "C: DATA\nS: 554 no",
        "C: MAIL FROM:<c@example.com>\nS: 503 nested",
        "C: RCPT TO:<c@example.net>\nS: 452 too many",
        "C: BDAT 5\nS: 250 ok",
        "C: AUTH PLAIN AGEAYg==\nS: 503 not now",
        "C: WHAT\nS: 250 ok",
    ],
)
def test_what_leaves_a_transaction_open(nothing: str) -> None:
    """RFC 5321 §4.1.1.6 to §4.1.1.9: these, and refused commands, leave the envelope as it is."""
    state = after(f"{OPEN}\n{nothing}")
    assert (state.phase, envelope(state)) == (Phase.RCPT, ("a@example.org", ["b@example.net"]))


def test_envelope_during_mail_data() -> None:
    """RFC 5321 §3.3: the envelope lasts until the end of mail data is answered."""
    state = after(f"{OPEN}\nC: DATA\nS: 354 go on")
    assert envelope(state) == ("a@example.org", ["b@example.net"])


def test_xclient_starts_over() -> None:
    """After XCLIENT with 220 the session stands where its greeting left it, with no envelope."""
    state = after(f"{OPEN}\nC: XCLIENT NAME=x\nS: 220 ready")
    assert (state.phase, envelope(state)) == (Phase.GREETED, (None, []))


def test_a_second_transaction_begins_empty() -> None:
    """An accepted MAIL forgets the recipients of the transaction before it."""
    state = after(f"""{OPEN}
        C: MAIL FROM:<c@example.com>
        S: 250 Ok
    """)
    assert (state.phase, envelope(state)) == (Phase.MAIL, ("c@example.com", []))


@pytest.mark.parametrize("asking", [False, True])
def test_asking_changes_nothing(asking: bool) -> None:
    """The envelope is that of the open transaction, whether it was asked for before or not."""
    state = after(
        f"""{OPEN}
        C: DATA
        S: 354 Go on
        C: .
        S: 250 Ok
        C: MAIL FROM:<c@example.com>
        S: 250 Ok
        C: RCPT TO:<d@example.net>
        S: 250 Ok
        C: RCPT TO:<e@example.net>
        S: 250 Ok
        """,
        asking,
    )
    assert envelope(state) == ("c@example.com", ["d@example.net", "e@example.net"])
    state.observe("RSET", parse_command(b"RSET\r\n"), 250)
    assert envelope(state) == (None, [])


def test_helo() -> None:
    """The name is that of the last accepted HELO, EHLO or LHLO."""
    state = after("""
        S: 220 mail.example.org ready
        C: EHLO one.example.org
        S: 250 mail.example.org
        C: HELO two.example.org
        S: 501 No
    """)
    assert state.helo == b"one.example.org"
    state.observe("HELO", parse_command(b"HELO two.example.org\r\n"), 250)
    state.observe("RSET", parse_command(b"RSET\r\n"), 250)
    assert state.helo == b"two.example.org"


@pytest.mark.parametrize("code", [0, 99, 199, 600, 999])
def test_odd_codes_change_nothing(code: int) -> None:
    """A reply of no known class moves nothing on."""
    state = after(f"{OPEN}\nC: RSET\nS: {code:03d} what")
    assert (state.phase, envelope(state)) == (Phase.RCPT, ("a@example.org", ["b@example.net"]))


def test_recipients_that_can_not_be_read_count() -> None:
    """RFC 2033 §4.2: each accepted RCPT is due a reply, also one whose path can't be read."""
    state = after(f"""{OPEN}
        C: RCPT what
        S: 250 Ok
        C: RCPT TO:<no@example.net>
        S: 550 No
        C: RCPT TO:<c@example.net>
        S: 250 Ok
    """)
    assert state.recipients == 3
    assert state.accepted_addresses() == ["b@example.net", "", "c@example.net"]
    assert envelope(state) == ("a@example.org", ["b@example.net", "c@example.net"])


def test_keywords() -> None:
    """RFC 5321 §4.1.1.1: they are the last reply's, without its first line, in any case."""
    state = State()
    assert (state.keywords, state.offers_pipelining) == ({}, False)
    state.greeted_again(Reply(250, b"250-x\r\n250-Size  12 \r\n250-\xff\r\n250 pipelining\r\n"))
    assert state.keywords == {"SIZE": "12", "\\XFF": "", "PIPELINING": ""}
    assert state.offers_pipelining
    state.greeted_again(Reply(250, b"250 SIZE\r\n"))
    assert (state.keywords, state.offers_pipelining) == ({}, False)


def test_recipients_without_end() -> None:
    """All are counted, and the first ones are known by their addresses: the room is bounded."""
    state = State()
    rcpt = Command("RCPT", b"RCPT TO:<" + b"b" * 1000 + b"@example.net>\r\n")
    for _ in range(1000):
        state.observe("RCPT", rcpt, 250)
    assert state.recipients == len(state.accepted_addresses()) == 1000
    assert 200 < len(state.accepted) < 300
    assert state.accepted_addresses()[-1] == ""


def test_the_reply_to_ehlo_is_remembered_as_it_was() -> None:
    """The last that the client heard, until TLS begins; before it, there is none."""
    state = State()
    assert state.hello == b""
    state.greeted_again(Reply(250, b"250-hi\r\n250 SIZE\r\n"))
    assert state.hello == b"250-hi\r\n250 SIZE\r\n"
    state.start_over()
    assert state.hello == b""


def test_what_was_said_before_tls_is_forgotten() -> None:
    """RFC 3207 §4.2: who the client is, what was offered, and the envelope."""
    state = State()
    hello = Command("LHLO", b"LHLO app.example.org\r\n")
    mail = Command("MAIL", b"MAIL FROM:<a@example.org>\r\n")
    state.observe("CONNECT", None, 220)
    state.observe("LHLO", hello, 250)
    state.greeted_again(Reply(250, b"250-m\r\n250 PIPELINING\r\n"))
    state.observe("MAIL", mail, 250)
    state.observe("RCPT", Command("RCPT", b"RCPT TO:<b@example.net>\r\n"), 250)
    state.observe("STARTTLS", Command("STARTTLS", b"STARTTLS\r\n"), 220)
    assert state.has_envelope
    state.start_over()
    assert not state.has_envelope
    assert (state.phase, state.helo, state.lmtp) == (Phase.GREETED, b"", False)
    assert (state.keywords, state.sender, state.recipients) == ({}, None, 0)
    assert not state.offers_pipelining


def test_mail_transactions_are_counted() -> None:
    """Those count that were begun, whatever became of them, and none that was refused."""
    state = State()
    mail = Command("MAIL", b"MAIL FROM:<a@example.org>\r\n")
    for stage, command, code in (
        *(("MAIL", mail, 250), ("RSET", None, 250), ("MAIL", mail, 550)),
        *(("MAIL", mail, 250), ("END-OF-DATA", None, 250)),
    ):
        state.observe(stage, command, code)
    assert state.transactions == 2


def test_user_is_forgotten_with_what_was_said_before_tls() -> None:
    """RFC 3207 §4.2: who logged in in plain text is nobody under TLS."""
    state = State()
    state.user = "bob"
    state.start_over()
    assert state.user == ""
