"""What happened, as records for whoever observes: log, statistics, recorder, views.

Owns the one gate between a relay and its observers: what passes here is redacted. Writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple, Protocol, runtime_checkable

import msgspec

from smtpproxy.auth.redaction import Redactor
from smtpproxy.exchange import Exchange
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.privatesession import (
    PrivateRedactor,
    PrivateState,
    private_host,
    private_place,
)
from smtpproxy.smtp.anomalies import command_anomalies, reply_anomalies
from smtpproxy.smtp.facts import Chunk, MailData, Reply
from smtpproxy.smtp.state import State
from smtpproxy.statelint import LOOKED_AT, session_anomalies
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.watcher import TOLD_UPSTREAM


class Session:
    """Who speaks with whom, as far as observers may know."""

    __slots__ = (
        *("client", "client_host", "ended", "label", "number", "opaque"),
        *("started", "state", "upstream"),
    )

    def __init__(
        self,
        number: int,
        label: str,
        client: str,
        upstream: str,
        started: float,
        state: State | None = None,
        client_host: str = "",
    ) -> None:
        self.number = number  # from 1, in this run of the proxy
        self.label = label  # unique, also across restarts
        self.client = client  # HOST:PORT
        self.client_host = client_host  # the IP address in it, or "" where there is none
        self.upstream = upstream
        self.started = started  # seconds since 1970
        self.ended = started
        self.opaque = ""  # the verb behind whose reply octets passed unread
        self.state = state or State()


class Entry(msgspec.Struct):
    """One exchange, over and redacted. Octets include line endings; times are in seconds."""

    stage: str
    sent: bytes  # b"" for the greeting and for the end of mail data
    said: Reply | None  # by upstream; None: it was not asked, or gave no answer
    heard: Reply | None  # by the client
    by: str  # who answered the client: upstream, rule or proxy
    rule: str
    asked: bool  # was upstream asked
    pipelined: bool
    began: float
    seconds: float
    odd: tuple[str, ...] = ()  # the names of anomalies
    recipient: str = ""  # whose of several replies to one message this is
    more: bool = False  # another reply to it follows
    continues: bool = False  # another one came before
    firing: int = 0  # the how-manieth of the rule's this is, from 1


class Note(NamedTuple):
    """A fact that is not an exchange, such as a stray line or an upstream that is not there."""

    fact: str
    detail: str
    octets: bytes
    time: float
    tls: TlsFacts | None = None  # of a leg that is encrypted from here on


class Observer(Protocol):
    """Hears everything about every session, and changes nothing."""

    def began(self, session: Session) -> None:
        """A client connected."""

    def exchanged(self, session: Session, entry: Entry) -> None:
        """An exchange is over. The session's state is as it was before it."""

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Mail data, or a BDAT chunk, passed."""

    def noted(self, session: Session, note: Note) -> None:
        """Something else happened."""

    def ended(self, session: Session, how: str) -> None:
        """The session is over."""


@runtime_checkable
class FollowingObserver(Protocol):
    """Hears, too, what upstream said where a session had gone on from a cassette to it."""

    def caught_up(self, session: Session, entry: Entry) -> None:
        """Upstream was told again what the client had said before, and answered."""


class Transcript:
    """A relay's watcher: tells the observers of one session what happened in it."""

    __slots__ = ("_observers", "_private", "_redactor", "_seconds", "session")

    def __init__(
        self,
        session: Session,
        observers: Sequence[Observer],
        seconds: Callable[[], float],
        privacy: Privacy | None = None,
    ) -> None:
        """`privacy`: what is hidden beside credentials."""
        self.session = session
        self._observers = observers
        self._seconds = seconds
        self._private = PrivateRedactor(privacy) if privacy is not None else None
        self._redactor = self._private or Redactor()
        if self._private is not None:
            self.session = session = _shown(session, self._private)
        for observer in observers:
            observer.began(session)

    def exchanged(self, exchange: Exchange) -> None:
        """Make the exchange a record, and hand it on."""
        entry = self._record(exchange)
        for observer in self._observers:
            observer.exchanged(self.session, entry)

    def caught_up(self, exchange: Exchange) -> None:
        """Hand on what upstream was told again, to those who record what it says."""
        exchange.began = self._seconds()
        entry = self._record(exchange, again=True)
        for observer in self._observers:
            if isinstance(observer, FollowingObserver):
                observer.caught_up(self.session, entry)

    def _record(self, exchange: Exchange, again: bool = False) -> Entry:
        """`again`: the session's state is that of a later time, and says nothing of this."""
        redactor = self._redactor
        stage, command = exchange.stage, exchange.command
        said, heard = exchange.said, exchange.heard
        sent = b"" if command is None else command.wire
        odd = _anomalies(exchange)
        if odd or redactor.concerns(stage):
            sent = redactor.sent(exchange)
            stage = redactor.stage(exchange, sent)
            shown = redactor.said(exchange, said)
            heard = shown if heard is said else redactor.said(exchange, heard)
            said = shown
        looked_at = exchange.stage in LOOKED_AT and not again
        if looked_at and command is not None and not exchange.continues:
            odd += session_anomalies(
                exchange.stage, command.wire, exchange.pipelined, self.session.state
            )
        decision = exchange.decision
        rule, firing = (decision.rule, decision.number) if decision is not None else ("", 0)
        recipient = exchange.recipient
        if self._private is not None:
            rule, recipient = self._private.privacy.words(rule), self._private.recipient(recipient)
        return Entry(
            stage,
            sent,
            said,
            heard,
            exchange.by,
            rule,
            exchange.forwarded,
            exchange.pipelined,
            exchange.began,
            self._seconds() - exchange.began,
            odd,
            recipient,
            exchange.more,
            exchange.continues,
            firing,
        )

    def keep_secret(self, secret: bytes) -> None:
        """Keep in mind what upstream was told by the proxy itself, and may repeat."""
        self._redactor.know(secret)

    def authenticating(self, exchange: Exchange) -> None:
        """Keep in mind what must not be kept, and what the octets that follow belong to."""
        self._redactor.foresee(exchange)

    def mail_data(self, fact: MailData | Chunk) -> None:
        """Hand mail data on."""
        if self._private is not None:
            fact = self._private.mail_data(fact)
            if not (fact.octets or fact.last):
                return  # what it is to be is not known yet
        for observer in self._observers:
            observer.mail_data(self.session, fact)

    def noted(self, fact: str, detail: str, octets: bytes) -> None:
        """Hand a fact on."""
        if fact == "opaque":
            self.session.opaque = detail
        redactor = self._redactor
        if fact == TOLD_UPSTREAM:
            self._hand_on(Note(fact, detail, redactor.told(octets), self._seconds()))
            return
        shown = (redactor.from_client if detail == "client" else redactor.from_server)(octets)
        if self._private is not None:
            shown = self._private.noted(fact, shown)
            detail = self._private.detail(fact, detail)
        self._hand_on(Note(fact, detail, shown, self._seconds()))

    def secured(self, side: str, facts: TlsFacts) -> None:
        """Hand on what is known of a side's TLS. Nothing in it was said in a dialogue."""
        if self._private is not None:
            facts = self._private.tls(facts)
        self._hand_on(Note("tls", side, b"", self._seconds(), facts))

    def _hand_on(self, note: Note) -> None:
        for observer in self._observers:
            observer.noted(self.session, note)

    def ended(self, how: str) -> None:
        """Say that the session is over."""
        self.session.ended = self._seconds()
        for observer in self._observers:
            observer.ended(self.session, how)


def _shown(session: Session, redactor: PrivateRedactor) -> Session:
    """Return what observers may know of a session."""
    privacy = redactor.privacy
    return Session(
        session.number,
        session.label,
        private_place(privacy, session.client),
        privacy.words(session.upstream),
        session.started,
        PrivateState(session.state, redactor),
        private_host(privacy, session.client_host),
    )


def _anomalies(exchange: Exchange) -> tuple[str, ...]:
    """Return what is odd in an exchange, as it was before anything was redacted."""
    command, said, odd = exchange.command, exchange.said, exchange.odd
    if command is not None and not exchange.continues:
        odd += command_anomalies(command.wire)
    return odd + reply_anomalies(said) if said is not None else odd
