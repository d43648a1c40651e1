"""STARTTLS whatever both sides say, and whenever: no order of things upgrades one leg alone."""

from __future__ import annotations

from collections import deque

from hypothesis import example, given, settings
from hypothesis import strategies as st

from smtpproxy.actions import Action, Close, Connect, Reset, Send, Side, StartTls
from smtpproxy.auth.deputy import Deputy
from smtpproxy.auth.login import Credentials
from smtpproxy.encryption import MIRROR, ORIGINATE, RELATIONS, STRIP, TERMINATE, Encryption
from smtpproxy.introduction import Introduction
from smtpproxy.relay import Relay
from smtpproxy.rules.model import NO_RULES, RuleBook
from tests.dialogue import Witness

CLIENT, UPSTREAM = Side.CLIENT, Side.UPSTREAM
SAID = {
    "C": (
        b"EHLO a\r\n",
        b"STARTTLS\r\n",
        b"starttls\r\nNOOP\r\n",
        b"STAR",
        b"TTLS\r\n",
        b"NOOP\r\n",
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n",
        b"DATA\r\n",
        b"x\r\n.\r\n",
        b"AUTH PLAIN eA==\r\n",
        b"BDAT 4 LAST\r\nabcd",
        b"QUIT\r\n",
    ),
    "U": (
        b"220 mail.example.org\r\n",
        b"220 mail.example.org\r\n250 Ok\r\n",
        b"250-mail.example.org\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n",
        b"250 Ok\r\n",
        b"235 Ok\r\n",
        b"334 \r\n",
        b"354 Go\r\n",
        b"454 No\r\n",
        b"421 Bye\r\n",
        b"2",
        b"20 Go\r\n",
    ),
}
#: Beside what is said: a handshake that is under way succeeds, fails, or is none; a side ends or
#: breaks off; somebody takes too long; the proxy is told to stop.
HAPPENS = ("ok", "no", "plain", "c", "u", "r", "s", "late", "x")
STEPS = st.lists(
    st.one_of(
        *(st.tuples(st.just(who), st.sampled_from(what)) for who, what in SAID.items()),
        st.tuples(st.sampled_from(HAPPENS), st.just(b"")),
    ),
    max_size=30,
)
#: How all usually goes.
GOOD = [
    ("U", b"220 mail.example.org\r\n"),
    ("C", b"EHLO a\r\n"),
    ("U", b"250-mail.example.org\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"),
    ("C", b"STARTTLS\r\n"),
    ("U", b"220 mail.example.org\r\n"),
    ("ok", b""),
    ("ok", b""),
    ("C", b"EHLO a\r\n"),
    ("U", b"250-mail.example.org\r\n250-AUTH PLAIN\r\n250 STARTTLS\r\n"),
]


class Shell:
    """What a session on real connections does, and what it sees."""

    def __init__(self, relation: str, deputised: bool, rules: RuleBook = NO_RULES) -> None:
        self.witness = Witness()
        self.relay = Relay(
            self.witness,
            lambda: 0.0,
            rules,
            introduction=Introduction(starttls=relation == ORIGINATE),
            tls=Encryption(relation),
            deputy=Deputy(Credentials("app", "correct horse"), True) if deputised else None,
        )
        self.handshakes: deque[Side] = deque()
        self.encrypted: list[Side] = []  # in the order in which it happened
        self.gone: set[Side] = set()
        self.plain_upward = b""  # that left for upstream before its leg was encrypted
        self._do(self.relay.connected())

    def happen(self, what: str, octets: bytes) -> None:
        """Let something happen, if it can."""
        relay = self.relay
        side = CLIENT if what in "Ccr" else UPSTREAM
        if what in ("C", "U"):
            # Behind the start of a handshake octets are for TLS, and never reach the relay.
            if side not in self.gone and side not in self.handshakes:
                self._do(
                    (relay.client_received if what == "C" else relay.upstream_received)(octets)
                )
        elif what in ("ok", "no", "plain"):
            self._shake_hands(what)
        elif what in ("c", "u", "r", "s"):
            self._end(side, what in "cu")
        else:
            self._do(relay.shut_down("shutdown") if what == "x" else relay.late(relay.awaited()))

    def finish(self) -> None:
        """Both connections end."""
        for side in (UPSTREAM, CLIENT):
            self._end(side, True)
        self.relay.finished()

    def _shake_hands(self, how: str) -> None:
        if not self.handshakes:
            return
        side = self.handshakes.popleft()
        if how == "ok":
            self.encrypted.append(side)
            self._do(self.relay.secured(side, None))
            return
        self.gone.add(side)
        self._do(self.relay.not_secured(side, "what came was not TLS" if how == "plain" else how))

    def _end(self, side: Side, clean: bool) -> None:
        if side in self.gone:
            return
        self.gone.add(side)
        if side in self.handshakes:
            self.handshakes.remove(side)
            self._do(self.relay.not_secured(side, "handshake broken off"))
            return
        relay = self.relay
        self._do((relay.client_closed if side is CLIENT else relay.upstream_closed)(clean))

    def _do(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case StartTls(side):
                    assert side not in self.encrypted, "no TLS within TLS"
                    self.handshakes.append(side)
                case Send(Side.UPSTREAM, octets) if UPSTREAM not in self.encrypted:
                    self.plain_upward += octets
                case Connect():
                    self.gone.discard(UPSTREAM)
                case Close(side) | Reset(side):
                    self.gone.add(side)


@settings(max_examples=600, deadline=None)
@given(st.sampled_from(RELATIONS), STEPS, st.integers(0, len(GOOD)), st.booleans())
@example(MIRROR, [], len(GOOD), True)
def test_no_order_of_things_goes_wrong(
    relation: str, steps: list[tuple[str, bytes]], good: int, deputised: bool
) -> None:
    """Nothing is raised, and each relation keeps its promise."""
    shell = Shell(relation, deputised)
    for what, octets in [*GOOD[:good], *steps]:
        shell.happen(what, octets)
        if relation == MIRROR and CLIENT in shell.handshakes:
            assert shell.encrypted == [UPSTREAM]
        if relation in (STRIP, ORIGINATE):
            assert CLIENT not in shell.handshakes
        if relation in (STRIP, TERMINATE):
            assert UPSTREAM not in shell.handshakes
    shell.finish()
    assert shell.witness.how
    if relation == ORIGINATE:
        assert shell.plain_upward in (b"", HELLO, HELLO + b"STARTTLS\r\n")


HELLO = b"EHLO smtpproxy.localhost\r\n"


@settings(max_examples=300, deadline=None)
@given(st.sampled_from((MIRROR, TERMINATE)), st.sampled_from(SAID["C"]), STEPS)
def test_an_injection_is_the_end(
    relation: str, injected: bytes, steps: list[tuple[str, bytes]]
) -> None:
    """Behind STARTTLS nothing of what came too early is obeyed, whatever happens then."""
    shell = Shell(relation, False)
    for what, octets in GOOD[:3]:
        shell.happen(what, octets)
    shell.happen("C", b"STARTTLS\r\n" + injected)
    before = shell.plain_upward
    for what, octets in steps:
        shell.happen(what, octets)
    shell.finish()
    assert shell.plain_upward == before
    assert ("starttls-injection", "client") in shell.witness.notes
    assert not shell.handshakes
