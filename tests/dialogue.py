"""Dialogues as tests: a script in the manner of the RFCs, played through a relay without sockets.

    C: EHLO app.example.org       the client sends this line
    > EHLO app.example.org        upstream must receive it
    U: 250 mail.example.org       upstream sends this line
    S: 250 mail.example.org       the client must hear it
    (client: close)               what else must be done, in order: connect, close, reset,
                                  half-close, start tls, or a wait such as (client: wait 30);
                                  also close unsaid, and start tls expired
    TLS: upstream                 this side's handshake is over
    NO TLS: upstream              it failed

What was sent and is not in the script is a failure, at the latest at its end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from smtpproxy.actions import (
    Action,
    Close,
    Connect,
    HalfClose,
    Reset,
    Send,
    SendFrom,
    Shape,
    Side,
    StartTls,
    Wait,
)
from smtpproxy.auth.deputy import Deputy
from smtpproxy.encryption import Encryption
from smtpproxy.exchange import Exchange
from smtpproxy.introduction import NO_INTRODUCTION, Introduction
from smtpproxy.relay import Relay
from smtpproxy.rules.load import parse_rule, read_rules
from smtpproxy.rules.model import RuleBook, rule_book
from smtpproxy.rules.run import Visit
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.spooling import Spool
from smtpproxy.tlsfacts import TlsFacts

_NAMES = {Side.CLIENT: "client", Side.UPSTREAM: "upstream"}
_SIDES = {name: side for side, name in _NAMES.items()}
FACTS = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "", "", "", "")

GREETED = """
    (upstream: connect)
    U: 220 mail.example.org ESMTP
    S: 220 mail.example.org ESMTP
"""
READY = (
    GREETED
    + """
    C: EHLO app.example.org
    > EHLO app.example.org
    U: 250-mail.example.org
    U: 250 PIPELINING
    S: 250-mail.example.org
    S: 250 PIPELINING
"""
)
#: Behind that: a mail transaction that upstream has accepted one recipient of.
ENVELOPE = """
    C: MAIL FROM:<a@example.org>
    > MAIL FROM:<a@example.org>
    U: 250 2.1.0 Ok
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    > RCPT TO:<b@example.net>
    U: 250 2.1.5 Ok
    S: 250 2.1.5 Ok
"""


class Witness:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.notes: list[tuple[str, str]] = []
        self.octets: list[tuple[str, bytes]] = []  # of facts that have any
        self.mail = b""
        self.how: str | None = None

    def exchanged(self, exchange: Exchange) -> None:
        """Remember the exchange."""
        self.exchanges.append(exchange)

    def caught_up(self, exchange: Exchange) -> None:
        """Nothing to remember."""

    def authenticating(self, exchange: Exchange) -> None:
        """Nothing to remember."""

    def mail_data(self, fact: MailData | Chunk) -> None:
        """Remember mail data."""
        self.mail += fact.octets

    def noted(self, fact: str, detail: str, octets: bytes) -> None:
        """Remember the fact."""
        self.notes.append((fact, detail))
        if octets:
            self.octets.append((fact, octets))

    def secured(self, side: str, facts: TlsFacts) -> None:
        """Remember whose leg it is."""
        self.notes.append(("tls", side))

    def ended(self, how: str) -> None:
        """Remember how it ended."""
        self.how = how

    def codes(self) -> list[tuple[str, int | None]]:
        """Return stage and code of all that the client heard."""
        return [(e.stage, e.heard.code if e.heard else None) for e in self.exchanges]


class Conversation:
    """A relay between two peers who are words in a script."""

    def __init__(
        self,
        *rules: str,
        book: RuleBook | None = None,
        tls: Encryption | None = None,
        introduction: Introduction | None = None,
        deputy: Deputy | None = None,
        connected: bool = True,
        visit: Visit | None = None,
        time: float = 0.0,
        spool: Callable[[], Spool] = Spool,
    ) -> None:
        self.witness = Witness()
        self.time = time
        self.relay = Relay(
            self.witness,
            lambda: self.time,
            book or rule_book([parse_rule(rule) for rule in rules]),
            "proxy.example.org",
            introduction=introduction or NO_INTRODUCTION,
            tls=tls,
            deputy=deputy,
            visit=visit,
            spool=spool,
        )
        self.done: deque[str] = deque()
        self._unread: dict[Side, bytes] = {Side.CLIENT: b"", Side.UPSTREAM: b""}
        if connected:
            self.take(self.relay.connected())

    def client(self, octets: bytes) -> None:
        """The client sends octets."""
        self.take(self.relay.client_received(octets))

    def upstream(self, octets: bytes) -> None:
        """Upstream sends octets."""
        self.take(self.relay.upstream_received(octets))

    def take(self, actions: list[Action]) -> None:
        """Note what is to be done."""
        for action in actions:
            match action:
                case Send(side, octets):
                    self._unread[side] += octets
                    self.done.append(f"{_NAMES[side]}: send")
                case SendFrom(side, source):
                    while octets := source.read(100):
                        self._unread[side] += octets
                    source.close()
                    self.done.append(f"{_NAMES[side]}: send")
                case Connect():
                    self.done.append("upstream: connect")
                case Wait(side, seconds):
                    self.done.append(f"{_NAMES[side]}: wait {seconds:g}")
                case Shape(side, rate, latency):
                    self.done.append(f"{_NAMES[side]}: {rate} octets a second, {latency:g} s away")
                case HalfClose(side):
                    self.done.append(f"{_NAMES[side]}: half-close")
                case Close(side, notify):
                    self.done.append(f"{_NAMES[side]}: close{'' if notify else ' unsaid'}")
                case Reset(side):
                    self.done.append(f"{_NAMES[side]}: reset")
                case StartTls(side, flaw):
                    self.done.append(f"{_NAMES[side]}: start tls {flaw}".rstrip())

    def unread(self, side: Side) -> bytes:
        """Return what was sent to a side since this was asked last."""
        octets, self._unread[side] = self._unread[side], b""
        return octets

    def play(self, script: str) -> None:
        """Play a script, and check that nothing else was sent."""
        for number, written in enumerate(script.strip().splitlines(), start=1):
            line = written.strip()
            where = f"line {number}: {line}"
            if line.startswith("C:"):
                self.client(_octets(line[2:]))
            elif line.startswith("U:"):
                self.upstream(_octets(line[2:]))
            elif line.startswith("S:"):
                assert self._next_line(Side.CLIENT, where) == _octets(line[2:]), where
            elif line.startswith(">"):
                assert self._next_line(Side.UPSTREAM, where) == _octets(line[1:]), where
            elif line.startswith("TLS:"):
                self.take(self.relay.secured(_SIDES[line[4:].strip()], FACTS))
            elif line.startswith("NO TLS:"):
                self.take(self.relay.not_secured(_SIDES[line[7:].strip()], "no trust"))
            elif line:
                self._expect_done(line.strip("()"), where)
        assert self._unread == {Side.CLIENT: b"", Side.UPSTREAM: b""}

    def _next_line(self, side: Side, where: str) -> bytes:
        line, ending, self._unread[side] = self._unread[side].partition(b"\r\n")
        assert ending, f"{where}: nothing more was sent to {_NAMES[side]}, but {line!r}"
        return line + ending

    def _expect_done(self, what: str, where: str) -> None:
        seen = []
        while self.done:
            seen.append(self.done.popleft())
            if seen[-1] == what:
                return
        raise AssertionError(f"{where}: not among what was done: {seen}")


def rules_in(*written: str) -> RuleBook:
    """Return the rules of a file that holds these."""
    text = "smtpproxy-rules: 1\nrules:\n" + "".join(f"- {rule}\n" for rule in written)
    return rule_book(read_rules(text.encode(), "rules.yaml"))


def _octets(text: str) -> bytes:
    return text.removeprefix(" ").encode() + b"\r\n"
