"""The log as JSON: one object a line."""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec
from msgspec import UNSET, UnsetType

from smtpproxy.classify import classify, explain
from smtpproxy.exchange import UPSTREAM
from smtpproxy.log.records import SCHEMA_VERSION, FactRecord, Record, ReplyRecord, TlsRecord
from smtpproxy.log.shown import Timestamps, text_of, tls_of
from smtpproxy.reasons import Reasons, built_in
from smtpproxy.smtp.facts import Chunk, MailData, Reply
from smtpproxy.transcript import Entry, Note, Session
from smtpproxy.visible import visible, visible_text

#: Stages whose record names all recipients: before, each RCPT has a record of its own, and so has
#: each of several replies to one message, behind the first.
_WITH_RECIPIENTS = ("DATA", "BDAT", "END-OF-DATA")

# How servers name a message that they took: Postfix, Exim, Sendmail and OpenSMTPD, Exchange.
_QUEUE_ID = re.compile(
    rb"queued as ([A-Za-z0-9-]{4,64})|\bid=([A-Za-z0-9-]{4,64})|\[InternalId=([0-9]{1,32})"
    rb"|[0-9]\.[0-9]\.[0-9] ([A-Za-z0-9]{4,64}) Message accepted",
    re.IGNORECASE,
)


def _queue_id(entry: Entry) -> str:
    """Return upstream's name for a message that it took, or ""."""
    said = entry.said
    if entry.stage not in ("END-OF-DATA", "BDAT") or said is None or said.code // 100 != 2:
        return ""
    found = _QUEUE_ID.search(said.wire[:512])
    return found[found.lastindex or 0].decode("ascii") if found else ""


class JsonLog:
    """One JSON object a line: replies, other facts, and ends of sessions."""

    def __init__(
        self,
        write: Callable[[bytes], None],
        reasons: Reasons | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`clock`: seconds since 1970, by which mail data are told; without it they are not."""
        self._write = write
        self._reasons = reasons or built_in()
        self._clock = clock
        self._encode = msgspec.json.Encoder().encode
        self._times = Timestamps()

    def began(self, session: Session) -> None:
        """Nothing yet: the greeting follows."""

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Write the reply that the client heard."""
        reply = entry.heard
        record = ReplyRecord(
            SCHEMA_VERSION,
            self._times.text(entry.began + entry.seconds),
            session.label,
            session.client,
            session.upstream,
            entry.stage,
            visible(entry.sent.removesuffix(b"\r\n")),
            entry.by,
            round(entry.seconds * 1000, 1),
            None if reply is None else reply.code,
        )
        if reply is not None:
            self._classified(record, reply)
        if entry.rule:
            record.rule = entry.rule
            record.firing = entry.firing or UNSET
        if entry.recipient:
            record.recipient = visible_text(entry.recipient)
        if entry.odd:
            record.anomalies = entry.odd
        if entry.by != UPSTREAM and entry.said is not None:
            record.upstream_code = entry.said.code
            record.upstream_text = text_of(entry.said)
        if (sender := session.state.sender) is not None:
            record.sender = visible_text(sender.address)
            if entry.stage in _WITH_RECIPIENTS and not entry.continues:
                record.recipients = [visible_text(p.address) for p in session.state.accepted]
        if queue_id := _queue_id(entry):
            record.queue_id = queue_id
        self._line(record)

    def _classified(self, record: ReplyRecord, reply: Reply) -> None:
        """Give each of the four answers, and whether to try again, a field of its own."""
        judged = classify(record.stage, reply.code)
        record.enhanced = reply.enhanced
        record.text = text_of(reply)
        record.severity = judged.severity
        record.meaning = judged.meaning
        record.known = judged.known
        record.listed = judged.listed
        record.place = judged.place
        if reply.code < 400:
            return
        told = explain(reply, record.stage, self._reasons)
        if told.status is not None:
            record.status = told.status.detail
        if told.reason is not None and told.retryable is not None:
            record.reason, record.reason_rule = told.reason
            record.retryable = told.retryable

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Write mail data where that was asked for; else it is never in the log."""
        if self._clock is not None:
            self._fact(session, self._clock(), "mail-data", "", visible(fact.octets))

    def noted(self, session: Session, note: Note) -> None:
        """Write the fact."""
        detail = visible_text(note.detail)
        if note.tls is None:
            self._fact(session, note.time, note.fact, detail, visible(note.octets[:256]))
        else:
            tls = TlsRecord(**{"version": "", **tls_of(note.tls)})
            self._fact(session, note.time, note.fact, detail, tls=tls)

    def ended(self, session: Session, how: str) -> None:
        """Write how the session ended."""
        self._fact(session, session.ended, "ended", how)

    def _fact(
        self,
        session: Session,
        moment: float,
        fact: str,
        detail: str,
        octets: str | UnsetType = UNSET,
        tls: TlsRecord | UnsetType = UNSET,
    ) -> None:
        time_of_it = self._times.text(moment)
        record = FactRecord(SCHEMA_VERSION, time_of_it, session.label, fact, detail, octets, tls)
        self._line(record)

    def _line(self, record: Record) -> None:
        self._write(self._encode(record) + b"\n")
