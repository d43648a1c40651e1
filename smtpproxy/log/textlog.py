"""The log as text: one line a reply, aligned, coloured on a terminal."""

from __future__ import annotations

from collections.abc import Callable

from smtpproxy.classify import classify
from smtpproxy.exchange import UPSTREAM
from smtpproxy.log.shown import Timestamps, text_of, tls_words
from smtpproxy.reasons import Reasons, built_in
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.transcript import Entry, Note, Session
from smtpproxy.visible import visible, visible_text

_WIDTH = 46  # of the column that shows what the client sent
#: The colours of a terminal (ECMA-48 SGR), by severity.
_COLOURS = {"success": "32", "intermediate": "36", "transient": "33", "permanent": "31"}


class TextLog:
    """One line a reply, aligned: when, which session, what was sent, and what that got."""

    def __init__(
        self,
        write: Callable[[bytes], None],
        colour: bool = False,
        reasons: Reasons | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        """`clock`: seconds since 1970, by which mail data are told; without it they are not."""
        self._write = write
        self._colour = colour
        self._reasons = reasons or built_in()
        self._clock = clock
        self._times = Timestamps()

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
        first, *others = text_of(reply).split("\n")
        more = f" (+{len(others)} lines)" if others else ""
        severity = f"{judged.severity:<12}"
        if self._colour:
            severity = f"\x1b[{_COLOURS.get(judged.severity, '35')}m{severity}\x1b[0m"
        meaning = judged.meaning or "unknown code"
        remarks = [] if first.endswith(meaning) else [meaning]
        if reply.code >= 400 and (reason := self._reasons.reason(reply)).rule:
            remarks.append(reason.name)
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
        """Write mail data where that was asked for; else it is never in the log."""
        if self._clock is not None:
            for line in fact.octets.splitlines():
                self._line(session, self._clock(), f"| {visible(line)}")

    def noted(self, session: Session, note: Note) -> None:
        """Write the fact."""
        more = (
            visible(note.octets[:256].rstrip(b"\r\n")) if note.tls is None else tls_words(note.tls)
        )
        words = " ".join(filter(None, (note.fact, visible_text(note.detail), more)))
        self._line(session, note.time, f"* {words}")

    def ended(self, session: Session, how: str) -> None:
        """Write how the session ended."""
        self._line(session, session.ended, f"* ended: {how}")

    def _line(self, session: Session, moment: float, text: str) -> None:
        clock = self._times.text(moment)[11:23]
        self._write(f"{clock} #{session.number} {text}\n".encode())


def _by(entry: Entry) -> str:
    rule = f"rule {entry.rule}{f' #{entry.firing}' if entry.firing else ''}" if entry.rule else ""
    if entry.by == UPSTREAM:
        return f" [{rule}]" if rule else ""
    said = f"; upstream said {entry.said.code}" if entry.said else ""
    return f" [{rule or 'by the proxy'}{said}]"
