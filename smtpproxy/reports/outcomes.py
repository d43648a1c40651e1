"""How mail transactions come out, and how what was said is told.

Owns the words for it, transaction by transaction. Keeps nothing: who follows sessions is `report`.
"""

from __future__ import annotations

from smtpproxy.log.shown import text_of
from smtpproxy.reports.reported import (
    ACCEPTED,
    REFUSED,
    UNFINISHED,
    ReportedMessage,
    ReportedRecipient,
    ReportedReply,
    ReportedTransaction,
)
from smtpproxy.smtp.path import parse_path
from smtpproxy.transcript import Entry
from smtpproxy.visible import visible, visible_text

_MOST_TEXT = 1000  # characters of a reply
_TRANSACTION, _RECIPIENT = 600, 300  # octets that each takes, roughly


def header(done: ReportedTransaction, name: str) -> str:
    """Return the first header field of that name (in lower case), or ""."""
    headers = done.message.headers if isinstance(done.message, ReportedMessage) else ()
    return next((value for key, value in headers if key.lower() == name), "")


def waiting(current: ReportedTransaction) -> list[tuple[int, ReportedRecipient]]:
    """Return the recipients that were accepted and wait for the message's reply."""
    return [
        (at, told)
        for at, told in enumerate(current.recipients)
        if told.stage == "RCPT" and taken(told.reply)
    ]


def outcome_of(done: ReportedTransaction, otherwise: str) -> str:
    """Return how a transaction came out; it is accepted if one recipient's message was taken."""
    if any(told.stage != "RCPT" and taken(told.reply) for told in done.recipients):
        return ACCEPTED
    if isinstance(done.reply, ReportedReply):
        if done.reply.code is None:
            return UNFINISHED
        if done.reply.code // 100 in (4, 5):
            return REFUSED
        # A 2xx to DATA itself takes no message.
        return ACCEPTED if taken(done.reply) and otherwise == REFUSED else otherwise
    codes = [told.reply.code or 0 for told in done.recipients]
    return REFUSED if codes and all(code // 100 in (4, 5) for code in codes) else otherwise


def taken(reply: ReportedReply) -> bool:
    """Is it a 2xx?"""
    return reply.code is not None and reply.code // 100 == 2


def tried_again(code: int | None) -> bool:
    """Will a client try again after this?"""
    return code is None or code // 100 == 4


def reply_of(entry: Entry) -> ReportedReply:
    """Return the reply that the client heard, as the report has it."""
    heard = entry.heard
    if heard is None:
        return ReportedReply(None, entry.by, rule=entry.rule)
    text = text_of(heard)[:_MOST_TEXT]
    return ReportedReply(heard.code, entry.by, text, heard.enhanced, entry.rule)


def address_of(entry: Entry) -> str:
    """Return the address of MAIL or RCPT, or, where that can't be read, what was sent instead."""
    argument = entry.sent.strip()[len(entry.stage) :].strip()
    path = parse_path(argument)
    return visible_text(path.address) if path is not None else visible(argument)


def size_of(done: ReportedTransaction) -> int:
    """Return the octets that a transaction takes in memory, roughly."""
    size = _TRANSACTION
    for recipient in done.recipients:
        size += _RECIPIENT + len(recipient.address) + len(recipient.reply.text)
    if isinstance(done.message, ReportedMessage):
        size += sum(150 + len(name) + len(value) for name, value in done.message.headers)
    return size
