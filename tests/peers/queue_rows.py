"""What a Postfix does under which rule: the table that is tested, and that docs/peers.md shows.

A new row is one entry. `python -m tests.peers.queue_rows` prints the table.
"""

from __future__ import annotations

from tests.peers.queue_fates import Row, bounced, delivered, kept, lost
from tests.peers.queue_postfix import HURRIED, KEPT

BOB, CAROL = "bob@example.net", "carol@example.net"
ENCRYPT = "encrypt"

AT_RCPT, AT_MAIL = "(in reply to RCPT TO command)", "(in reply to MAIL FROM command)"
AT_DATA, AT_END = "(in reply to DATA command)", "(in reply to end of DATA command)"
TWICE = "message may be sent more than once"

REFUSALS = (
    Row("out of room", "RCPT: 452", ({BOB: kept(f"said: 452 …{AT_RCPT}")},)),
    Row("no such mailbox", "RCPT: 550", ({BOB: bounced("5.1.1")},)),
    Row(
        "one of two recipients is put off",
        'RCPT bob@example.net: "450 4.2.1 Later"',
        ({BOB: kept(f"said: 450 4.2.1 Later {AT_RCPT}"), CAROL: delivered()},),
    ),
    Row(
        "one of two recipients is refused",
        "RCPT bob@example.net: 550",
        ({BOB: bounced("5.1.1"), CAROL: delivered()},),
    ),
    Row("sender put off", "MAIL: 451", ({BOB: kept(f"said: 451 …{AT_MAIL}")},)),
    Row("sender refused", "MAIL: 550", ({BOB: bounced("5.1.0"), CAROL: bounced("5.1.0")},)),
    Row("not available", "CONNECT: 421", ({BOB: kept("refused to talk to me: 421 …")},)),
    Row("no service", "CONNECT: 554", ({BOB: kept("refused to talk to me: 554 …")},)),
    Row("no EHLO, but HELO", "EHLO: 500", ({BOB: delivered()},)),
    Row("DATA put off", "DATA: 451", ({BOB: kept(f"said: 451 …{AT_DATA}")},)),
    Row("DATA refused", "DATA: 554", ({BOB: bounced("5.0.0")},)),
    Row("message put off", "END-OF-DATA: 451", ({BOB: kept(f"said: 451 …{AT_END}")},)),
    Row("message refused", "END-OF-DATA: 552", ({BOB: bounced("5.3.4")},)),
)

APART = (
    Row(
        "delivered, and the acknowledgement is lost",
        "END-OF-DATA: {upstream: deliver, client: drop}",
        ({BOB: kept(TWICE, copies=1), CAROL: kept(TWICE, copies=1)},),
    ),
    Row(
        "delivered, and the connection is reset",
        "END-OF-DATA: {upstream: deliver, client: reset}",
        ({BOB: kept(TWICE, copies=1)},),
    ),
    Row(
        "delivered, and put off",
        "END-OF-DATA: {upstream: deliver, reply: 451}",
        ({BOB: kept(f"said: 451 …{AT_END}", copies=1)},),
    ),
    Row(
        "delivered, and refused",
        "END-OF-DATA: {upstream: deliver, reply: 554}",
        ({BOB: bounced("5.0.0", copies=1)},),
    ),
    Row(
        "acknowledged, and not delivered",
        "END-OF-DATA: {upstream: none, reply: 250}",
        ({BOB: lost()},),
    ),
)

CONNECTIONS = (
    Row("lost at RCPT", "RCPT: drop", ({BOB: kept("lost connection with …")},)),
    Row("reset at MAIL", "MAIL: reset", ({BOB: kept("lost connection with …")},)),
    Row("lost at once", "CONNECT: drop", ({BOB: kept("lost connection with …")},)),
    Row("lost at DATA", "DATA: drop", ({BOB: kept("lost connection with …")},)),
    Row(
        "lost at the end of the message, which is not delivered",
        "END-OF-DATA: drop",
        ({BOB: kept(TWICE)},),
    ),
    Row(
        "too late at DATA",
        "DATA: {delay: 1 min}",
        ({BOB: kept("timed out while sending DATA command")},),
        transport=HURRIED,
    ),
    Row(
        "greeting too late",
        "CONNECT: {delay: 1 min}",
        ({BOB: kept("timed out while receiving the initial server greeting")},),
        transport=HURRIED,
    ),
    Row(
        "delivered, and the reply too late",
        "END-OF-DATA: {upstream: deliver, delay: 1 min}",
        ({BOB: kept(TWICE, copies=1)},),
        transport=HURRIED,
    ),
)

EXTENSIONS = (
    Row(
        "a message too large for SIZE",
        "EHLO: {keywords: {set: {SIZE: 100}}}",
        ({BOB: bounced("5.3.4")},),
    ),
    Row(
        "STARTTLS stripped, and TLS wanted",
        "EHLO: {keywords: {remove: [STARTTLS]}}",
        ({BOB: kept("TLS is required, but was not offered by host …")},),
        transport=ENCRYPT,
        options=("--tls", "terminate"),
    ),
    Row(
        "STARTTLS refused, and TLS wanted",
        "STARTTLS: 454",
        ({BOB: kept("TLS is required, but host … refused to start TLS: 454 …")},),
        transport=ENCRYPT,
        options=("--tls", "terminate"),
    ),
    Row(
        "no PIPELINING",
        "EHLO: {keywords: {remove: [PIPELINING]}}",
        ({BOB: delivered(), CAROL: delivered()},),
    ),
)

LMTP = (
    Row(
        "LMTP: one of two recipients is put off",
        "RCPT carol@example.net: 452",
        ({BOB: delivered(), CAROL: kept(f"said: 452 …{AT_RCPT}")},),
        transport="lmtp",
        options=("--protocol", "lmtp"),
    ),
    Row(
        "LMTP: message put off",
        "END-OF-DATA: 451",
        ({BOB: kept(f"said: 451 …{AT_END}"), CAROL: kept(f"said: 451 …{AT_END}")},),
        transport="lmtp",
        options=("--protocol", "lmtp"),
    ),
    Row(
        "LMTP: delivered, and the connection is lost",
        "END-OF-DATA: {upstream: deliver, client: drop}",
        ({BOB: kept(TWICE, copies=1), CAROL: kept(TWICE, copies=1)},),
        transport="lmtp",
        options=("--protocol", "lmtp"),
    ),
)

BURSTS = (
    Row(
        "the second of three recipients is refused, over one connection",
        "RCPT carol@example.net: 550",
        ({BOB: delivered()}, {CAROL: bounced("5.1.1")}, {BOB: delivered()}),
        transport=KEPT,
    ),
    Row(
        "some messages are put off, over one connection",
        "{END-OF-DATA: 451, when: {recipient: carol@example.net}}",
        ({BOB: delivered()}, {CAROL: kept(f"said: 451 …{AT_END}")}, {BOB: delivered()}),
        transport=KEPT,
    ),
    Row(
        "some messages are swallowed, over one connection",
        "{END-OF-DATA: {upstream: none, reply: 250}, when: {recipient: carol@example.net}}",
        ({BOB: delivered()}, {CAROL: lost()}, {BOB: delivered()}),
        transport=KEPT,
    ),
)

ROWS = (*REFUSALS, *APART, *CONNECTIONS, *EXTENSIONS, *LMTP, *BURSTS)
