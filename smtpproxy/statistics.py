"""How much of what: sessions, messages, octets, reply times, and what answered each stage.

Owns what counts as what. What clients heard is counted, by upstream and by recipient domain; how
long it took, only where upstream said it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any

import msgspec

from smtpproxy.domains import Domains
from smtpproxy.figures import FiredRule, Report
from smtpproxy.reasons import Reasons, built_in
from smtpproxy.smtp.anomalies import ANOMALIES
from smtpproxy.smtp.facts import Chunk, MailData, is_last_chunk
from smtpproxy.smtp.path import domain_in, domain_of
from smtpproxy.tally import Tally, count
from smtpproxy.transcript import Entry, Note, Session


class Statistics:
    """An observer that counts."""

    def __init__(
        self,
        reasons: Reasons | None = None,
        fired: Callable[[], list[FiredRule]] = list,
    ) -> None:
        """`fired`: how often each rule had its way so far."""
        self._fired = fired
        self._reason = (reasons or built_in()).reason
        self._upstreams: defaultdict[str, Tally] = defaultdict(Tally)
        self._domains = Domains()
        self._taken: set[int] = set()  # sessions whose message some recipient has by now

    def began(self, session: Session) -> None:
        """Count the session."""
        self._upstreams[session.upstream].sessions += 1

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Count the reply that the client heard, and how long upstream took for its own."""
        tally = self._upstreams[session.upstream]
        if entry.odd:
            for odd in entry.odd:
                count(tally.anomalies, odd)
        heard, said = entry.heard, entry.said
        if heard is None and said is None:
            return
        name = entry.stage
        stage = tally.stages.get(name)
        if stage is None:
            stage = tally.new_stage(name)
        if said is not None:
            stage.times.add(entry.seconds)
        if heard is None:
            return
        code, codes = heard.code, stage.codes
        codes[code] = codes.get(code, 0) + 1
        if 400 <= code < 600:
            count(tally.reasons, self._reason(heard).name)
        if name == "RCPT":
            self._domains.count(domain_in(entry.sent), name, code)
        elif name == "END-OF-DATA" or (name == "BDAT" and _is_last(entry)):
            self._count_message(session, entry, tally, code)

    def _count_message(self, session: Session, entry: Entry, tally: Tally, code: int) -> None:
        """Count a message once, though each of its recipients may have a reply of its own."""
        stage, taken = entry.stage, code // 100 == 2
        if not (entry.more or entry.continues):
            tally.messages += taken
            for domain in session.state.accepted_domains():
                self._domains.count(domain, stage, code)
            return
        # PRDR's replies for all recipients stand around those for each.
        if entry.recipient:
            self._domains.count(domain_of(entry.recipient), stage, code)
        number = session.number
        if entry.more:
            if taken:
                self._taken.add(number)
            return
        # The last reply of LMTP is one recipient's, that of PRDR decides for all.
        tally.messages += taken or (number in self._taken and bool(entry.recipient))
        self._taken.discard(number)

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Count the octets."""
        self._upstreams[session.upstream].mail_data_octets += len(fact.octets)

    def noted(self, session: Session, note: Note) -> None:
        """Count anomalies."""
        if note.fact in ANOMALIES:
            count(self._upstreams[session.upstream].anomalies, note.fact)

    def ended(self, session: Session, how: str) -> None:
        """Count how it ended, and forget what was kept of it."""
        count(self._upstreams[session.upstream].ended, how)
        self._taken.discard(session.number)

    def report(self) -> Report:
        """Return everything as it is now."""
        total = Tally()
        for tally in self._upstreams.values():
            total.merge(tally)
        return Report(
            **msgspec.structs.asdict(total.figures()),
            domains=self._domains.by_domain(),
            upstreams={name: tally.figures() for name, tally in sorted(self._upstreams.items())},
            rules=self._fired(),
        )

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        plain: dict[str, Any] = msgspec.to_builtins(self.report(), str_keys=True)
        return plain


def _is_last(bdat: Entry) -> bool:
    return bdat.continues or is_last_chunk(bdat.sent)
