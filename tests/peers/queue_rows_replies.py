"""What a Postfix does where replies are others than upstream would give."""

from __future__ import annotations

from tests.peers.queue_fates import Row, bounced, delivered, kept, lost
from tests.peers.queue_postfix import HURRIED, KEPT
from tests.peers.queue_words import (
    AT_DATA,
    AT_END,
    AT_MAIL,
    AT_RCPT,
    BOB,
    CAROL,
    LMTP,
    MANY,
    PROTOCOL_ERROR,
    TWICE,
)

REFUSALS = (
    Row("there is no room", "RCPT: 452", ({BOB: kept(f"said: 452 …{AT_RCPT}")},)),
    Row("there is no such mailbox", "RCPT: 550", ({BOB: bounced("5.1.1")},)),
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
    Row("the sender is put off", "MAIL: 451", ({BOB: kept(f"said: 451 …{AT_MAIL}")},)),
    Row("the sender is refused", "MAIL: 550", ({BOB: bounced("5.1.0"), CAROL: bounced("5.1.0")},)),
    Row(
        "the server is not available", "CONNECT: 421", ({BOB: kept("refused to talk to me: 421")},)
    ),
    Row("there is no mail service", "CONNECT: 554", ({BOB: kept("refused to talk to me: 554")},)),
    Row("the server knows HELO alone", "EHLO: 500", ({BOB: delivered()},)),
    Row("DATA is put off", "DATA: 451", ({BOB: kept(f"said: 451 …{AT_DATA}")},)),
    Row("DATA is refused", "DATA: 554", ({BOB: bounced("5.0.0")},)),
    Row("the message is put off", "END-OF-DATA: 451", ({BOB: kept(f"said: 451 …{AT_END}")},)),
    Row("the message is refused", "END-OF-DATA: 552", ({BOB: bounced("5.3.4")},)),
    Row(
        "TLS is asked for",
        '{MAIL: "530 5.7.0 Must issue a STARTTLS command first", when: {tls: false}}',
        ({BOB: bounced("5.7.0")},),
    ),
    Row(
        "a message may have 20 recipients",
        'RCPT: "452 4.5.3 Too many recipients"\n  times: {after: 20, per: session}',
        (
            dict.fromkeys(MANY[:20], delivered())
            | dict.fromkeys(MANY[20:], kept(f"said: 452 4.5.3 Too many recipients {AT_RCPT}")),
        ),
        ends=True,
    ),
)

APART = (
    Row(
        "the acknowledgement is lost",
        "END-OF-DATA: {upstream: deliver, client: drop}",
        ({BOB: kept(TWICE, copies=1), CAROL: kept(TWICE, copies=1)},),
    ),
    Row(
        "the connection is reset in place of the acknowledgement",
        "END-OF-DATA: {upstream: deliver, client: reset}",
        ({BOB: kept(TWICE, copies=1)},),
    ),
    Row(
        "the message is delivered, and put off",
        "END-OF-DATA: {upstream: deliver, reply: 451}",
        ({BOB: kept(f"said: 451 …{AT_END}", copies=1)},),
    ),
    Row(
        "the message is delivered, and refused",
        "END-OF-DATA: {upstream: deliver, reply: 554}",
        ({BOB: bounced("5.0.0", copies=1)},),
    ),
    Row(
        "the message is acknowledged, and not delivered",
        "END-OF-DATA: {upstream: none, reply: 250}",
        ({BOB: lost()},),
    ),
)

MALFORMED = (
    Row("replies to RCPT have no text", "RCPT: {malformed: code-only}", ({BOB: delivered()},)),
    Row("replies to RCPT end in LF", "RCPT: {malformed: bare-lf}", ({BOB: delivered()},)),
    Row(
        "replies to RCPT end in nothing",
        "RCPT: {malformed: no-crlf}",
        ({BOB: kept("timed out while sending DATA command")},),
        transport=HURRIED,
    ),
    Row(
        "replies to RCPT never end",
        "RCPT: {malformed: endless}",
        ({BOB: bounced(PROTOCOL_ERROR)},),  # DATA is answered as well, and that ends it
        transport=HURRIED,
    ),
    Row("replies to RCPT are too long", "RCPT: {malformed: long-line}", ({BOB: delivered()},)),
    Row("replies to RCPT have 8 bits", "RCPT: {malformed: 8-bit}", ({BOB: delivered()},)),
    Row("replies to RCPT have NUL", "RCPT: {malformed: nul}", ({BOB: delivered()},)),
    Row("replies to RCPT mix codes", "RCPT: {malformed: mixed-codes}", ({BOB: delivered()},)),
    Row("a line comes before RCPT's reply", "RCPT: {malformed: stray-line}", ({BOB: delivered()},)),
    Row(
        "RCPT's enhanced code contradicts its code",
        "RCPT: {malformed: contradicting}",
        ({BOB: delivered()},),
    ),
    Row(
        "RCPT is answered 354",
        "RCPT: {malformed: wrong-class}",
        ({BOB: bounced(PROTOCOL_ERROR)},),
    ),
    Row(
        "DATA is answered 250",
        "DATA: {malformed: wrong-class}",
        ({BOB: bounced(PROTOCOL_ERROR)},),
    ),
    Row(
        "a message is answered 354",
        "END-OF-DATA: {malformed: wrong-class}",
        ({BOB: bounced(PROTOCOL_ERROR, copies=1)},),
    ),
)

BY_LMTP = (
    Row(
        "one of two recipients is put off in LMTP",
        "RCPT carol@example.net: 452",
        ({BOB: delivered(), CAROL: kept(f"said: 452 …{AT_RCPT}")},),
        transport="lmtp",
        options=LMTP,
    ),
    Row(
        "the message is put off in LMTP",
        "END-OF-DATA: 451",
        ({BOB: kept(f"said: 451 …{AT_END}"), CAROL: kept(f"said: 451 …{AT_END}")},),
        transport="lmtp",
        options=LMTP,
    ),
    Row(
        "the acknowledgement is lost in LMTP",
        "END-OF-DATA: {upstream: deliver, client: drop}",
        ({BOB: kept(TWICE, copies=1), CAROL: kept(TWICE, copies=1)},),
        transport="lmtp",
        options=LMTP,
    ),
    # Postfix sends QUIT right behind the dot, and takes 221 for the reply that is missing.
    Row(
        "one of two replies is missing in LMTP",
        "END-OF-DATA: {replies: {short: 1}}",
        ({BOB: delivered(), CAROL: delivered()},),
        transport="lmtp",
        options=LMTP,
    ),
    Row(
        "two of two replies are missing in LMTP",
        "END-OF-DATA: {replies: {short: 2}}",
        ({BOB: delivered(), CAROL: kept(TWICE, copies=1)},),
        transport="lmtp",
        options=LMTP,
    ),
    Row(
        "a reply too many comes in LMTP",
        "END-OF-DATA: {replies: {extra: 1}}",
        ({BOB: delivered(), CAROL: delivered()},),
        transport="lmtp",
        options=LMTP,
    ),
)

BURSTS = (
    Row(
        "the second of three messages over one connection is refused",
        "RCPT carol@example.net: 550",
        ({BOB: delivered()}, {CAROL: bounced("5.1.1")}, {BOB: delivered()}),
        transport=KEPT,
    ),
    Row(
        "the second of three messages over one connection is put off",
        "{END-OF-DATA: 451, when: {recipient: carol@example.net}}",
        ({BOB: delivered()}, {CAROL: kept(f"said: 451 …{AT_END}")}, {BOB: delivered()}),
        transport=KEPT,
    ),
    Row(
        "the second of three messages over one connection is swallowed",
        "{END-OF-DATA: {upstream: none, reply: 250}, when: {recipient: carol@example.net}}",
        ({BOB: delivered()}, {CAROL: lost()}, {BOB: delivered()}),
        transport=KEPT,
    ),
)
