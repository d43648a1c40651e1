"""Messages and sessions on their way out of a cassette: as mail files, or as plain values.

Owns the names of files: labels are a stranger's words, and no name is made of them as they are.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from smtpproxy.cassette.messages import message_pieces
from smtpproxy.cassette.model import END_OF_DATA, Cassette, Kept, Recorded, RecordedSession
from smtpproxy.cassette.replies import replies_in
from smtpproxy.pairing import ends_message
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.path import parse_path
from smtpproxy.smtp.server import final_code
from smtpproxy.visible import visible

_LONGEST_LABEL = 40


class Message(NamedTuple):
    """A message of a session, with its envelope as far as the server accepted it."""

    session: str
    number: int  # within its session, from 1
    sender: str
    recipients: tuple[str, ...]
    kept: tuple[Kept, ...]  # its mail data, or its chunks
    code: int  # the client heard at its end, or 0
    line: int


def safe_name(label: str) -> str:
    """Return a label as a part of a file name; what could be more than that becomes "_"."""
    return re.sub(r"[^A-Za-z0-9-]+", "_", label)[:_LONGEST_LABEL].strip("_-") or "session"


def named(messages: Iterable[Message]) -> Iterator[tuple[str, Message]]:
    """Yield each message with its file name; labels that look alike get another number."""
    taken: set[str] = set()
    for message in messages:
        stem = f"{safe_name(message.session)}-{message.number}"
        tries = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
        name = next(n for n in (f"{stem}{more}.eml" for more in tries) if n.lower() not in taken)
        taken.add(name.lower())
        yield name, message


def messages_of(session: RecordedSession) -> Iterator[Message]:
    """Yield the messages of a session, in order."""
    number, sender = 0, ""
    recipients: list[str] = []
    chunks: list[Kept] = []
    for one in session.dialogue:
        code = final_code(one.heard or b"")
        if one.stage in ("MAIL", "SEND", "SOML", "SAML") and code // 100 == 2:
            sender, recipients, chunks = _address(one), [], []
        elif one.stage == "RCPT" and code // 100 == 2:
            recipients.append(_address(one))
        elif one.stage == "RSET":
            chunks = []
        if one.kept is None:
            continue
        chunks.append(one.kept)
        if one.stage == END_OF_DATA or ends_message(one.stage, parse_command(one.sent)):
            number += 1
            envelope = sender, tuple(recipients)
            yield Message(session.label, number, *envelope, tuple(chunks), code, one.line)
            sender, recipients, chunks = "", [], []


def octets_of(message: Message, cassette: Path) -> Iterator[bytes]:
    """Yield a message in pieces. Raises DocumentError."""
    for kept in message.kept:
        yield from message_pieces(kept, cassette)


def _address(one: Recorded) -> str:
    path = parse_path(parse_command(one.sent).argument)
    return path.address if path is not None else ""


def record(cassette: Cassette, session: RecordedSession) -> dict[str, Any]:
    """Return a session as plain values for JSON."""
    return {
        "source": cassette.source,
        "line": session.line,
        "session": session.label,
        "recorded": cassette.recorded or None,
        "upstream": cassette.upstream or None,
        "client": session.client or None,
        "ended": session.ended or None,
        "dialogue": [_exchange(one) for one in session.dialogue],
        "messages": [
            {
                "sender": message.sender,
                "recipients": list(message.recipients),
                "octets": sum(
                    kept.size if kept.file else len(kept.octets) for kept in message.kept
                ),
                "code": message.code or None,
                "line": message.line,
            }
            for message in messages_of(session)
        ],
    }


def _exchange(one: Recorded) -> dict[str, Any]:
    replies = replies_in(one.heard)
    return {
        "line": one.line,
        "stage": one.stage,
        "sent": visible(one.sent.removesuffix(b"\r\n")) or None,
        "heard": [visible(line) for line in (one.heard or b"").split(b"\r\n")[:-1]],
        "codes": [reply.code for reply in replies],
        "enhanced": [reply.enhanced for reply in replies if reply.enhanced],
        "rule": one.rule or None,
    }
