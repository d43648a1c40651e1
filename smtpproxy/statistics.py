"""How much of what: sessions, messages, octets, and how often each code answered each stage."""

from __future__ import annotations

from typing import Any

from smtpproxy.codes import STAGES
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
        self._codes: dict[str, dict[int, int]] = {}

    def began(self, session: Session) -> None:
        """Count the session."""
        self.sessions += 1

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Count the reply that the client heard."""
        if entry.heard is None:
            return
        stage, code = entry.stage, entry.heard.code
        codes = self._codes.get(stage)
        if codes is None:
            known = stage in STAGES or stage in KNOWN_VERBS
            named = known or len(self._codes) < _MOST_STAGES
            codes = self._codes.setdefault(stage if named else OTHER_STAGE, {})
        codes[code] = codes.get(code, 0) + 1
        if code // 100 == 2 and (
            stage == "END-OF-DATA" or (stage == "BDAT" and is_last_chunk(entry.sent))
        ):
            self.messages += 1

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Count the octets."""
        self.mail_data_octets += len(fact.octets)

    def noted(self, session: Session, note: Note) -> None:
        """Nothing to count."""

    def ended(self, session: Session, how: str) -> None:
        """Nothing to count."""

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
        return "\n".join([f"{head}; replies by stage:", *rows]) if rows else head

    def as_json(self) -> dict[str, Any]:
        """Return everything as plain values for JSON."""
        return {
            "sessions": self.sessions,
            "messages": self.messages,
            "mail_data_octets": self.mail_data_octets,
            "matrix": {
                stage: {str(code): count for code, count in codes.items()}
                for stage, codes in self.matrix().items()
            },
        }
