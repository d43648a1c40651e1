"""How much of what: sessions, messages, octets, and how often each code answered each stage."""

from __future__ import annotations

from typing import Any

from smtpproxy.codes import STAGES
from smtpproxy.smtp.anomalies import ANOMALIES
from smtpproxy.smtp.facts import Chunk, MailData, is_last_chunk
from smtpproxy.smtp.verbs import KNOWN_VERBS
from smtpproxy.transcript import Entry, Note, Session

#: The order in which a session passes its stages; others follow, by name.
_ORDER = (
    *("CONNECT", "HELO", "EHLO", "LHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BDAT"),
    *("END-OF-DATA", "RSET", "NOOP", "VRFY", "EXPN", "HELP", "QUIT"),
)
#: A hostile client can invent verbs without end: this many stages are counted by name.
_MOST_STAGES = 100
OTHER_STAGE = "(other)"


class Statistics:
    """An observer that counts."""

    def __init__(self) -> None:
        self.sessions = 0
        self.messages = 0
        self.mail_data_octets = 0
        self.anomalies: dict[str, int] = {}
        self._codes: dict[str, dict[int, int]] = {}
        self._taken: set[int] = set()  # sessions whose message some recipient has by now

    def began(self, session: Session) -> None:
        """Count the session."""
        self.sessions += 1

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Count the reply that the client heard."""
        for name in entry.odd:
            self.anomalies[name] = self.anomalies.get(name, 0) + 1
        if entry.heard is None:
            return
        stage, code = entry.stage, entry.heard.code
        codes = self._codes.get(stage)
        if codes is None:
            known = stage in STAGES or stage in KNOWN_VERBS
            named = known or len(self._codes) < _MOST_STAGES
            codes = self._codes.setdefault(stage if named else OTHER_STAGE, {})
        codes[code] = codes.get(code, 0) + 1
        if stage == "END-OF-DATA" or (
            stage == "BDAT" and (entry.continues or is_last_chunk(entry.sent))
        ):
            self._count_message(session.number, entry, code // 100 == 2)

    def _count_message(self, number: int, entry: Entry, taken: bool) -> None:
        """Count a message once, though each of its recipients may have a reply of its own."""
        if entry.more:
            if taken:
                self._taken.add(number)
            return
        # The last reply of LMTP is one recipient's, that of PRDR decides for all.
        self.messages += taken or (number in self._taken and bool(entry.recipient))
        self._taken.discard(number)

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Count the octets."""
        self.mail_data_octets += len(fact.octets)

    def noted(self, session: Session, note: Note) -> None:
        """Count anomalies."""
        if note.fact in ANOMALIES:
            self.anomalies[note.fact] = self.anomalies.get(note.fact, 0) + 1

    def ended(self, session: Session, how: str) -> None:
        """Forget what was kept of it."""
        self._taken.discard(session.number)

    def matrix(self) -> dict[str, dict[int, int]]:
        """Return how often each code answered each stage, in the order of a session."""
        rank = {stage: at for at, stage in enumerate(_ORDER)}
        stages = sorted(self._codes, key=lambda stage: (rank.get(stage, len(rank)), stage))
        return {stage: dict(sorted(self._codes[stage].items())) for stage in stages}

    def as_text(self) -> str:
        """Return the matrix as a table, a line a stage."""
        rows = [
            f"  {stage:<12} " + "  ".join(f"{code:03d} x {count}" for code, count in codes.items())
            for stage, codes in self.matrix().items()
        ]
        head = f"{self.sessions} sessions, {self.messages} messages"
        if self.anomalies:
            odd = ", ".join(f"{name} x {count}" for name, count in sorted(self.anomalies.items()))
            rows.append(f"anomalies: {odd}")
        return "\n".join([f"{head}; replies by stage:", *rows]) if rows else head

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "sessions": self.sessions,
            "messages": self.messages,
            "mail_data_octets": self.mail_data_octets,
            "anomalies": dict(sorted(self.anomalies.items())),
            "matrix": {
                stage: {str(code): count for code, count in codes.items()}
                for stage, codes in self.matrix().items()
            },
        }
