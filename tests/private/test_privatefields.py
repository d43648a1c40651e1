"""Fields of a header are hidden by their kind, and those that tell nothing stay."""

import pytest

from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatefields import Fields
from smtpproxy.private.pseudonyms import Pseudonyms

NAMES = Pseudonyms()
FIELDS = Fields(Privacy(NAMES), {b"wren": b"user-aaaaaaaaaa"})
WREN, JAY = NAMES.mailbox(b"wren@nest.corp"), NAMES.mailbox(b"jay@nest.corp")
NEST = NAMES.domain(b"nest.corp")


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (b'From: "Wren" <wren@nest.corp>', b"From: <%s>" % WREN),
        (b"to :wren@nest.corp (Wren)", b"to : <%s>" % WREN),
        (b"Cc: wren @ nest.corp,\r\n jay@nest.corp", b"Cc: <%s>,\r\n <%s>" % (WREN, JAY)),
        (b"Sender: =?utf-8?q?Wren?= <wren@nest.corp>", b"Sender: <%s>" % WREN),
        (b"Reply-To: birds: wren@nest.corp;", b"Reply-To: <%s>" % WREN),
        (b"Bcc: postman", b"Bcc: " + NAMES.local_part(b"postman")),
        (b"Return-Path: <>", b"Return-Path: <>"),
        (b"To: undisclosed-recipients:;", b"To: undisclosed-recipients:;"),
        (b"To: <a@example.org>", b"To: <a@example.org>"),
        (b"Subject: for wren@nest.corp", b"Subject: for " + WREN),
        (b"Subject: dear Wren!", b"Subject: dear user-aaaaaaaaaa!"),
        (b"Subject: =?utf-8?B?d3JlbkBuZXN0LmNvcnA=?=", b"Subject: [redacted]"),
        (b"Subject: =?utf-8?q?wren=40nest?=", b"Subject: [redacted]"),
        (b"Subject: =?utf-8?B?abcde?=", b"Subject: [redacted]"),
        (b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?="),
        (
            b"Received: from cage by nest.corp; now",
            b"Received: from %s by %s; now" % (NAMES.domain(b"cage"), NEST),
        ),
        (b"Date: Mon, 23 Nov 2026 12:00:00 +0000", b"Date: Mon, 23 Nov 2026 12:00:00 +0000"),
        (b"MIME-Version: 1.0 (of nest.corp)", b"MIME-Version: 1.0 (of nest.corp)"),
        (
            b'Content-Type: a/b; boundary="x@nest.corp"; name=nest.corp',
            b'Content-Type: a/b; boundary="x@nest.corp"; name=' + NEST,
        ),
        (b"X-Folded: a\r\n\tb\r\n c", b"X-Folded: a\r\n\tb\r\n c"),
        (b"DKIM-Signature: v=1; d=nest.corp;", b"DKIM-Signature: v=1; d=%s;" % NEST),
    ],
)
def test_addresses_in_a_header(field: bytes, shown: bytes) -> None:
    """Each kind of field keeps what makes it one of its kind."""
    once = FIELDS.shown(field + b"\r\n").replace(b"\r\n <user", b" <user")
    assert once == shown.replace(b"\r\n <user", b" <user") + b"\r\n"
    assert FIELDS.shown(FIELDS.shown(field + b"\r\n")) == FIELDS.shown(field + b"\r\n")


def test_headers_by_name() -> None:
    """A header is removed, or replaced on a line of its own with its line ending."""
    fields = Fields(Privacy(removed=("Received".__eq__,), replaced={b"subject": b"x"}))
    assert fields.shown(b"Subject: a\r\n b\n") == b"Subject: x\n"
    assert fields.shown(b"To: a\r\n") == b"To: a\r\n"
    assert Fields(Privacy(removed=("to".__eq__,))).shown(b"TO: a\r\n") == b""


@pytest.mark.parametrize(
    ("octets", "name"),
    [
        (b"A: b", b"A:"),
        (b"A :b", b"A :"),
        (b" A: b", b""),
        (b"A b: c", b""),
        (b": c", b""),
        (b"", b""),
    ],
)
def test_what_is_a_field(octets: bytes, name: bytes) -> None:
    """RFC 5322 §2.2: printable octets, then a colon; of old, blanks before it (§4.5)."""
    assert FIELDS.name_of(octets) == name
    assert FIELDS.is_field(octets) == bool(name)
