"""A dialogue of our own with a server: its replies in order, its time, and how it goes wrong."""

from __future__ import annotations

from typing import Any

import pytest
from twisted.internet import error
from twisted.internet.defer import Deferred, ensureDeferred
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure

from smtpproxy.actions import Side, StartTls
from smtpproxy.aside import NOT_LOGGED_IN, Aside, AsideError, heard
from smtpproxy.net.errand import Destination, ErrandError, run_errand
from smtpproxy.net.security import Security
from smtpproxy.net.upstream import client_endpoint
from smtpproxy.smtp.limits import Limits

LIMITS = Limits(greeting_timeout=10, reply_timeout=20, end_of_data_timeout=60, max_reply_line=100)


class Errand:
    """An errand to a server that the test plays."""

    def __init__(self, aside: Aside) -> None:
        self.reactor = MemoryReactorClock()
        endpoint = client_endpoint(self.reactor, "tcp:192.0.2.25:25", 30, Security().client)
        to = Destination(endpoint, self.reactor, Security().client, limits=LIMITS)
        self.done: Deferred[None] = ensureDeferred(run_errand(aside, to))
        self.transport = StringTransport()
        self._protocol: Any = None

    @property
    def _factory(self) -> Any:
        ((_, _, factory, *_),) = self.reactor.tcpClients
        return factory

    def connected(self, *said: bytes) -> Errand:
        """The connection stands, and the server says this."""
        self._protocol = self._factory.buildProtocol(None)
        self._protocol.makeConnection(self.transport)
        for octets in said:
            self._protocol.dataReceived(octets)
        return self

    def refused(self) -> None:
        """There is no connection."""
        problem = Failure(error.ConnectionRefusedError())
        self._factory.clientConnectionFailed(self.reactor.connectors[0], problem)

    def lost(self) -> None:
        """The server leaves."""
        self._protocol.connectionLost(Failure(error.ConnectionDone()))

    def problem(self) -> ErrandError:
        """Why it has failed."""
        failure: Any = None

        def keep(found: Any) -> None:
            nonlocal failure
            failure = found

        self.done.addErrback(keep)
        assert failure is not None, "it has not failed"
        found = failure.value
        assert isinstance(found, ErrandError)
        return found


def saying(*lines: bytes) -> Aside:
    """A dialogue that says these, each behind a reply."""
    for line in (b"", *lines):
        heard((yield line))
    return None


def starting_tls() -> Aside:
    """A dialogue that begins TLS behind the greeting."""
    heard((yield b""))
    yield StartTls(Side.UPSTREAM)
    return None


def test_each_reply_in_turn() -> None:
    """A line is sent when the one before is answered, however replies are cut; then it leaves."""
    errand = Errand(saying(b"EHLO x\r\n", b"QUIT\r\n")).connected(b"220 mail\r\n25")
    assert errand.transport.value() == b"EHLO x\r\n"
    errand._protocol.dataReceived(b"0-a\r\n250 b\r\nno reply\r\n221 Bye\r\n")
    assert errand.transport.value() == b"EHLO x\r\nQUIT\r\n"
    assert errand.transport.disconnecting
    assert errand.done.called
    errand.lost()
    assert errand.reactor.getDelayedCalls() == []


def test_nobody_is_there() -> None:
    """That is told, and that no other dialogue would fare better."""
    errand = Errand(saying())
    errand.refused()
    problem = errand.problem()
    assert str(problem) == "upstream refused the connection"
    assert problem.final


def test_a_server_that_leaves() -> None:
    """It is no end of a dialogue that wants a reply; another one may fare better."""
    errand = Errand(saying(b"NOOP\r\n")).connected(b"220 mail\r\n")
    errand.lost()
    problem = errand.problem()
    assert str(problem) == "upstream ended the connection"
    assert not problem.final


@pytest.mark.parametrize(
    ("line", "seconds", "words"),
    [
        (None, 10, "upstream does not reply in time"),
        (b"NOOP\r\n", 20, "upstream does not reply in time"),
        (b"Subject: x\r\n\r\nHi.\r\n.\r\n", 60, "upstream does not reply in time"),
        (b".\r\n", 60, "upstream does not reply in time"),
        (b"BDAT 2 LAST\r\nHi", 60, "upstream does not reply in time"),
    ],
)
def test_a_server_that_is_silent(line: bytes | None, seconds: float, words: str) -> None:
    """It gets the time that the limits give for what it was told."""
    said = [] if line is None else [line]
    errand = Errand(saying(*said)).connected(*(b"220 mail\r\n" for _ in said))
    errand.reactor.advance(seconds - 1)
    assert not errand.done.called
    errand.reactor.advance(1)
    problem = errand.problem()
    assert (str(problem), problem.final) == (words, True)
    assert errand.transport.disconnected


def test_replies_without_end() -> None:
    """A line that is too long ends it."""
    assert "too long" in str(Errand(saying()).connected(b"220" + b"x" * 200).problem())


def test_octets_where_tls_is_to_begin() -> None:
    """What stands behind the reply to STARTTLS in plain text is never read as under TLS."""
    errand = Errand(starting_tls()).connected(b"220 Go on\r\n220 injected\r\n")
    assert str(errand.problem()) == "upstream sends octets where TLS is to begin"


@pytest.mark.parametrize(("fact", "final"), [("not-introduced", False), (NOT_LOGGED_IN, True)])
def test_a_dialogue_that_gives_up(fact: str, final: bool) -> None:
    """Its words are told; a login that is refused is not tried again."""

    def giving_up() -> Aside:
        heard((yield b""))
        raise AsideError("not like this", fact)

    problem = Errand(giving_up()).connected(b"220 mail\r\n").problem()
    assert (str(problem), problem.final) == ("not like this", final)


def test_a_mistake_of_our_own() -> None:
    """It is passed on as what it is, and the connection is not left open."""

    def broken() -> Aside:
        heard((yield b""))
        raise KeyError("ours")

    errand = Errand(broken()).connected(b"220 mail\r\n")
    errand.done.addErrback(lambda failure: failure.trap(KeyError))
    assert errand.transport.disconnecting
