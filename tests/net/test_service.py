"""The service: it listens, tells where, drains, ends, and says how the run fared."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.error import CannotListenError
from twisted.internet.testing import MemoryReactorClock

from smtpproxy.actions import Side
from smtpproxy.net.leg import Leg
from smtpproxy.net.newfile import write_text
from smtpproxy.net.security import Security
from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import ProxySession
from smtpproxy.place import Ends, Place
from smtpproxy.relay import Relay
from tests.net.sessions import FakeUpstream, Heard
from tests.net.transports import ANY, Socket

LOOPBACK = "tcp:2525:interface=127.0.0.1"
DRAIN = 5.0
GRACE = 3.0  # longer than a session that was told to go has left


class Crowd:
    """A service in a reactor of the test's own, and the clients that it has."""

    def __init__(
        self,
        *listen: str,
        ready_file: Path | None = None,
        most: int = 10,
        security: Security | None = None,
    ) -> None:
        self.reactor = MemoryReactorClock()
        self.finished: list[str] = []
        places = list(listen) or [LOOPBACK]
        self.service = ProxyService(
            *(self.reactor, places, self._make_session, DRAIN, ready_file, most),
            begin_tls=security.server if security else None,
        )
        self.upstream = FakeUpstream()
        self.service.finishing += [self._finish("first"), self._finish("second")]

    def start(self) -> None:
        """Let the reactor run."""
        self.service.startService()
        self.reactor.run()
        self.reactor.hasStopped = False

    def connect(self, room: int = ANY) -> Socket:
        """Connect; return the client's connection."""
        _, factory, _, _ = self.reactor.tcpServers[0]
        leg: Any = factory.buildProtocol(IPv4Address("TCP", "192.0.2.7", 40000))
        client = Socket(room)
        client.protocol = leg
        leg.makeConnection(client)
        return client

    def client(self) -> tuple[Socket, Socket]:
        """Connect a client; return its connection and upstream's, which has greeted."""
        client, server = self.connect(), Socket()
        upstream = Leg(self._session, Side.UPSTREAM)
        server.protocol = upstream
        upstream.makeConnection(server)  # type: ignore[no-untyped-call]
        server.receive(b"220 mail.example.org\r\n")
        client.taken = b""
        return client, server

    def _make_session(self, ends: Ends, gone: Callable[[ProxySession], None]) -> ProxySession:
        self.ends = ends
        relay = Relay(Heard(), self.reactor.seconds)
        self._session = ProxySession(relay, self.upstream, self.reactor, gone)
        return self._session

    def _finish(self, name: str) -> Callable[[], None]:
        return lambda: self.finished.append(name)


@pytest.fixture(autouse=True)
def actions(monkeypatch: pytest.MonkeyPatch) -> dict[int, object]:
    """What signals are to do; those of this process are left alone."""
    found: dict[int, object] = {}
    monkeypatch.setattr(signal, "signal", found.__setitem__)
    return found


def _in_transaction(client: Socket, server: Socket) -> None:
    client.receive(b"MAIL FROM:<a@example.org>\r\n")
    server.receive(b"250 ok\r\n")
    client.taken = b""


def test_it_listens_when_the_reactor_runs(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Nothing listens before; then each place is told on standard error and in the ready file."""
    ready = tmp_path / "ready"
    crowd = Crowd(LOOPBACK, "tcp6:2526:interface=\\:\\:1", ready_file=ready)
    crowd.service.startService()
    assert crowd.reactor.tcpServers == []
    assert not ready.exists()
    crowd.reactor.run()
    listens = [(port, interface) for port, _, _, interface in crowd.reactor.tcpServers]
    assert listens == [(2525, "127.0.0.1"), (2526, "::1")]
    # Twisted's fake port calls every IPv4 interface 0.0.0.0.
    places = ["0.0.0.0:2525", "[::1]:2526"]
    assert ready.read_text().splitlines() == places
    assert capfd.readouterr().err.splitlines() == [f"listening on {place}" for place in places]
    told: list[list[str]] = []
    crowd.service.listening.addCallback(told.append)
    assert told == [places]


def test_its_own_signals_are_in_place(actions: dict[int, object]) -> None:
    """It takes SIGTERM and SIGINT, and what it was told to take beside them."""
    crowd = Crowd()
    crowd.service.signals["SIGUSR2"] = lambda: None
    assert actions == {}
    crowd.start()
    assert set(actions) == {signal.SIGTERM, signal.SIGINT, signal.SIGUSR2}


def test_a_session_knows_its_client() -> None:
    """A session is told who connected, and to which address."""
    crowd = Crowd()
    crowd.start()
    crowd.client()
    assert crowd.ends == Ends(Place("192.0.2.7", 40000), Place("192.0.2.1", 25))


def test_behind_another_proxy_the_session_is_the_clients(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """At a haproxy: place the header says who the client is; who sends none is told of, once."""
    crowd = Crowd(f"haproxy:{LOOPBACK}")
    crowd.start()
    crowd.connect().receive(b"PROXY TCP4 203.0.113.9 198.51.100.1 50000 25\r\n")
    assert crowd.ends == Ends(Place("203.0.113.9", 50000), Place("198.51.100.1", 25))
    capfd.readouterr()
    for _ in range(2):
        crowd.connect().receive(b"EHLO a\r\n")
    err = capfd.readouterr().err
    assert err.startswith("smtpproxy: 192.0.2.7:40000 sent no PROXY header")
    assert err.count("\n") == 1
    assert crowd.service.status == 0  # a stranger can't spoil the run


def test_too_many_clients() -> None:
    """One more than allowed hears 421, without upstream being asked, until one has gone."""
    crowd = Crowd(most=2)
    crowd.start()
    clients = [crowd.connect() for _ in range(3)]
    assert crowd.upstream.asked == 2
    assert [client.taken[:4] for client in clients] == [b"", b"", b"421 "]
    clients[2].flow()
    assert clients[2].ended == "closed"
    clients[0].peer_closes()
    assert crowd.connect().taken == b""
    assert crowd.upstream.asked == 3


def test_a_client_too_many_that_does_not_read() -> None:
    """Who is not allowed to stay can't stay by not taking the 421."""
    crowd = Crowd(most=1)
    crowd.start()
    crowd.connect()
    client = crowd.connect(room=0)
    client.flow(0)
    assert client.ended == ""
    crowd.reactor.advance(GRACE)
    client.flow(0)
    assert client.ended == "aborted"


def test_those_without_a_header_count() -> None:
    """A connection whose header has not come takes the room of a client."""
    crowd = Crowd(f"haproxy:{LOOPBACK}", most=2)
    crowd.start()
    mute, late = crowd.connect(), crowd.connect()
    _, factory, _, _ = crowd.reactor.tcpServers[0]
    assert factory.buildProtocol(IPv4Address("TCP", "192.0.2.8", 40000)) is None
    late.receive(b"PROXY UNKNOWN\r\n")
    assert late.taken == b""
    third = crowd.connect()
    third.receive(b"PROXY UNKNOWN\r\n")
    assert third.taken.startswith(b"421 ")
    third.flow()
    mute.peer_closes()
    crowd.connect().receive(b"PROXY UNKNOWN\r\n")
    assert crowd.upstream.asked == 2


def test_stopping_ends_the_wait_for_a_header() -> None:
    """A connection without a session is no reason to wait, and begins none any more."""
    crowd = Crowd(f"haproxy:{LOOPBACK}")
    crowd.start()
    client = crowd.connect()
    assert crowd.service.stop().called
    client.flow()
    assert client.ended == "aborted"
    assert crowd.reactor.getDelayedCalls() == []


def test_a_place_with_tls(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is told of as any other; who is no peer of TLS begins no session, and is told of once."""
    crowd = Crowd(f"tls:{LOOPBACK}", security=Security(folder=lambda: tmp_path))
    crowd.start()
    assert capfd.readouterr().err == "listening on 0.0.0.0:2525\n"
    for _ in range(2):
        client = crowd.connect()
        client.receive(b"EHLO a\r\n")
        client.flow()
        assert client.ended == "closed"
    err = capfd.readouterr().err
    assert err == "smtpproxy: no TLS with 192.0.2.7:40000: what came was not TLS\n"
    assert (crowd.upstream.asked, crowd.service.status) == (0, 0)


def test_those_in_a_handshake_count(tmp_path: Path) -> None:
    """A connection that has shaken no hands yet takes the room of a client, until it goes."""
    security = Security(folder=lambda: tmp_path)
    crowd = Crowd(f"tls:{LOOPBACK}", LOOPBACK, most=1, security=security)
    crowd.start()
    mute = crowd.connect()
    _, secure, _, _ = crowd.reactor.tcpServers[0]
    assert secure.buildProtocol(IPv4Address("TCP", "192.0.2.8", 40000)) is None
    _, plain, _, _ = crowd.reactor.tcpServers[1]
    for told in (True, False):
        leg: Any = plain.buildProtocol(IPv4Address("TCP", "192.0.2.8", 40000))
        client = Socket()
        client.protocol = leg
        leg.makeConnection(client)
        assert client.taken.startswith(b"421 ") is told
        client.flow()
        if told:
            mute.peer_closes()
    assert crowd.upstream.asked == 1


def test_stopping_ends_the_wait_for_a_handshake(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """It is no failure of the client's."""
    crowd = Crowd(f"tls:{LOOPBACK}", security=Security(folder=lambda: tmp_path))
    crowd.start()
    client = crowd.connect()
    assert crowd.service.stop().called
    client.flow()
    assert client.ended == "aborted"
    assert crowd.reactor.getDelayedCalls() == []
    assert "no TLS" not in capfd.readouterr().err


def test_a_place_that_can_not_be_had(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line names place and reason; everything is finished, the reactor stops, status 2."""

    def refuse(port: int, factory: object, backlog: int = 50, interface: str = "") -> None:
        raise CannotListenError(interface, port, OSError(98, "Address already in use"))

    crowd = Crowd()
    monkeypatch.setattr(crowd.reactor, "listenTCP", refuse)
    crowd.start()
    err = capfd.readouterr().err
    assert err == "smtpproxy: can't listen on 127.0.0.1:2525: address already in use\n"
    assert crowd.service.status == 2
    assert crowd.finished == ["first", "second"]


def test_one_place_of_two_is_not_enough(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """Where one place can't be had nothing is said to be ready, and the other is given back."""
    closed: list[int] = []
    crowd = Crowd(LOOPBACK, "tcp:2526:interface=127.0.0.1")
    listen: Any = crowd.reactor.listenTCP

    def refuse(port: int, factory: Any, backlog: int = 50, interface: str = "") -> Any:
        if port == 2526:
            raise CannotListenError(interface, port, OSError(98, "Address already in use"))
        taken: Any = listen(port, factory, backlog, interface)
        taken.stopListening = lambda: closed.append(port)
        return taken

    monkeypatch.setattr(crowd.reactor, "listenTCP", refuse)
    crowd.start()
    assert "listening on" not in capfd.readouterr().err
    assert crowd.service.status == 2
    assert closed == [2525]


def test_a_ready_file_that_can_not_be_written(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whoever waits for it would wait forever: status 2, and nobody is told that it listens."""
    crowd = Crowd(ready_file=tmp_path / "missing" / "ready")
    crowd.start()
    err = capfd.readouterr().err
    assert str(tmp_path / "missing" / "ready") in err
    assert err.startswith("smtpproxy: ")
    assert err.count("\n") == 1
    assert crowd.service.status == 2
    assert not crowd.service.listening.called


def test_stopping_lets_transactions_finish() -> None:
    """An idle session hears 421 at once; one in a transaction goes on, and then all is over."""
    crowd = Crowd()
    crowd.start()
    idle, idle_server = crowd.client()
    busy, busy_server = crowd.client()
    _in_transaction(busy, busy_server)
    stopped = crowd.service.stop()
    for socket in (idle, idle_server):
        socket.flow()
    assert idle.taken.startswith(b"421 ")
    assert idle.ended == "closed"
    assert busy.taken == b""
    busy.receive(b"RCPT TO:<b@example.net>\r\n")
    busy_server.receive(b"250 ok\r\n")
    assert busy.taken == b"250 ok\r\n"
    assert not stopped.called
    assert crowd.finished == []
    busy.receive(b"QUIT\r\n")
    busy_server.receive(b"221 bye\r\n")
    busy_server.peer_closes()
    busy.flow()
    assert stopped.called
    assert crowd.finished == ["first", "second"]
    assert crowd.reactor.getDelayedCalls() == []
    assert crowd.service.status == 0


def test_the_patience_of_stopping_ends() -> None:
    """A transaction that takes too long hears 421; a client that reads nothing is aborted."""
    crowd = Crowd()
    crowd.start()
    client, server = crowd.client()
    _in_transaction(client, server)
    client.room = 0
    stopped = crowd.service.stop()
    crowd.reactor.advance(DRAIN - 1)
    assert client.waiting == 0
    crowd.reactor.advance(1)
    assert client.waiting > 0
    server.flow()
    assert not stopped.called
    crowd.reactor.advance(GRACE)
    client.flow()
    assert client.ended == "aborted"
    assert stopped.called
    assert crowd.finished == ["first", "second"]


def test_asked_twice_it_is_patient_no_more() -> None:
    """A second request to stop ends open transactions by 421, and finishes once."""
    crowd = Crowd()
    crowd.start()
    client, server = crowd.client()
    _in_transaction(client, server)
    crowd.service.end()
    assert client.taken == b""
    crowd.service.end()
    client.flow()
    server.flow()
    assert client.taken.startswith(b"421 ")
    assert crowd.finished == ["first", "second"]
    assert crowd.reactor.hasStopped


def test_the_reactor_stops_last() -> None:
    """`end` stops the reactor, once every file is finished."""
    crowd = Crowd()
    crowd.start()
    order: list[str] = []
    crowd.service.finishing = [lambda: order.append("files")]
    crowd.reactor.stop = lambda: order.append("reactor")  # type: ignore[method-assign]
    crowd.service.end()
    assert order == ["files", "reactor"]


def test_a_session_that_is_over_is_forgotten() -> None:
    """Nobody waits at the end for a client that left long before."""
    crowd = Crowd()
    crowd.start()
    client, server = crowd.client()
    client.peer_closes()
    server.flow()
    server.peer_closes()
    assert crowd.service.stop().called


def test_what_is_found_is_said_and_kept(capfd: pytest.CaptureFixture[str]) -> None:
    """A problem is one line at once, and status 1; it never hides that nothing could start."""
    service = Crowd().service
    service.found("replay miss 1")
    assert capfd.readouterr().err == "smtpproxy: replay miss 1\n"
    assert service.status == 1
    service.status = 2
    service.found("another")
    assert service.status == 2


def test_a_file_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    """A file that can't be replaced stays as it was, and nothing is left beside it."""
    path = tmp_path / "ready"
    write_text(path, "127.0.0.1:2525\n")
    write_text(path, "127.0.0.1:2526\n")
    assert path.read_text() == "127.0.0.1:2526\n"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(OSError):
        write_text(tmp_path / "missing" / "ready", "")


def test_a_file_is_utf_8_whatever_the_locale(tmp_path: Path) -> None:
    """Names that peers sent may be in it: the locale's encoding may not know them."""
    code = "from smtpproxy.net.newfile import *; write_text(Path('names'), 'b\\u00fccher.example')"
    ran = subprocess.run(
        [sys.executable, "-X", "utf8=0", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "LC_ALL": "C", "PYTHONCOERCECLOCALE": "0"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "names").read_bytes() == "b\u00fccher.example".encode()
