"""The log: one record a reply, as text that reads like a dialogue, or as JSON lines.

Owns both forms. Writes to a callable; where that leads is the shell's affair.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

from smtpproxy.classify import classify
from smtpproxy.exchange import UPSTREAM
from smtpproxy.smtp.facts import Chunk, MailData, Reply
from smtpproxy.transcript import Entry, Note, Session
from smtpproxy.visible import visible, visible_text

#: The version of a JSON record; `docs/operating.md` describes it.
SCHEMA_VERSION = 1

#: Stages whose record names all recipients: before, each RCPT has a record of its own.
_WITH_RECIPIENTS = ("DATA", "BDAT", "END-OF-DATA")
_WIDTH = 46  # of the column that shows what the client sent
_COLOURS = {"success": "32", "intermediate": "36", "transient": "33", "permanent": "31"}


class _Timestamps:
    """RFC 3339 in UTC with milliseconds; the seconds are formatted once each."""

    def __init__(self) -> None:
        self._second = -1
        self._text = ""

    def text(self, moment: float) -> str:
        second = int(moment)
        if second != self._second:
            self._second = second
            self._text = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
        return f"{self._text}.{int((moment - second) * 1000):03d}Z"


@lru_cache(maxsize=1024)
def _text(reply: Reply) -> str:
    """Return a reply's text, its lines apart by LF, without codes; most replies come often."""
    lines = [visible(line) for line in reply.lines]
    if enhanced := reply.enhanced:
        lines = [line.removeprefix(enhanced).strip() for line in lines]
    return "\n".join(lines)


class ReplyRecord(msgspec.Struct):
    """What the JSON log says of a reply; what does not apply is left out."""

    v: int
    time: str
    session: str
    client: str
    upstream: str
    stage: str
    command: str
    by: str
    ms: float
    code: int | None = None
    enhanced: str | UnsetType = UNSET
    severity: str | UnsetType = UNSET
    meaning: str | UnsetType = UNSET
    listed: bool | UnsetType = UNSET
    text: str | UnsetType = UNSET
    rule: str | UnsetType = UNSET
    upstream_code: int | UnsetType = UNSET
    upstream_text: str | UnsetType = UNSET
    sender: str | UnsetType = UNSET
    recipients: list[str] | UnsetType = UNSET
    recipient: str | UnsetType = UNSET
    anomalies: tuple[str, ...] | UnsetType = UNSET


class JsonLog:
    """One JSON object a line: replies, other facts, and ends of sessions."""

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self._write = write
        self._encode = msgspec.json.Encoder().encode
        self._times = _Timestamps()

    def began(self, session: Session) -> None:
        """Nothing yet: the greeting follows."""

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Write the reply that the client heard."""
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
        )
        reply = entry.heard
        if reply is not None:
            judged = classify(entry.stage, reply.code)
            record.code = reply.code
            record.enhanced = reply.enhanced
            record.severity = judged.severity
            record.meaning = judged.meaning
            record.listed = judged.listed
            record.text = _text(reply)
        if entry.rule:
            record.rule = entry.rule
        if entry.recipient:
            record.recipient = visible_text(entry.recipient)
        if entry.odd:
            record.anomalies = entry.odd
        if entry.by != UPSTREAM and entry.said is not None:
            record.upstream_code = entry.said.code
            record.upstream_text = _text(entry.said)
        if (sender := session.state.sender) is not None:
            record.sender = visible_text(sender.address)
            if entry.stage in _WITH_RECIPIENTS:
                record.recipients = [visible_text(p.address) for p in session.state.accepted]
        self._line(record)

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Mail data is never in the log."""

    def noted(self, session: Session, note: Note) -> None:
        """Write the fact."""
        self._line(
            {
                "v": SCHEMA_VERSION,
                "time": self._times.text(note.time),
                "session": session.label,
                "fact": note.fact,
                "detail": note.detail,
                "octets": visible(note.octets[:256]),
            }
        )

    def ended(self, session: Session, how: str) -> None:
        """Write how the session ended."""
        time_of_end = self._times.text(session.ended)
        self._line(
            {
                "v": SCHEMA_VERSION,
                "time": time_of_end,
                "session": session.label,
                "fact": "ended",
                "detail": how,
            }
        )

    def _line(self, record: ReplyRecord | dict[str, Any]) -> None:
        self._write(self._encode(record) + b"\n")


class TextLog:
    """One line a reply, aligned: when, which session, what was sent, and what that got."""

    def __init__(self, write: Callable[[bytes], None], colour: bool = False) -> None:
        self._write = write
        self._colour = colour
        self._times = _Timestamps()

    def began(self, session: Session) -> None:
        """Say who speaks with whom."""
        self._line(session, session.started, f"{session.client} -> {session.upstream}")

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Write the reply that the client heard."""
        sent = visible(entry.sent.rstrip(b"\r\n")) or entry.stage
        if entry.recipient:
            sent = f"{entry.stage} <{visible_text(entry.recipient)}>"
        reply = entry.heard
        ended = entry.began + entry.seconds
        if reply is None:
            self._line(session, ended, f"{sent:<{_WIDTH}} (no answer){_by(entry)}")
            return
        judged = classify(entry.stage, reply.code)
        first, *others = _text(reply).split("\n")
        more = f" (+{len(others)} lines)" if others else ""
        severity = f"{judged.severity:<12}"
        if self._colour:
            severity = f"\x1b[{_COLOURS.get(judged.severity, '35')}m{severity}\x1b[0m"
        meaning = judged.meaning or "unknown code"
        remarks = [] if first.endswith(meaning) else [meaning]
        if not (judged.listed or judged.anywhere):
            remarks.append("not listed here")
        remarks.extend(entry.odd)
        told = f" ({', '.join(remarks)})" if remarks else ""
        text = (
            f"{sent:<{_WIDTH}} {reply.code:03d} {reply.enhanced:<6} {severity} {first}{more}"
            f"{told}{_by(entry)}"
        )
        self._line(session, ended, text)

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Mail data is never in the log."""

    def noted(self, session: Session, note: Note) -> None:
        """Write the fact."""
        octets = visible(note.octets[:256].rstrip(b"\r\n"))
        words = " ".join(filter(None, (note.fact, note.detail, octets)))
        self._line(session, note.time, f"* {words}")

    def ended(self, session: Session, how: str) -> None:
        """Write how the session ended."""
        self._line(session, session.ended, f"* ended: {how}")

    def _line(self, session: Session, moment: float, text: str) -> None:
        clock = self._times.text(moment)[11:23]
        self._write(f"{clock} #{session.number} {text}\n".encode())


def _by(entry: Entry) -> str:
    if entry.by == UPSTREAM:
        return f" [delayed by rule {entry.rule}]" if entry.rule else ""
    said = f"; upstream said {entry.said.code}" if entry.said else ""
    return f" [{'rule ' + entry.rule if entry.rule else 'by the proxy'}{said}]"
