"""What a Postfix does under the rule files that are shipped."""

from __future__ import annotations

from tests.peers.queue_fates import Row, bounced, delivered, kept, lost
from tests.peers.queue_postfix import HURRIED
from tests.peers.queue_words import (
    AT_END,
    AT_RCPT,
    BOB,
    CAROL,
    ENCRYPT,
    MANY,
    MAY,
    TERMINATE,
    TWICE,
)

PRESETS = (
    Row("a mailbox is full", "--preset full-mailbox", ({BOB: bounced("5.2.2")},)),
    Row(
        "a server greylists",
        "--preset greylisting",
        ({BOB: kept(f"said: 450 4.7.1 …: Greylisted, try again later {AT_RCPT}")},),
    ),
    Row(
        "a server takes what is tried again",
        'RCPT: "450 4.7.1 Greylisted"\n  times: {first: 1, per: triplet}',
        (dict.fromkeys((BOB, CAROL), kept(f"said: 450 4.7.1 Greylisted {AT_RCPT}")),),
        ends=True,
    ),
    Row(
        "twelve messages come, and ten a minute are taken",
        "--preset rate-limit",
        (*[{BOB: delivered()}] * 10, *[{BOB: kept("said: 450 4.7.1 Too many messages")}] * 2),
    ),
    Row(
        "the first acknowledgement is lost",
        "--preset duplicate-delivery",
        ({BOB: kept(TWICE, copies=1)},),
        ends=True,
    ),
    Row(
        "a server goes down behind two messages",
        "--preset dying-server",
        (
            {BOB: delivered()},
            {BOB: delivered()},
            {BOB: kept(f"said: 421 4.3.2 System shutting down {AT_END}")},
        ),
    ),
    Row(
        "a strict provider is spoken to without TLS",
        "--preset strict-provider",
        ({BOB: bounced("5.7.0")},),
    ),
    Row(
        "a strict provider gets too many recipients",
        "--preset strict-provider",
        (
            dict.fromkeys(MANY[:20], delivered())
            | dict.fromkeys(MANY[20:], kept(f"said: 452 4.5.3 Too many recipients {AT_RCPT}")),
        ),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
    Row("a link is slow", "--preset slow-link", ({BOB: delivered()},)),
    Row("the mail is lost in silence", "--preset silent-loss", ({BOB: lost()},)),
    Row(
        "STARTTLS is taken away, and TLS is welcome",
        "--preset starttls-stripping",
        ({BOB: delivered()},),
        transport=MAY,
        options=TERMINATE,
    ),
    Row(
        "STARTTLS is taken away, and TLS is wanted",
        "--preset starttls-stripping",
        ({BOB: kept("TLS is required, but was not offered by host")},),
        transport=ENCRYPT,
        options=TERMINATE,
    ),
    Row(
        "a tarpit is too slow",
        "--preset tarpit",
        ({BOB: kept("timed out while receiving the initial server greeting")},),
        transport=HURRIED,
    ),
)
