"""What a Postfix does under which rule: the table that is tested, and that docs/peers.md shows.

A new row is one entry. `python -m tests.peers.queue_rows` prints the table.
"""

from __future__ import annotations

from tests.peers.queue_fates import Row, bounced, delivered, kept, lost
from tests.peers.queue_postfix import HURRIED, KEPT

BOB, CAROL = "bob@example.net", "carol@example.net"
# Transports at a level of smtp_tls_security_level, and options of the proxy.
MAY, ENCRYPT, VERIFY = "may", "encrypt", "verify"
TERMINATE, LMTP = ("--tls", "terminate"), ("--protocol", "lmtp")

AT_RCPT, AT_MAIL = "(in reply to RCPT TO command)", "(in reply to MAIL FROM command)"
AT_DATA, AT_END = "(in reply to DATA command)", "(in reply to end of DATA command)"
NO_HANDSHAKE = "Cannot start TLS: handshake failure"
NOT_VERIFIED = "Server certificate not verified"
TWICE = "message may be sent more than once"

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

ROWS = (*REFUSALS, *APART, *CONNECTIONS, *EXTENSIONS, *ENCRYPTION, *BY_LMTP, *BURSTS)


def page() -> str:
    """The table as docs/peers.md has it, in Markdown."""
    head = (("", "rule", "the queue shows", "the mail"), ("---",) * 4)
    lines = [f"| {' | '.join(cells)} |" for cells in (*head, *map(_cells, ROWS))]
    return "\n".join(lines) + "\n"


def _cells(row: Row) -> tuple[str, ...]:
    rules = "<br>".join(f"`{line.strip()}`" for line in row.rules.splitlines())
    fates = [*row.fates]
    reasons = dict.fromkeys(fate.queue for _, fate in fates if fate.queue)
    endings = {fate.words for _, fate in fates}
    told = [f"{recipient}: {fate.words}" for recipient, fate in fates]
    return (
        row.name,
        rules,
        "<br>".join(f"`{reason}`" for reason in reasons),
        "<br>".join(told) if len(endings) > 1 else endings.pop(),
    )


if __name__ == "__main__":
    print(page(), end="")
