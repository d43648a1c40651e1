"""What a person must know even where there is no log: upstream is not there, or not trusted."""

from __future__ import annotations

from smtpproxy.console import say
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.tlsfacts import NOT_TLS
from smtpproxy.transcript import Entry, Note, Session

_ALARMING = frozenset({"upstream-unreachable", "not-introduced", "not-logged-in", "tls-failed"})
#: Words of a problem with upstream, and what may be the remedy.
_REMEDIES = (
    (f"upstream: {NOT_TLS}", "if it speaks STARTTLS, --tls originate asks for it"),
    ("upstream: certificate verify failed: unable to get", "--upstream-ca FILE names who signs it"),
    ("upstream: certificate verify failed: self-signed", "--upstream-ca FILE names who is trusted"),
    ("upstream CONNECT", "where TLS comes first, as on port 465, say smtps://HOST"),
)
#: Reasons that are kept in mind. There are few, but for what upstream says in its refusals.
_MOST = 100
_TOLD_BEFORE = "no TLS with upstream: "  # why there was none was told as tls-failed


class Alarm:
    """An observer that says on standard error why upstream can't be reached."""

    def __init__(self) -> None:
        self._said: dict[str, None] = {}  # in the order in which it was said

    def began(self, session: Session) -> None:
        """Nothing to say."""

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Nothing to say."""

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Nothing to say."""

    def noted(self, session: Session, note: Note) -> None:
        """Say it once for each reason."""
        late = note.fact == "timeout" and note.detail == "upstream CONNECT"
        if not (note.fact in _ALARMING or late) or note.detail in self._said:
            return
        if note.detail.startswith(_TOLD_BEFORE):
            return
        self._said[note.detail] = None
        if len(self._said) > _MOST:
            del self._said[next(iter(self._said))]
        words = "upstream did not greet in time" if late else note.detail
        remedy = next((told for known, told in _REMEDIES if note.detail.startswith(known)), "")
        who = session.upstream.rstrip(":")
        if note.fact == "tls-failed":
            side, _, why = words.partition(": ")
            who = session.client if side == "client" else who
            words = f"no TLS with {side}: {why}"
        say(f"smtpproxy: {who}: {words}{remedy and f'; {remedy}'}")

    def ended(self, session: Session, how: str) -> None:
        """Nothing to say."""
