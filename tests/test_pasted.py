"""Replies found in what a person pastes."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smtpproxy.pasted import replies_in


def found(text: str) -> list[tuple[str, str]]:
    """Return each reply as it would stand on the wire, and its stage."""
    return [
        (one.reply.wire.decode().removesuffix("\r\n"), one.stage)
        for one in replies_in(text.splitlines())
    ]


@pytest.mark.parametrize(
    ("line", "reply", "stage"),
    [
        ("550 5.1.1 No such user", "550 5.1.1 No such user", ""),
        ("  550 No such user", "550 No such user", ""),
        ("250", "250 ", ""),
        ('"451 4.7.1 Later"', '451 4.7.1 Later"', ""),
        # Postfix
        (
            "Nov 24 12:00:00 mx postfix/smtp[7]: 4F2A: to=<b@example.net>, relay=mail.example.net"
            "[192.0.2.1]:25, delay=550, dsn=5.1.1, status=bounced (host mail.example.net[192.0.2.1]"
            " said: 550 5.1.1 <b@example.net>: No such user (in reply to RCPT TO command))",
            "550 5.1.1 <b@example.net>: No such user",
            "RCPT",
        ),
        (
            "status=deferred (host mail.example.net[192.0.2.1] said: 451 4.3.0 Later "
            "(in reply to end of DATA command))",
            "451 4.3.0 Later",
            "END-OF-DATA",
        ),
        (
            "status=deferred (host mail.example.net[192.0.2.1] refused to talk to me: "
            "421 4.7.0 Try again later)",
            "421 4.7.0 Try again later",
            "CONNECT",
        ),
        # Exim
        (
            "2026-11-24 12:00:00 1abc ** b@example.net R=dns T=smtp: SMTP error from remote mail "
            "server after RCPT TO:<b@example.net>: 550 No such user",
            "550 No such user",
            "RCPT",
        ),
        (
            "SMTP error from remote mail server after end of data: 552 5.3.4 Too big",
            "552 5.3.4 Too big",
            "END-OF-DATA",
        ),
        # a delivery status notification
        ("Diagnostic-Code: smtp; 550 5.1.1 unknown", "", ""),
        ("Diagnostic-Code: smtp;550 5.1.1 unknown", "550 5.1.1 unknown", ""),
        # swaks
        ("<** 550 5.1.1 No such user", "550 5.1.1 No such user", ""),
        # a dialogue as the RFCs print it
        ("S: 250 Ok", "250 Ok", ""),
        # this proxy
        (
            "14:02:11.204 #7 rcpt TO:<bob@example.net>               550 5.1.1  permanent    "
            "No such user (Requested action not taken: mailbox unavailable) [rule x]",
            "550 5.1.1 No such user",
            "RCPT",
        ),
        (
            "14:02:11.204 #7 EHLO app.example.org      250        success      "
            "mail.example.org (+2 lines) (Requested mail action okay, completed)",
            "250 mail.example.org",
            "EHLO",
        ),
    ],
)
def test_a_reply_in_a_line(line: str, reply: str, stage: str) -> None:
    """It is found where programs put it, without what they say around it."""
    expected = reply or "550 5.1.1 unknown"
    assert found(line) == [(expected, stage)]


@pytest.mark.parametrize(
    "line",
    [
        "",
        "Hello",
        "delay=550, dsn=5.1.1, status=sent",
        "2026-11-24 12:00:00 500 octets",
        "connect from mail.example.net[192.0.2.250]:2525",
        "699 What",
    ],
)
def test_a_line_without_a_reply(line: str) -> None:
    """Numbers, times and addresses are no replies."""
    assert found(line) == []


def test_lines_of_one_reply() -> None:
    """A multiline reply is one, also between others."""
    text = "250 Ok\n550-5.7.26 Unauthenticated.\n550-5.7.26\n550 5.7.26 Sorry.\nfoo\n250 Ok"
    assert found(text) == [
        ("250 Ok", ""),
        ("550-5.7.26 Unauthenticated.\r\n550-5.7.26\r\n550 5.7.26 Sorry.", ""),
        ("250 Ok", ""),
    ]


@given(st.text(alphabet="2504-. \n\r:abS(<>#", max_size=60))
def test_nothing_raises(text: str) -> None:
    """Whatever is pasted, each reply that is found has a code and a text."""
    for one in replies_in(text.splitlines()):
        assert one.reply.wire.startswith(b"%03d" % one.reply.code) or b"\n" in one.reply.wire


@pytest.mark.parametrize(
    ("line", "reply", "stage"),
    [
        (
            "12:00:00.000 #1 BDAT 300 LAST    250 2.0.0  success      Ok queued",
            "250 2.0.0 Ok queued",
            "BDAT",
        ),
        (
            "12:00:00.000 #1 RCPT TO:<a 550 b@x>  250 2.1.5  success      Ok (x)",
            "250 2.1.5 Ok",
            "RCPT",
        ),
        (
            '{"v":1,"stage":"RCPT","code":550,"enhanced":"5.1.1","text":"No such\\nuser"}',
            "550 5.1.1 No such user",
            "RCPT",
        ),
        ('{"v":1,"stage":"NOOP","code":250,"text":"Ok"}', "250 Ok", "NOOP"),
    ],
)
def test_the_proxys_own_logs(line: str, reply: str, stage: str) -> None:
    """Both are read, whatever stands in the command."""
    assert found(line) == [(reply, stage)]


@pytest.mark.parametrize("line", ['{"v":1,"fact":"ended"}', '{"code":null,"stage":"x"}', "{", "{}"])
def test_records_without_a_reply(line: str) -> None:
    """Facts, and what is no JSON, are passed over."""
    assert found(line) == []


@pytest.mark.parametrize("name", ["said: 550 No", "550 5.1.1 No", "S: 250 Ok"])
def test_names_in_tls_are_no_replies(name: str) -> None:
    """A peer that calls itself by a reply, in SNI or a certificate, has said none."""
    assert found(f"12:00:00.000 #1 * tls upstream TLSv1.3 TLS_AES_128_GCM_SHA256 CN={name}") == []
    assert found(f"12:00:00.000 #1 * tls-failed upstream: the certificate is for {name}") == []


@pytest.mark.parametrize("rest", ["", "\nfoo", "\n250 Ok"])
def test_a_reply_whose_end_is_lacking(rest: str) -> None:
    """What was pasted of it is explained."""
    assert found(f"550-5.1.1 No such user{rest}")[0] == ("550 5.1.1 No such user", "")


@pytest.mark.parametrize(
    "word", ["error ", "error from ", "said ", "stat=", "(in reply to ", ")", "<", "550 "]
)
def test_no_line_takes_long(word: str) -> None:
    """Logs hold what peers said: nothing in a line makes the search for a reply slow."""
    begun = time.process_time()
    found("Nov 24 x: " + word * 2000)
    found("said: 550 " + word * 2000)
    assert time.process_time() - begun < 1.0
