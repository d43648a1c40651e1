"""Messages that are hard to carry, and whether one arrived as it was sent."""

import re

# What clients and servers put on a message on its way (RFC 5321 §4.4, RFC 6409 §8).
ADDED_BY_SERVERS = {"received", "return-path", "delivered-to", "x-original-to", "envelope-to"}
ADDED_BY_CLIENTS = {"date", "message-id", "from"}
ADDED = ADDED_BY_SERVERS | ADDED_BY_CLIENTS
FIELD = re.compile(rb"[^\r\n]+\r\n(?:[ \t][^\r\n]*\r\n)*")


def hard_message(subject: str) -> bytes:
    """A message with all that a careless relay spoils: dots, 8 bits, long and empty lines."""
    return (
        b"From: Alice <alice@example.org>\r\n"
        b"To: Bob <bob@example.net>,\r\n\tCarol <carol@example.net>\r\n"
        b"Date: Mon, 23 Nov 2026 12:00:00 +0000\r\n"
        b"Message-ID: <" + subject.encode() + b"@client.example.org>\r\n"
        b"Subject: " + subject.encode() + b"\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 8bit\r\n"
        b"\r\n"
        b".\r\n"
        b"..\r\n"
        b". a dot before a blank\r\n"
        b"From the first word of a mailbox file\r\n"
        b"%DATE% \\n 100% \t \r\n"
        b"\r\n"
        b"\r\n"
        b"Gr\xc3\xbc\xc3\x9fe, \xe2\x82\xac\r\n"
        b"QUIT\r\n" + b"0123456789" * 99 + b"01234567\r\n"  # 998 octets: RFC 5321 §4.5.3.1.6
        b".the last line\r\n"
    )


def assert_same_message(sent: bytes, arrived: bytes) -> None:
    """Fail unless the body is equal and the headers are, save for those that mail systems add.

    Every header sent must be there, octet for octet and in order; any other must be an added one.
    """
    sent_headers, sent_body = _split(sent)
    arrived_headers, arrived_body = _split(arrived)
    assert arrived_body == sent_body
    waiting = list(sent_headers)
    extra = []
    for field in arrived_headers:
        if waiting and field == waiting[0]:
            waiting.pop(0)
        else:
            extra.append(field)
    assert not waiting, f"did not arrive, or not in this place: {waiting[0]!r}"
    strange = [field for field in extra if _name(field) not in ADDED]
    assert not strange, f"nobody sent {strange[0]!r}"


def without_added(arrived: bytes) -> bytes:
    """What arrived without the headers that servers add (RFC 5321 §4.4), all else untouched."""
    headers, body = _split(arrived)
    own = [field for field in headers if _name(field) not in ADDED_BY_SERVERS]
    return b"".join(own) + b"\r\n" + body


def _split(message: bytes) -> tuple[list[bytes], bytes]:
    headers, _, body = message.partition(b"\r\n\r\n")
    return FIELD.findall(headers + b"\r\n"), body


def _name(field: bytes) -> str:
    return field.partition(b":")[0].strip().lower().decode()
