"""What a Postfix does where connections, extensions or TLS go wrong."""

from __future__ import annotations

from tests.peers.queue_fates import Row, bounced, delivered, kept
from tests.peers.queue_postfix import HURRIED
from tests.peers.queue_words import (
    AT_END,
    BOB,
    CAROL,
    ENCRYPT,
    MAY,
    NO_HANDSHAKE,
    NOT_VERIFIED,
    TERMINATE,
    TWICE,
    VERIFY,
)

CONNECTIONS = (
    Row("the connection is lost at RCPT", "RCPT: drop", ({BOB: kept("lost connection with")},)),
    Row("the connection is reset at MAIL", "MAIL: reset", ({BOB: kept("lost connection with")},)),
    Row("the connection is lost at once", "CONNECT: drop", ({BOB: kept("lost connection with")},)),
    Row("the connection is lost at DATA", "DATA: drop", ({BOB: kept("lost connection with")},)),
    Row(
        "the connection is lost behind the message, which is not delivered",
        "END-OF-DATA: drop",
        ({BOB: kept(TWICE)},),
    ),
    Row(
        "the server goes down in the middle of a message",
        'DATA: {mid-data: {after: 100, reply: "421 4.3.2 Going down"}}',
        ({BOB: kept(f"said: 421 4.3.2 Going down {AT_END}")},),
    ),
    Row(
        "the connection is lost in the middle of a message",
        "DATA: {mid-data: {after: 100, client: drop}}",
        ({BOB: kept(TWICE)},),
    ),
    Row(
        "the reply to DATA comes too late",
        "DATA: {delay: 1 min}",
        ({BOB: kept("timed out while sending DATA command")},),
        transport=HURRIED,
    ),
    Row(
        "the greeting comes too late",
        "CONNECT: {delay: 1 min}",
        ({BOB: kept("timed out while receiving the initial server greeting")},),
        transport=HURRIED,
    ),
    Row(
        "the acknowledgement comes too late",
        "END-OF-DATA: {upstream: deliver, delay: 1 min}",
        ({BOB: kept(TWICE, copies=1)},),
        transport=HURRIED,
    ),
)

SILENCE = (
    Row(
        "no greeting comes",
        "CONNECT: silence",
        ({BOB: kept("timed out while receiving the initial server greeting")},),
        transport=HURRIED,
    ),
    Row(
        "no reply to RCPT comes",
        "RCPT: silence",
        ({BOB: kept("timed out while sending RCPT TO")},),
        transport=HURRIED,
    ),
    Row(
        "no acknowledgement comes",
        "END-OF-DATA: {upstream: deliver, client: silence}",
        ({BOB: kept(TWICE, copies=1)},),
        transport=HURRIED,
    ),
    Row(
        "an acknowledgement is cut, and the connection lost",
        "END-OF-DATA: {upstream: deliver, cut: {at: code, then: drop}}",
        ({BOB: kept(TWICE, copies=1)},),
    ),
    Row(
        "an acknowledgement comes in two parts",
        "END-OF-DATA: {cut: {at: crlf, pause: 300 ms}}",
        ({BOB: delivered()},),
    ),
    Row(
        "nobody may connect",
        "CONNECT: {refuse: 50 ms}",
        ({BOB: kept("connect")},),
    ),
)

EXTENSIONS = (
    Row(
        "the message is larger than SIZE allows",
        "EHLO: {keywords: {set: {SIZE: 100}}}",
        ({BOB: bounced("5.3.4")},),
    ),
    Row(
        "PIPELINING is not offered",
        "EHLO: {keywords: {remove: [PIPELINING]}}",
        ({BOB: delivered(), CAROL: delivered()},),
    ),
)

ENCRYPTION = (
    Row(
        "STARTTLS is stripped, and TLS is wanted",
        "EHLO: {keywords: {remove: [STARTTLS]}}",
        ({BOB: kept("TLS is required, but was not offered by host")},),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
    Row(
        "STARTTLS is refused, and TLS is wanted",
        "STARTTLS: 454",
        ({BOB: kept("TLS is required, but host … refused to start TLS: 454 …")},),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
    Row(
        "STARTTLS is stripped, and TLS is welcome",
        "EHLO: {keywords: {remove: [STARTTLS]}}",
        ({BOB: delivered()},),
        transport=MAY,
        options=TERMINATE,
    ),
    Row(
        "the handshake ends at once, and TLS is welcome",
        "STARTTLS: close",
        ({BOB: kept(NO_HANDSHAKE)},),
        transport=MAY,
        options=TERMINATE,
    ),
    Row(
        "the handshake ends at once, and TLS is wanted",
        "STARTTLS: close",
        ({BOB: kept(NO_HANDSHAKE)},),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
    Row(
        "the server answers the handshake in plain text",
        "STARTTLS: plain-text",
        ({BOB: kept(NO_HANDSHAKE)},),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
    Row(
        "the certificate has expired, and is not looked at",
        "STARTTLS: expired",
        ({BOB: delivered()},),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
    Row(
        "the certificate has expired, and is looked at",
        "STARTTLS: expired",
        ({BOB: kept(NOT_VERIFIED)},),
        transport=VERIFY,
        options=TERMINATE,
    ),
    Row(
        "the certificate has another name",
        "STARTTLS: wrong-name",
        ({BOB: kept(NOT_VERIFIED)},),
        transport=VERIFY,
        options=TERMINATE,
    ),
    Row(
        "an acknowledgement is cut short under TLS",
        "END-OF-DATA: {upstream: deliver, client: no-close-notify}",
        ({BOB: kept(TWICE, copies=1)},),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
)
