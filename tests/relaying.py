"""A relay between two peers who do what a list of events says, as the shell would let them.

Owns what the shell owes a relay: a side whose connection ended says nothing more, a side that the
relay closed hears nothing more, and a crowded relay is not given the client's octets.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from typing import NamedTuple

from smtpproxy.actions import Action, Close, Reset, Send, Side
from smtpproxy.exchange import Exchange
from smtpproxy.introduction import Introduction
from smtpproxy.place import Place
from smtpproxy.relay import Relay
from smtpproxy.rules.model import NO_RULES, RuleBook
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from smtpproxy.smtp.state import State
from smtpproxy.watcher import Watcher
from tests.dialogue import Witness

# What may happen; in `Event.what`.
CLIENT, UPSTREAM = "C", "U"  # it sends octets
CLIENT_ENDS, UPSTREAM_ENDS = "c", "u"  # it will send nothing more
CLIENT_RESETS, UPSTREAM_RESETS = "r", "s"  # its connection is gone
UNREACHABLE = "f"  # upstream is not there
SHUTDOWN = "x"  # the proxy is told to end

_OF_CLIENT = (CLIENT, CLIENT_ENDS, CLIENT_RESETS)


class Event(NamedTuple):
    """Something that happens to a relay."""

    what: str
    octets: bytes = b""


class Terms(NamedTuple):
    """What a relay is told to do beside relaying."""

    rules: RuleBook = NO_RULES
    refused: frozenset[str] = frozenset()
    limits: Limits = DEFAULT_LIMITS
    introduced: bool = False  # upstream is told who the client is


PLAIN = Terms()


class Relaying:
    """One session of a relay. `sent` is what left towards each side."""

    def __init__(self, watcher: Watcher, state: State | None = None, terms: Terms = PLAIN) -> None:
        self.relay = Relay(
            watcher,
            lambda: 0.0,
            terms.rules,
            "proxy.example.org",
            state,
            terms.limits,
            terms.refused,
            Introduction(Place("192.0.2.7", 40000), xclient=terms.introduced),
        )
        self.sent = {Side.CLIENT: b"", Side.UPSTREAM: b""}
        self.received = {Side.CLIENT: b"", Side.UPSTREAM: b""}
        self._ended: set[Side] = set()  # sides that say nothing more
        self._closed: dict[Side, bool] = {}  # sides that the relay closed, and whether cleanly
        self._held: deque[Event] = deque()  # of a client that is not read for now
        self._connecting = True
        self._carry_out(self.relay.connected())

    def play(self, events: Iterable[Event]) -> None:
        """Let all this happen, and then let both sides end."""
        for event in events:
            if event.what in _OF_CLIENT:
                self._held.append(event)
            else:
                self._happen(event)
            self._read_client()
        # Upstream first: a client that waits for it may be held for ever.
        for end in (Event(UPSTREAM_ENDS), Event(CLIENT_ENDS)):
            self._happen(end)
        self.relay.finished()

    def _read_client(self) -> None:
        while self._held and not self.relay.crowded:
            self._happen(self._held.popleft())

    def _happen(self, event: Event) -> None:
        if event.what == SHUTDOWN:
            self._carry_out(self.relay.shut_down("shutdown"))
        elif event.what == UNREACHABLE:
            self._fail()
        else:
            self._peer(event, Side.CLIENT if event.what in _OF_CLIENT else Side.UPSTREAM)

    def _fail(self) -> None:
        if self._connecting:
            self._connecting = False
            self._ended.add(Side.UPSTREAM)
            self._carry_out(self.relay.upstream_failed("nobody there"))

    def _peer(self, event: Event, side: Side) -> None:
        if side in self._ended:
            return
        relay, octets = self.relay, event.octets
        self._connecting = self._connecting and side is Side.CLIENT
        if event.what in (CLIENT, UPSTREAM) and side not in self._closed:
            self.received[side] += octets
            self._carry_out(
                (relay.client_received if side is Side.CLIENT else relay.upstream_received)(octets)
            )
            return
        clean = self._closed.get(side, event.what not in (CLIENT_RESETS, UPSTREAM_RESETS))
        self._ended.add(side)
        self._carry_out(
            (relay.client_closed if side is Side.CLIENT else relay.upstream_closed)(clean)
        )

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send):
                if action.side not in self._closed:
                    self.sent[action.side] += action.octets
            elif isinstance(action, Close | Reset):
                self._closed.setdefault(action.side, isinstance(action, Close))


class Heard(NamedTuple):
    """One exchange: what the client sent, what upstream said and what the client heard."""

    stage: str
    sent: bytes
    said: bytes | None
    heard: bytes | None
    by: str
    recipient: str
    more: bool
    continues: bool
    pipelined: bool
    odd: tuple[str, ...]


class Outcome(NamedTuple):
    """What came of a session: all that no cut may change."""

    upward: bytes
    downward: bytes
    exchanges: list[Heard]
    mail: bytes
    notes: list[tuple[str, str]]
    how: str | None
    phase: str
    envelope: tuple[object, ...]


def relayed(events: Iterable[Event]) -> Outcome:
    """Let a session happen from its beginning to its end."""
    witness = Witness()
    relaying = Relaying(witness)
    relaying.play(events)
    return outcome_of(relaying, witness)


def outcome_of(relaying: Relaying, witness: Witness) -> Outcome:
    """Return what came of a session of which a witness saw everything."""
    state = relaying.relay.state
    return Outcome(
        relaying.sent[Side.UPSTREAM],
        relaying.sent[Side.CLIENT],
        list(map(_heard, witness.exchanges)),
        witness.mail,
        witness.notes,
        witness.how,
        state.phase,
        (state.helo, state.sender, *state.accepted),
    )


def _heard(one: Exchange) -> Heard:
    return Heard(
        one.stage,
        one.command.wire if one.command is not None else b"",
        one.said.wire if one.said is not None else None,
        one.heard.wire if one.heard is not None else None,
        one.by,
        one.recipient,
        one.more,
        one.continues,
        one.pipelined,
        one.odd,
    )


def octet_by_octet(events: Iterable[Event]) -> Iterator[Event]:
    """Yield the same events, each octet on its own."""
    for what, octets in events:
        if octets:
            yield from (Event(what, octets[at : at + 1]) for at in range(len(octets)))
        else:
            yield Event(what)


def said_by(events: list[Event], who: str) -> bytes:
    """Return all that one side says."""
    return b"".join(octets for what, octets in events if what == who)
