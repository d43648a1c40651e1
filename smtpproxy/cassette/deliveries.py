"""What a real server would deliver if recorded sessions were played to it: counted beforehand."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from smtpproxy.cassette.model import END_OF_DATA, RecordedSession
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import is_last_chunk
from smtpproxy.smtp.path import parse_path

_BEGINS = frozenset({"MAIL", "SEND", "SOML", "SAML", "EHLO", "LHLO", "HELO", "RSET"})


class Deliveries(NamedTuple):
    """How many messages, and the addresses that they may go to at the most."""

    messages: int
    recipients: frozenset[str]


def deliveries(sessions: Iterable[RecordedSession]) -> Deliveries:
    """Count. Who was refused when it was recorded is counted, too: a server may think again."""
    messages, everybody = 0, set[str]()
    for session in sessions:
        recipients: set[str] = set()
        for one in session.dialogue:
            if one.stage in _BEGINS:
                recipients = set()
            elif one.stage == "RCPT" and one.said:
                path = parse_path(parse_command(one.sent).argument)
                recipients.add(path.address if path is not None else "")
            elif one.said and (
                one.stage == END_OF_DATA or (one.stage == "BDAT" and is_last_chunk(one.sent))
            ):
                messages += 1
                everybody |= recipients
                recipients = set()
    return Deliveries(messages, frozenset(everybody))
