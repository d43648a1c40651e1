"""Dialogues to begin from: one for each extension, and for what has gone wrong in other servers.

Written as in the RFCs, with `C:` and `S:`; each line ends in CRLF unless it says otherwise:

    <LF> <CR> <xNN>    stand for these octets
    <>                 at the end of a line: it has no line ending
"""

from __future__ import annotations

import re
from itertools import groupby

from tests.relaying import CLIENT, UPSTREAM, Event

_OCTET = re.compile(rb"<(?:(LF)|(CR)|x([0-9a-f]{2}))>")

BEGUN = """
    S: 220 mail.example.org ESMTP
    C: EHLO app.example.org
    S: 250-mail.example.org
    S: 250 8BITMIME
"""
OPEN = f"""{BEGUN}
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 250 2.1.5 Ok
"""
ENDED = """
    C: QUIT
    S: 221 2.0.0 Bye
"""

SEEDS = {
    "HELO": """
        S: 220 mail.example.org
        C: HELO app.example.org
        S: 250 mail.example.org
        C: MAIL FROM:<a@example.org>
        S: 250 ok
        C: RCPT TO:<b@example.net>
        S: 250 ok
        C: DATA
        S: 354 go
        C: Subject: hello
        C:
        C: Hi.
        C: .
        S: 250 ok
        C: QUIT
        S: 221 bye
    """,
    "PIPELINING": f"""{BEGUN}
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<b@example.net>
        C: RCPT TO:<c@example.net>
        C: DATA
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        S: 550 5.1.1 No
        S: 354 go
        C: x
        C: .
        C: QUIT
        S: 250 2.0.0 Ok
        S: 221 2.0.0 Bye
    """,
    "CHUNKING": f"""{OPEN}
        C: BDAT 6
        C: QUIT
        C: BDAT 5 LAST
        C: <LF>.<CR><LF>.<>
        C: BDAT 0
        S: 250 6 octets
        S: 250 2.0.0 Ok
        S: 503 none
    """,
    "CHUNKING, refused": f"""{BEGUN}
        C: BDAT 8
        C: RSET<CR><LF>x<>
        S: 503 5.5.1 no
        C: X<LF><>
        C: BDAT 1 LAST
        C: a<>
        S: 503 5.5.1 no
        S: 503 5.5.1 no
        {ENDED}
    """,
    "BINARYMIME": f"""{BEGUN}
        C: MAIL FROM:<a@example.org> BODY=BINARYMIME
        S: 250 ok
        C: RCPT TO:<b@example.net>
        S: 250 ok
        C: BDAT 9 LAST
        C: <x00><xff><CR>.<CR><LF>.<CR><LF><>
        S: 250 ok
    """,
    "AUTH": f"""{BEGUN}
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: YQ==
        S: 334 UGFzc3dvcmQ6
        C: QUIT
        S: 235 2.7.0 Ok
        {ENDED}
    """,
    "AUTH with an initial response": f"""{BEGUN}
        C: auth PLAIN AGEAYg==
        C: NOOP
        S: 535 5.7.8 No
        S: 250 ok
    """,
    "AUTH, cancelled": f"""{BEGUN}
        C: AUTH CRAM-MD5
        S: 334 PHg+
        C: *
        C: MAIL FROM:<a@example.org>
        S: 501 5.7.0 Cancelled
        S: 530 5.7.0 First AUTH
    """,
    "STARTTLS": f"""{BEGUN}
        C: STARTTLS
        S: 220 2.0.0 Go ahead
        C: <x16><x03><x01><x00>QUIT
        S: <x16><x03>250 ok
        C: .<LF><>
        S: <x17>2<>
    """,
    "STARTTLS, refused": f"""{BEGUN}
        C: STARTTLS
        C: NOOP
        S: 454 4.7.0 Not now
        S: 250 ok
        {ENDED}
    """,
    "SMTPUTF8": f"""{BEGUN}
        C: MAIL FROM:<j<xc3><xb6>rg@example.org> SMTPUTF8 BODY=8BITMIME
        S: 250 2.1.0 J<xc3><xb6>rg
        C: RCPT TO:<<xd0><xb6>@example.net>
        S: 553 5.6.7 <xd0><xb6>
    """,
    "DSN": f"""{BEGUN}
        C: MAIL FROM:<a@example.org> RET=HDRS ENVID=x+2By
        S: 250 ok
        C: RCPT TO:<b@example.net> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;b@example.net
        S: 250 ok
        C: RSET
        S: 250 ok
    """,
    "8BITMIME": f"""{OPEN}
        C: DATA
        S: 354 go
        C: <xff><xfe> <xc3><xb6><x00>
        C: .
        S: 250 ok
    """,
    "parameters": """
        S: 220 mail.example.org ESMTP
        C: EHLO app.example.org
        S: 250-mail.example.org
        S: 250-DELIVERBY 240
        S: 250-FUTURERELEASE 86400 2026-12-24T12:00:00Z
        S: 250-MT-PRIORITY MIXER
        S: 250-REQUIRETLS
        S: 250-SIZE 1000000
        S: 250 LIMITS RCPTMAX=2 MAILMAX=10
        C: MAIL FROM:<@relay.example.com:a@example.org> BY=120;R HOLDFOR=60 MT-PRIORITY=3 REQUIRETLS
        S: 250 2.1.0 Ok
        C: RCPT TO:<"b b"@example.net>
        S: 250 2.1.5 Ok
        C: RCPT TO:<c@[192.0.2.1]>
        S: 452 4.5.3 Too many recipients
        C: RSET
        S: 250 2.0.0 Ok
        C: MAIL FROM:<> SIZE=99
        S: 250 2.1.0 Ok
        C: QUIT
        S: 221 2.0.0 Bye
    """,
    "XFORWARD": f"""{BEGUN}
        C: XFORWARD NAME=app.example.org ADDR=192.0.2.7
        S: 250 2.0.0 Ok
        C: MAIL FROM:<a@example.org>
        S: 250 2.1.0 Ok
        C: RSET
        S: 250 2.0.0 Ok{ENDED}
    """,
    "XCLIENT": f"""{BEGUN}
        C: XCLIENT NAME=x ADDR=192.0.2.7
        C: EHLO again.example.org
        S: 220 mail.example.org ESMTP
        S: 250 mail.example.org
        C: XFORWARD NAME=x
        S: 550 no
    """,
    "ETRN and TURN": f"""{BEGUN}
        C: ETRN example.org
        S: 252 ok
        C: TURN
        S: 502 no
        C: ATRN example.org
        S: 250 ok
        C: 220 app.example.org
        S: EHLO mail.example.org
        C: 250 app.example.org
        S: QUIT
    """,
    "BURL": f"""{OPEN}
        C: BURL imap://a@example.org/INBOX;UIDVALIDITY=1/;UID=2;URLAUTH=anonymous:x LAST
        S: 250 2.5.0 Ok
    """,
    "SEND, SOML and SAML": """
        S: 220 mail.example.org
        C: HELO app.example.org
        S: 250 ok
        C: SEND FROM:<a@example.org>
        S: 250 ok
        C: RSET
        S: 250 ok
        C: SOML FROM:<a@example.org>
        S: 250 ok
        C: RCPT TO:<b@example.net>
        S: 251 forward
        C: SAML FROM:<a@example.org>
        S: 502 no
    """,
    "the rest": """
        S: 220-one
        S: 220 two
        C: VRFY b
        S: 252 maybe
        C: expn list
        S: 250-<b@example.net>
        S: 250 <c@example.net>
        C: HELP
        S: 214 no
        C: NOOP x
        S: 250 ok
        C: FOO
        S: 500 5.5.2 what
        C:
        S: 500 5.5.2 what
    """,
    "DATA, refused": f"""{BEGUN}
        C: DATA
        C: NOOP
        C: .
        S: 503 5.5.1 no
        S: 250 ok
        S: 500 what
    """,
    "354 without recipients": f"""{BEGUN}
        C: DATA
        S: 354 go
        C: RSET
        C: .
        S: 554 5.5.1 No valid recipients
        C: RSET
        S: 250 ok
    """,
    "dots": f"""{OPEN}
        C: DATA
        S: 354 go
        C: ..
        C: ...x
        C: .x
        C: ..
        C: .
        S: 250 ok
        C: DATA
        S: 354 again
        C: .
        S: 250 empty
    """,
    "LMTP": """
        S: 220 mail.example.org LMTP
        C: LHLO app.example.org
        S: 250-mail.example.org
        S: 250 PIPELINING
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<b@example.net>
        C: RCPT TO:<no@example.net>
        C: RCPT TO:<c@example.net>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 550 no
        S: 250 ok
        S: 354 go
        C: x
        C: .
        C: QUIT
        S: 250 for b
        S: 452 for c
        S: 221 bye
    """,
    "LMTP, chunks": """
        S: 220 mail.example.org LMTP
        C: LHLO app.example.org
        S: 250 mail.example.org
        C: MAIL FROM:<a@example.org>
        S: 250 ok
        C: RCPT TO:<b@example.net>
        S: 250 ok
        C: RCPT TO:<c@example.net>
        S: 250 ok
        C: BDAT 2
        C: x<LF><>
        C: BDAT 1 LAST
        C: .<>
        S: 250 chunk
        S: 250-for b
        S: 250 really
        S: 250 for c
        C: RSET
        S: 250 ok
    """,
    "PRDR": f"""{BEGUN}
        C: MAIL FROM:<a@example.org> PRDR
        C: RCPT TO:<b@example.net>
        C: RCPT TO:<c@example.net>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go
        C: x
        C: .
        C: NOOP
        S: 353 content analysis has started
        S: 250 for b
        S: 550 for c
        S: 250 for all
        S: 250 ok
    """,
    "smuggling": f"""{OPEN}
        C: DATA
        S: 354 go
        C: a<LF>.<LF>
        C: b<LF>.<CR><LF>
        C: c<CR>.<CR>
        C: <LF>.<CR>
        C: d<CR><LF>.<LF>
        C: MAIL FROM:<evil@example.com><CR><LF>.<CR>
        C: <x00>.
        C: .<x00>
        C: .<x20>
        C: .
        S: 250 ok
    """,
    "bare line endings": """
        S: 220 mail.example.org<LF><>
        C: EHLO app.example.org<LF><>
        S: 250-mail.example.org<LF><>
        S: 250 x<CR>y<LF><>
        C: NO<CR>OP
        S: 500 what<CR>
        C: NOOP<LF><>
        S: 250<LF><>
    """,
    "odd replies": """
        S: hello
        S: 220-mail.example.org
        S: odd
        S: 220
        C: EHLO app.example.org
        S: 2_5 no
        S: 250-a
        S: 550-b
        S: 250ok
        C: NOOP
        S: +25 no
        S: 25
        S: <xff>
        S: 999
    """,
    "unfinished": """
        S: 220 mail.example.org
        C: NOOP
        S: 250 ok
        C: QUI<>
        S: 250-ok
        S: 42<>
    """,
    "no answer to DATA": """
        S: 220 mail.example.org
        C: DATA
        C: x
        C: .
    """,
}

#: The same in few words, so that every two cuts can be tried.
SHORT_SEEDS = {
    "DATA": """
        S: 220
        C: DATA
        S: 354
        C: ..
        C: .x
        C: .
        C: QUIT
        S: 250
        S: 221
    """,
    "DATA, refused": """
        S: 220
        C: DATA
        C: DATA
        C: .
        S: 503-
        S: 503
        S: 354
        S: 250
    """,
    "end of mail data": """
        S: 220
        C: DATA
        S: 354
        C: <LF>.<LF>.<CR><LF>
        C: <CR>.<CR><CR><LF>.<LF>
        C: .
        S: 250
    """,
    "BDAT": """
        S: 220
        C: BDAT 3
        C: .<CR><LF>BDAT 0 LAST
        C: RSET
        S: 250
        S: 250
        S: 250
    """,
    "AUTH": """
        S: 220
        C: AUTH x
        S: 334
        C: *
        C: AUTH x y
        C: QUIT
        S: 501
        S: 235
        S: 221
    """,
    "STARTTLS": """
        S: 220
        C: STARTTLS
        S: 454
        C: STARTTLS
        S: 220
        C: <LF>QUIT<LF>
        S: <LF>221<LF>
    """,
    "replies": """
        S: x
        S: 220-
        S: 1
        S: 220
        C: X
        C: Y<LF><>
        S: 50
        S: 500-x<LF><>
        S: 501<CR>x
        S: 502x<LF><>
    """,
    "LMTP": """
        S: 220
        C: LHLO
        C: RCPT
        C: RCPT
        C: BDAT 0 LAST
        C: X
        S: 250
        S: 250
        S: 250
        S: 250-
        S: 250
        S: 550
        S: 500
    """,
    "PRDR": """
        S: 220
        C: RCPT
        C: DATA
        C: .
        C: X
        S: 250
        S: 354
        S: 353
        S: 550
        S: 250
        S: 500
    """,
    "unfinished": """
        S: 220
        C: NOOP
        C: AUTH
        C: x<>
        S: 250
        S: 33<>
    """,
}


def events_of(script: str) -> list[Event]:
    """Return what happens in a dialogue: lines of one side in a row are sent in one go."""
    lines = [line.strip() for line in script.strip().splitlines() if line.strip()]
    return [
        Event(who, b"".join(map(_octets, group))) for who, group in groupby(lines, key=_speaker)
    ]


def _speaker(line: str) -> str:
    who = line.partition(":")[0]
    assert who in ("C", "S"), f"{line!r} is no line of a dialogue"
    return CLIENT if who == "C" else UPSTREAM


def _octets(line: str) -> bytes:
    octets = line.partition(":")[2].removeprefix(" ").encode()
    octets = octets.removesuffix(b"<>") if octets.endswith(b"<>") else octets + b"\r\n"
    return _OCTET.sub(_octet, octets)


def _octet(found: re.Match[bytes]) -> bytes:
    return b"\n" if found[1] else b"\r" if found[2] else bytes([int(found[3], 16)])
