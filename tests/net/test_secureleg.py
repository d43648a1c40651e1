"""A client under TLS from the first octet on: no session begins before the handshake is over."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock

from smtpproxy.actions import Side
from smtpproxy.net.handshake import facts_of
from smtpproxy.net.secureleg import SecureFactory, SecureLeg
from smtpproxy.net.security import Security
from smtpproxy.net.session import ProxySession
from smtpproxy.net.waitingleg import WaitingLeg
from smtpproxy.place import Ends, Place
from tests.net.sessions import Doorway
from tests.net.transports import Socket

NAME = "mail.example.org"
CLIENT = Ends(Place("192.0.2.7", 40000), Place("192.0.2.1", 25))


class _Legs(Factory[Any]):
    """Makes legs, or none."""

    def __init__(self, make: Callable[[], SecureLeg | None]) -> None:
        self._make = make

    def buildProtocol(self, addr: Any) -> SecureLeg | None:
        """Return one."""
        return self._make()


class Gate:
    """A client's connection to a place with TLS, and the client, which trusts `trusted`."""

    def __init__(self, folder: Path, trusted: Path | None = None, flaw: str = "") -> None:
        self.doorway = Doorway()
        self.clock = Clock()
        self.waiting: set[WaitingLeg] = set()
        self.refused: list[tuple[str, str]] = []
        self.socket = Socket()
        security = Security(folder=lambda: folder)
        factory = SecureFactory(security.server(flaw), False, _Legs(self._leg), self.clock)
        self.socket.protocol = factory.buildProtocol(None)
        self.socket.protocol.makeConnection(self.socket)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(trusted or folder / "ca.pem")
        self._into, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self._into, self._out, server_hostname=NAME)

    def _leg(self) -> SecureLeg:
        return SecureLeg(
            self.doorway.begin, self.clock, self.waiting, lambda *told: self.refused.append(told)
        )

    def shake_hands(self) -> None:
        """Let the handshake go as far as it does."""
        for _ in range(3):
            try:
                self.tls.do_handshake()
            except ssl.SSLWantReadError:
                pass
            except ssl.SSLError:
                self.exchange()
                return
            self.exchange()

    def exchange(self) -> None:
        """Carry octets both ways."""
        if (octets := self._out.read()) and self.socket.reading:
            self.socket.receive(octets)
        self.clock.advance(0)
        self.socket.flow()
        self._into.write(self.socket.taken)
        self.socket.taken = b""

    def hears(self) -> bytes:
        """What the client decrypts."""
        self.exchange()
        try:
            return self.tls.read(4096)
        except ssl.SSLWantReadError:
            return b""


def test_a_session_begins_with_the_end_of_the_handshake(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before it nobody is asked for anything; then the session knows TLS before the connection."""
    told: list[tuple[Side, str, int]] = []

    def secured(session: ProxySession, side: Side, transport: Any) -> None:
        told.append((side, facts_of(transport).sni, gate.doorway.upstream.asked))

    monkeypatch.setattr(ProxySession, "secured", secured)
    gate = Gate(tmp_path)
    assert (gate.doorway.ends, len(gate.waiting)) == ([], 1)
    gate.shake_hands()
    assert gate.doorway.ends == [CLIENT]
    assert told == [(Side.CLIENT, NAME, 0)]
    assert gate.doorway.upstream.asked == 1
    assert gate.waiting == set()
    assert gate.clock.getDelayedCalls() == []
    assert gate.refused == []


def test_what_is_said_is_encrypted(tmp_path: Path) -> None:
    """Upstream gets what the client has said, and the client what upstream has."""
    gate = Gate(tmp_path)
    gate.shake_hands()
    (session,) = gate.doorway.sessions
    server = Socket()
    session.attached(Side.UPSTREAM, server)
    session.upstream_received(b"220 mail.example.org\r\n")
    assert gate.hears() == b"220 mail.example.org\r\n"
    gate.tls.write(b"EHLO app.example.org\r\n")
    gate.exchange()
    assert server.taken == b"EHLO app.example.org\r\n"


def test_what_comes_with_the_end_of_the_handshake_is_not_lost(tmp_path: Path) -> None:
    """A client that is early finds its command on its way to upstream."""
    gate = Gate(tmp_path)
    for _ in range(2):
        try:
            gate.tls.do_handshake()
            gate.tls.write(b"EHLO app.example.org\r\n")
        except ssl.SSLWantReadError:
            pass
        gate.exchange()
    (session,) = gate.doorway.sessions
    server = Socket()
    session.attached(Side.UPSTREAM, server)
    assert server.taken == b"EHLO app.example.org\r\n"


def test_how_a_session_ends_is_told(tmp_path: Path) -> None:
    """A client that says under TLS that it goes has closed in order."""
    gate = Gate(tmp_path)
    gate.shake_hands()
    with pytest.raises(ssl.SSLWantReadError):
        gate.tls.unwrap()
    gate.exchange()
    assert gate.socket.ended == "closed"
    assert gate.doorway.heard.how == ["client-drop"]
    assert gate.refused == []


def _distrusts(gate: Gate) -> None:
    gate.shake_hands()


def _speaks_plain_text(gate: Gate) -> None:
    gate.socket.receive(b"EHLO app.example.org\r\n")


def _goes_in_the_midst(gate: Gate) -> None:
    with pytest.raises(ssl.SSLWantReadError):
        gate.tls.do_handshake()
    gate.exchange()
    gate.socket.peer_resets()


@pytest.mark.parametrize(
    ("happens", "why"),
    [
        (_distrusts, "the peer does not trust our certificate"),
        (_speaks_plain_text, "what came was not TLS"),
        (_goes_in_the_midst, "handshake broken off"),
    ],
)
def test_a_handshake_that_fails(tmp_path: Path, happens: Callable[[Gate], None], why: str) -> None:
    """There is no session; who it was and why is told once, and nothing is left."""
    other = Security(folder=lambda: tmp_path / "other").authority()
    assert other is not None
    gate = Gate(tmp_path / "ours", other.path)
    happens(gate)
    gate.socket.flow()
    assert gate.socket.ended in ("closed", "lost")
    assert gate.refused == [("192.0.2.7:40000", why)]
    assert gate.doorway.ends == []
    assert gate.waiting == set()
    assert gate.clock.getDelayedCalls() == []


@pytest.mark.parametrize("end", [Socket.peer_closes, Socket.peer_resets])
def test_who_only_looks_in(tmp_path: Path, end: Callable[[Socket], None]) -> None:
    """A client that connects and goes, as a health check does, is nothing to tell of."""
    gate = Gate(tmp_path)
    end(gate.socket)
    assert gate.refused == []
    assert gate.doorway.ends == []
    assert gate.waiting == set()
    assert gate.clock.getDelayedCalls() == []


@pytest.mark.parametrize("spoken", [b"", b"\x16\x03\x01"])
def test_a_handshake_that_takes_too_long(tmp_path: Path, spoken: bytes) -> None:
    """The wait ends, also where octets come one by one, and that is told."""
    gate = Gate(tmp_path)
    gate.clock.advance(59)
    if spoken:
        gate.socket.receive(spoken)
    assert gate.socket.ended == ""
    gate.clock.advance(1)
    gate.socket.flow()
    assert gate.socket.ended == "aborted"
    assert gate.refused == [("192.0.2.7:40000", "the handshake was not over in 60 s")]
    assert gate.waiting == set()


def test_a_wait_that_we_end(tmp_path: Path) -> None:
    """When the proxy stops, that is nobody's failure."""
    gate = Gate(tmp_path)
    with pytest.raises(ssl.SSLWantReadError):
        gate.tls.do_handshake()
    gate.exchange()
    for leg in list(gate.waiting):
        leg.abort()
    gate.socket.flow()
    assert gate.socket.ended == "aborted"
    assert gate.refused == []
    assert gate.clock.getDelayedCalls() == []


def test_a_session_that_can_not_be_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection is not left open for ever."""

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(ProxySession, "secured", fail)
    monkeypatch.setattr("smtpproxy.net.clientleg._log.failure", lambda words: None)
    gate = Gate(tmp_path)
    gate.shake_hands()
    assert gate.socket.ended == "aborted"


def test_a_connection_for_which_there_is_no_leg(tmp_path: Path) -> None:
    """Twisted closes it: there are too many."""
    creator = Security(folder=lambda: tmp_path).server()
    assert SecureFactory(creator, False, _Legs(lambda: None)).buildProtocol(None) is None
