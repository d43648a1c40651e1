"""What a session does not allow its client has a name."""

from __future__ import annotations

import pytest

from smtpproxy.smtp.anomalies import OF_SESSION
from smtpproxy.smtp.facts import Command, Reply
from smtpproxy.smtp.state import State
from smtpproxy.statelint import oddities, session_anomalies

EHLO = b"250-mail.example.org\r\n250-SIZE 1000\r\n250-AUTH PLAIN LOGIN\r\n250 8BITMIME\r\n"


def after(*commands: str, hello: bytes = EHLO) -> State:
    """Return the state of a session in which these commands were accepted."""
    state = State()
    state.observe("CONNECT", None, 220)
    for line in commands:
        verb = line.split()[0]
        state.observe(verb, Command(verb, f"{line}\r\n".encode()), 354 if verb == "DATA" else 250)
        if verb in ("EHLO", "HELO"):
            state.greeted_again(Reply(250, hello if verb == "EHLO" else b"250 Hi\r\n"))
    return state


GREETED = ("EHLO app.example.org",)
MAIL = (*GREETED, "MAIL FROM:<a@example.org>")
RCPT = (*MAIL, "RCPT TO:<b@example.net>")


@pytest.mark.parametrize(
    ("before", "line", "names"),
    [
        ((), "MAIL FROM:<a@example.org>", ["command-before-hello"]),
        ((), "AUTH PLAIN [redacted]", ["command-before-hello"]),
        ((), "NOOP", []),
        (GREETED, "MAIL FROM:<a@example.org>", []),
        (MAIL, "MAIL FROM:<a@example.org>", ["mail-in-transaction"]),
        (RCPT, "MAIL FROM:<a@example.org>", ["mail-in-transaction"]),
        ((*RCPT, "RSET"), "MAIL FROM:<a@example.org>", []),
        (GREETED, "RCPT TO:<b@example.net>", ["recipient-without-mail"]),
        (MAIL, "RCPT TO:<b@example.net>", []),
        (MAIL, "DATA", ["data-without-recipient"]),
        (MAIL, "BDAT 5 LAST", ["data-without-recipient", "not-offered: BDAT"]),
        (RCPT, "DATA", []),
        (GREETED, "STARTTLS", ["not-offered: STARTTLS"]),
        (GREETED, "AUTH plain [redacted]", []),
        (GREETED, "AUTH CRAM-MD5", ["not-offered: AUTH CRAM-MD5"]),
        (GREETED, "MAIL FROM:<a@example.org> SIZE=10 BODY=8BITMIME AUTH=<>", []),
        (("HELO x",), "MAIL FROM:<a@example.org> AUTH=<>", ["not-offered: AUTH=<>"]),
        (GREETED, 'MAIL FROM:<"a>b"@example.org> SIZE=10', []),
        (GREETED, "MAIL FROM:a@example.org", []),
        (
            GREETED,
            "MAIL FROM:<a@example.org> SIZE=10 X-LONG=" + "x" * 2000,
            [f"not-offered: X-LONG={'x' * 2000}"],
        ),
        (GREETED, "MAIL FROM:<a@example.org> SMTPUTF8", ["not-offered: SMTPUTF8"]),
        (GREETED, "MAIL FROM:<a@example.org> BODY=BINARYMIME", ["not-offered: BODY=BINARYMIME"]),
        (GREETED, "MAIL FROM:<a@example.org> RET=HDRS", ["not-offered: RET=HDRS"]),
        (MAIL, "RCPT TO:<b@example.net> NOTIFY=NEVER", ["not-offered: NOTIFY=NEVER"]),
        (("HELO x",), "MAIL FROM:<a@example.org> SIZE=10", ["not-offered: SIZE=10"]),
        (("HELO x",), "MAIL FROM:<a@example.org>", []),
    ],
)
def test_what_a_session_does_not_allow(
    before: tuple[str, ...], line: str, names: list[str]
) -> None:
    """Order and offers, as RFC 5321 has them."""
    asked = line.split()[0], f"{line}\r\n".encode(), False, after(*before)
    told = [f"{name}: {detail}" if detail else name for name, detail in oddities(*asked)]
    assert told == names
    # The quick way, which the transcript takes, says the same.
    assert list(session_anomalies(*asked)) == [name.partition(":")[0] for name in names]


@pytest.mark.parametrize(
    ("before", "line"), [(GREETED, "RCPT TO:<b@example.net>"), (MAIL, "DATA"), ((), "MAIL FROM:<>")]
)
def test_who_could_not_know_is_not_blamed(before: tuple[str, ...], line: str) -> None:
    """RFC 2920 §3.1: a pipelined command may follow one that was refused."""
    sent = f"{line}\r\n".encode()
    assert list(oddities(line.split()[0], sent, True, after(*before))) == []


def test_credentials_are_no_command() -> None:
    """A line in answer to a 334 names no mechanism."""
    assert list(oddities("AUTH", b"[redacted]\r\n", False, after(*GREETED))) == []


def test_the_old_form_of_auth_is_an_offer() -> None:
    """Some servers say `AUTH=LOGIN`, from before RFC 2554."""
    state = after(*GREETED, hello=b"250-mail.example.org\r\n250 AUTH=LOGIN PLAIN\r\n")
    assert list(oddities("AUTH", b"AUTH LOGIN\r\n", False, state)) == []
    assert list(oddities("AUTH", b"AUTH PLAIN\r\n", False, state)) == []


def test_names_are_words() -> None:
    """Each can be written in an option."""
    assert all(name.replace("-", "").isalpha() and name == name.lower() for name in OF_SESSION)
