"""What each session did: an observer that gathers it for `--report` and `--expect`.

Owns what a mail transaction is, how it came out, and how much of a long run is kept. What is
counted is counted of all; nothing here writes.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

from smtpproxy.log.records import TlsRecord
from smtpproxy.log.shown import Timestamps, tls_of
from smtpproxy.reports.mailhead import Head, Passing
from smtpproxy.reports.outcomes import (
    address_of,
    header,
    outcome_of,
    reply_of,
    size_of,
    taken,
    tried_again,
    waiting,
)
from smtpproxy.reports.reported import (
    ABANDONED,
    ACCEPTED,
    REFUSED,
    UNFINISHED,
    Attempt,
    ReportedMessage,
    ReportedMiss,
    ReportedPlace,
    ReportedRecipient,
    ReportedReply,
    ReportedSession,
    ReportedTransaction,
    RunReport,
    Totals,
)
from smtpproxy.reports.retries import Retries
from smtpproxy.smtp.facts import Chunk, MailData, is_last_chunk
from smtpproxy.tally import count
from smtpproxy.transcript import Entry, Note, Session
from smtpproxy.visible import visible_text

#: Sessions that are kept; of older ones only the counts are.
MOST_SESSIONS = 10_000
#: Octets that they may take, roughly.
MOST_OCTETS = 64 * 1024 * 1024
#: Mail transactions kept of one session, and recipients of one transaction.
MOST_TRANSACTIONS = 1000
MOST_RECIPIENTS = 1000
MOST_MISSES = 1000
_MOST_RULES = 1000  # by name; rule files can be read again and again

_BEGINNING = frozenset({"MAIL", "SEND", "SOML", "SAML"})
#: Stages that end an open transaction where they are answered 2xx.
_ENDING = frozenset({"RSET", "HELO", "EHLO", "LHLO", "STARTTLS", "QUIT"})
_SIDES = ("client", "upstream")
_END_OF_MESSAGE = frozenset({"END-OF-DATA", "BDAT"})
_SESSION = 600  # octets that each takes, roughly, without its transactions
#: Header fields that are looked at where nothing is kept.
_FOR_AUDIENCE = ("message-id", "subject")


class Audience(Protocol):
    """Whoever hears of each mail transaction as soon as it is over."""

    def transaction(self, done: ReportedTransaction) -> None:
        """A mail transaction is over."""


class _Open:
    """A session that goes on."""

    __slots__ = (
        *("current", "failing", "head", "octets", "passing", "told", "transactions"),
        "unkept",
    )

    def __init__(self, told: ReportedSession) -> None:
        self.told = told
        self.passing: Passing | None = None
        self.current: ReportedTransaction | None = None
        self.failing: set[int] = set()  # recipients of the current one to be tried again
        self.head: Head | None = None  # of a message whose chunks still come
        self.transactions = 0
        self.unkept = 0  # accepted recipients of the current one, beyond those that are kept
        self.octets = _SESSION


class Gatherer:
    """Gathers sessions, as far as there is room; `keep`: they are wanted, and not only told."""

    def __init__(self, keep: bool, audience: Audience | None = None) -> None:
        self._keep = keep
        self._audience = audience
        self._open: dict[int, _Open] = {}
        self._kept: OrderedDict[int, tuple[ReportedSession, int]] = OrderedDict()
        self._octets = 0
        self._not_kept = 0
        self._rules: dict[str, int] = {}
        self._misses: list[ReportedMiss] = []
        self._retries = Retries()
        self._times = Timestamps()
        self.totals = Totals()

    def began(self, session: Session) -> None:
        """Begin to gather a session."""
        self.totals.sessions += 1
        told = ReportedSession(
            session=session.label,
            client=session.client,
            upstream=session.upstream,
            started=self._times.text(session.started),
            transactions=[],
        )
        self._open[session.number] = _Open(told)

    def exchanged(self, session: Session, entry: Entry) -> None:
        """See what an exchange means to the mail transaction."""
        one = self._open[session.number]
        if entry.rule:
            for counts in (self._rules, one.told.rules):
                if entry.rule in counts or len(counts) < _MOST_RULES:
                    count(counts, entry.rule)
        stage, heard = entry.stage, entry.heard
        if stage in _BEGINNING:
            self._finish(one, ABANDONED)
            self._begin(one, entry)
        elif stage in _END_OF_MESSAGE:
            self._message(one, entry)
        elif one.current is None:
            return
        elif stage == "RCPT":
            self._recipient(one, one.current, entry)
        elif stage == "DATA":
            if heard is None or heard.code // 100 != 3:
                one.current.reply = reply_of(entry)
        elif stage in _ENDING and heard is not None and heard.code // 100 == 2:
            self._finish(one, ABANDONED)

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Look at a message in passing."""
        one = self._open[session.number]
        if one.passing is None:
            one.passing = Passing()
        one.passing.take(fact)

    def noted(self, session: Session, note: Note) -> None:
        """Keep what is known of TLS."""
        told = self._open[session.number].told
        if note.tls is not None and note.detail in _SIDES:
            told.tls[note.detail] = TlsRecord(**{"version": "", **tls_of(note.tls)})
        elif note.fact == "tls-failed":
            side, _, words = note.detail.partition(": ")
            if side in _SIDES:
                told.tls_failed[side] = visible_text(words[:256])

    def ended(self, session: Session, how: str) -> None:
        """Close the session's account."""
        one = self._open[session.number]
        self._finish(one, UNFINISHED)
        del self._open[session.number]
        one.told.ended, one.told.how = self._times.text(session.ended), how
        if self._keep:
            self._kept[session.number] = one.told, one.octets
            self._octets += _SESSION
            self._make_room()

    def missed(self, miss: ReportedMiss) -> None:
        """Keep a miss."""
        self.totals.misses += 1
        if len(self._misses) < MOST_MISSES:
            self._misses.append(miss)
            for one in self._open.values():
                if one.told.session == miss.session:
                    one.told.misses.append(miss.number)

    def report(
        self,
        mode: str,
        upstream: str,
        started: float,
        now: float,
        used: list[ReportedPlace],
        unused: list[ReportedPlace],
    ) -> RunReport:
        """Return everything as it is now."""
        going_on = {number: one.told for number, one in self._open.items()}
        ended = {number: told for number, (told, _) in self._kept.items()}
        sessions = ended | going_on
        return RunReport(
            mode=mode,
            upstream=upstream,
            started=self._times.text(started),
            written=self._times.text(now),
            totals=self.totals,
            sessions=[sessions[number] for number in sorted(sessions)],
            not_kept=self._not_kept,
            rules=dict(sorted(self._rules.items())),
            misses=self._misses,
            used=used,
            unused=unused,
        )

    # Mail transactions.

    def _begin(self, one: _Open, entry: Entry) -> None:
        self.totals.transactions += 1
        one.transactions += 1
        reply = reply_of(entry)
        one.current = ReportedTransaction(
            number=one.transactions,
            reverse_path=address_of(entry),
            mail=reply,
            recipients=[],
        )
        if reply.code is None or reply.code // 100 != 2:
            one.current.reply = reply
            self._finish(one, UNFINISHED if reply.code is None else REFUSED)

    def _recipient(self, one: _Open, current: ReportedTransaction, entry: Entry) -> None:
        reply = reply_of(entry)
        if len(current.recipients) >= MOST_RECIPIENTS:
            current.more_recipients += 1
            if taken(reply):
                one.unkept += 1
            else:
                self._count_recipients(reply)
            return
        if tried_again(reply.code):
            one.failing.add(len(current.recipients))
        current.recipients.append(ReportedRecipient(address_of(entry), reply, "RCPT"))

    def _message(self, one: _Open, entry: Entry) -> None:
        """See to a reply to a message, to a part of it, or to one recipient's."""
        current = one.current
        if not entry.continues:
            self._take_head(one, current)
        last = entry.stage != "BDAT" or entry.continues or is_last_chunk(entry.sent)
        if current is None:
            return
        reply = reply_of(entry)
        if entry.recipient:
            address = visible_text(entry.recipient)
            whose = (at for at, told in waiting(current) if told.address == address)
            for at in [*whose][:1]:
                self._settle(one, current.recipients[at], at, reply, entry.stage)
        if last or not taken(reply):
            current.reply = reply
        if last and not entry.more:
            for at, told in waiting(current):
                self._settle(one, told, at, reply, entry.stage)
            self._finish(one, REFUSED)

    def _take_head(self, one: _Open, current: ReportedTransaction | None) -> None:
        head = one.passing.answered() if one.passing is not None else None
        if current is None or head is None:
            return
        if one.head is None:
            one.head = head
        else:
            one.head.join(head)
        fields, cut = one.head.fields()
        if not self._keep:
            fields = [(name, value) for name, value in fields if name.lower() in _FOR_AUDIENCE]
        current.message = ReportedMessage(one.head.octets, fields, cut)

    def _settle(
        self, one: _Open, told: ReportedRecipient, at: int, reply: ReportedReply, stage: str
    ) -> None:
        told.reply, told.stage = reply, stage
        if tried_again(reply.code):
            one.failing.add(at)

    def _finish(self, one: _Open, outcome: str) -> None:
        """A mail transaction is over."""
        done, failing = one.current, one.failing
        if done is None:
            return
        one.current, one.head, one.failing = None, None, set()
        unkept, one.unkept = one.unkept, 0
        done.outcome = outcome_of(done, outcome)
        for recipient in done.recipients:
            if recipient.stage != "RCPT" or not taken(recipient.reply):
                self._count_recipients(recipient.reply)
        if unkept and isinstance(done.reply, ReportedReply):
            self._count_recipients(done.reply, unkept)
        self.totals.messages += done.outcome == ACCEPTED
        self._see_retry(one, done, failing)
        if self._audience is not None:
            self._audience.transaction(done)
        if self._keep:
            self._keep_transaction(one, done)

    def _see_retry(self, one: _Open, done: ReportedTransaction, failing: set[int]) -> None:
        addresses = [recipient.address for recipient in done.recipients]
        message_id = header(done, "message-id")
        everyone = frozenset(addresses)
        earlier = self._retries.earlier(done.reverse_path, everyone, message_id)
        if earlier is not None:
            done.retry_of = earlier
            self.totals.retries += 1
        reply = done.reply
        refused = isinstance(reply, ReportedReply) and tried_again(reply.code)
        if failing or refused or done.outcome == UNFINISHED:
            again = [everyone]
            if failing and len(failing) < len(addresses):
                again.append(frozenset(addresses[at] for at in failing))
            attempt = Attempt(one.told.session, done.number)
            self._retries.failed(attempt, done.reverse_path, again, message_id)

    def _count_recipients(self, reply: ReportedReply, many: int = 1) -> None:
        if taken(reply):
            self.totals.recipients_accepted += many
        elif reply.code is not None and reply.code // 100 in (4, 5):
            self.totals.recipients_refused += many

    # Room.

    def _keep_transaction(self, one: _Open, done: ReportedTransaction) -> None:
        size = size_of(done)
        full = len(one.told.transactions) >= MOST_TRANSACTIONS
        if full or (self._octets + size > MOST_OCTETS and not self._make_room(size)):
            one.told.more_transactions += 1
            return
        one.told.transactions.append(done)
        one.octets += size
        self._octets += size

    def _make_room(self, needed: int = 0) -> bool:
        """Let the oldest sessions go until there is room; False where there can't be."""
        kept = self._kept
        while kept and (len(kept) > MOST_SESSIONS or self._octets + needed > MOST_OCTETS):
            _, (_, octets) = kept.popitem(last=False)
            self._octets -= octets
            self._not_kept += 1
        return self._octets + needed <= MOST_OCTETS
