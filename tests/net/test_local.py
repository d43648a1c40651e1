"""An upstream in this process: it answers at once, in order, and at the client's pace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from twisted.internet.task import Clock

from smtpproxy.actions import Side
from smtpproxy.net.leg import Leg
from smtpproxy.net.local import LocalTransport, LocalUpstream
from smtpproxy.net.session import ProxySession
from smtpproxy.relay import Relay
from smtpproxy.responder import Answer, LocalServer
from smtpproxy.smtp.facts import Command, Continuation
from tests.net.sessions import Conversation, FakeUpstream, Heard
from tests.net.transports import Socket


class Scripted:
    """Answers each verb with itself, QUIT with 221; keeps what it was sent."""

    def __init__(self) -> None:
        self.verbs: list[str] = []
        self.left = 0

    def greeting(self) -> Answer:
        """Greet."""
        return Answer(b"220 here\r\n")

    def command(self, command: Command) -> Answer:
        """Answer."""
        self.verbs.append(command.verb)
        code = {"QUIT": b"221", "DATA": b"354", "STARTTLS": b"220"}.get(command.verb, b"250")
        return Answer(b"%s %s\r\n" % (code, command.verb.encode()), close=command.verb == "QUIT")

    def continuation(self, line: Continuation) -> Answer:
        """Answer."""
        return Answer(b"235 ok\r\n")

    def end_of_mail_data(self) -> Answer:
        """Answer."""
        return Answer(b"250 taken\r\n")

    def gone(self) -> None:
        """Count."""
        self.left += 1


class LocalTalk(Conversation):
    """A conversation whose upstream is a script in this process."""

    def __init__(
        self, room: int = 1 << 40, script: Scripted | None = None, late: bool = False
    ) -> None:
        super().__init__()
        self.script = script or Scripted()
        self.heard, self.gone = Heard(), []
        upstream = LocalUpstream("script:", lambda: self.script, self.clock if late else None)
        relay = Relay(self.heard, self.clock.seconds)
        self.session = ProxySession(relay, upstream, self.clock, self.gone.append)
        self.client = Socket(room)
        self.client.protocol = Leg(self.session, Side.CLIENT)
        self.client.protocol.makeConnection(self.client)  # type: ignore[no-untyped-call]


def test_it_greets_and_answers_at_once() -> None:
    """A client hears greeting and answers in order, however much it sends in one go."""
    talk = LocalTalk()
    assert talk.client.taken == b"220 here\r\n"
    talk.client.receive(b"EHLO a\r\nNOOP\r\nRSET\r\n")
    assert talk.client.taken == b"220 here\r\n250 EHLO\r\n250 NOOP\r\n250 RSET\r\n"


def test_mail_data_pass() -> None:
    """A message is taken and answered as by any upstream."""
    talk = LocalTalk()
    talk.client.receive(b"DATA\r\n")
    talk.client.receive(b"Hi.\r\nNOOP\r\n.\r\nNOOP\r\n")
    assert talk.client.taken.splitlines()[1:] == [b"354 DATA", b"250 taken", b"250 NOOP"]
    assert talk.script.verbs == ["DATA", "NOOP"]


def test_it_closes_after_quit() -> None:
    """When it closes, so does the session, and the responder hears once that it is over."""
    talk = LocalTalk()
    talk.client.receive(b"QUIT\r\nNOOP\r\n")
    talk.client.flow()
    assert talk.client.taken == b"220 here\r\n221 QUIT\r\n"
    assert talk.script.verbs == ["QUIT"]
    assert talk.client.ended == "closed"
    assert talk.script.left == 1
    assert talk.gone == [talk.session]
    assert talk.heard.how == ["quit"]


def test_it_says_nothing_to_a_client_that_does_not_read() -> None:
    """While the client does not read, no command is answered; then all are, in order."""
    talk = LocalTalk(room=3)
    assert not talk.client.reading
    talk.session.client_received(b"EHLO a\r\nNOOP\r\n")
    assert talk.script.verbs == []
    talk.client.flow()
    assert talk.script.verbs == ["EHLO", "NOOP"]
    assert talk.client.taken == b"220 here\r\n250 EHLO\r\n250 NOOP\r\n"
    assert talk.client.reading


def test_whoever_writes_to_a_paused_server_is_paused() -> None:
    """A producer that writes to a server that reads nothing is told to stop, and then to go on."""
    talk = LocalTalk()
    transport = LocalTransport(talk.session, LocalServer(Scripted()))
    told: list[str] = []

    class Producer:
        def pauseProducing(self) -> None:
            told.append("pause")

        def resumeProducing(self) -> None:
            told.append("resume")

    transport.registerProducer(Producer(), True)
    transport.pauseProducing()
    assert told == []
    transport.write(b"NOOP\r\n")
    assert told == ["pause"]
    transport.resumeProducing()
    assert told == ["pause", "resume"]


class Slow(Scripted):
    """Takes seconds for each verb, as it is told."""

    def __init__(self, **seconds: float) -> None:
        super().__init__()
        self.seconds = seconds

    def greeting(self) -> Answer:
        """Greet."""
        return super().greeting()._replace(wait=self.seconds.get("CONNECT", 0.0))

    def command(self, command: Command) -> Answer:
        """Answer."""
        return super().command(command)._replace(wait=self.seconds.get(command.verb, 0.0))


def late(room: int = 1 << 40, **seconds: float) -> LocalTalk:
    """A conversation with a server that takes its time."""
    return LocalTalk(room, Slow(**seconds), late=True)


def test_each_answer_comes_when_it_is_due() -> None:
    """From the command on; what was sent in one go does not add up."""
    talk = late(CONNECT=1, EHLO=2, NOOP=3)
    assert talk.client.taken == b""
    talk.clock.advance(1)
    assert talk.client.taken == b"220 here\r\n"
    talk.client.receive(b"EHLO a\r\nNOOP\r\n")
    heard = []
    for _ in range(3):
        talk.clock.advance(1)
        heard.append(talk.client.taken.count(b"\r\n"))
    assert heard == [1, 2, 3]


def test_late_answers_keep_their_order() -> None:
    """One that is due earlier waits for the one before it."""
    talk = late(EHLO=5)
    talk.client.receive(b"EHLO a\r\nNOOP\r\n")
    talk.clock.advance(4)
    talk.client.receive(b"RSET\r\n")
    assert talk.client.taken == b"220 here\r\n"
    talk.clock.advance(1)
    assert talk.client.taken == b"220 here\r\n250 EHLO\r\n250 NOOP\r\n250 RSET\r\n"


def test_the_end_waits_for_the_last_words() -> None:
    """221 is heard, late as it is, and then the session ends."""
    talk = late(QUIT=2)
    talk.client.receive(b"QUIT\r\n")
    assert talk.client.ended == ""
    talk.clock.advance(2)
    talk.client.flow()
    assert talk.client.taken.endswith(b"221 QUIT\r\n")
    assert talk.heard.how == ["quit"]
    assert talk.gone == [talk.session]


@pytest.mark.parametrize(("leave", "seconds"), [(Socket.peer_resets, 0), (Socket.peer_closes, 5)])
def test_no_timer_outlives_the_client(leave: Callable[[Socket], None], seconds: int) -> None:
    """Who has closed may still read, as far as anybody knows; who has reset does not."""
    talk = late(EHLO=5)
    talk.client.receive(b"EHLO a\r\nNOOP\r\n")
    leave(talk.client)
    talk.clock.advance(seconds)
    assert talk.script.left == 1
    assert talk.clock.getDelayedCalls() == []
    assert talk.gone == [talk.session]


def test_a_late_answer_reaches_a_client_that_half_closes() -> None:
    """What was asked before the end is answered; then the session is over."""
    talk = late(NOOP=2)
    talk.client.receive(b"NOOP\r\n")
    talk.client.peer_half_closes()
    talk.clock.advance(2)
    talk.client.flow()
    assert talk.client.taken == b"220 here\r\n250 NOOP\r\n"
    assert talk.client.ended == "closed"
    assert talk.gone == [talk.session]


def test_what_is_due_waits_for_a_client_that_does_not_read() -> None:
    """And is said, in order, as soon as it reads again."""
    talk = late(room=12, EHLO=1, NOOP=2, RSET=3)
    talk.client.receive(b"EHLO a\r\nNOOP\r\nRSET\r\n")
    talk.clock.advance(1)
    talk.clock.advance(1)
    assert not talk.client.reading
    assert b"NOOP" not in talk.client.taken
    talk.client.flow()
    talk.clock.advance(1)
    assert talk.client.taken == b"220 here\r\n250 EHLO\r\n250 NOOP\r\n250 RSET\r\n"


def test_mail_data_and_their_late_answers_pass() -> None:
    """354 comes late, and the message after it is answered at once."""
    talk = late(DATA=3)
    talk.client.receive(b"DATA\r\n")
    talk.clock.advance(3)
    talk.client.receive(b"Hi.\r\n.\r\nNOOP\r\n")
    assert talk.client.taken.splitlines()[1:] == [b"354 DATA", b"250 taken", b"250 NOOP"]


class Securing(ProxySession):
    """A session that keeps whose TLS it heard of, and says EHLO then."""

    def __init__(self) -> None:
        relay = Relay(Heard(), lambda: 0.0)
        super().__init__(relay, FakeUpstream(), Clock(), lambda session: None)
        self.secure: list[tuple[Side, Any]] = []
        self.heard = b""

    def secured(self, side: Side, transport: Any) -> None:
        """Keep it; as a relay may, speak at once."""
        self.secure.append((side, transport))
        transport.write(b"EHLO a\r\n")

    def upstream_received(self, octets: bytes) -> None:
        """Keep what is heard."""
        self.heard += octets


def test_tls_begins_without_a_handshake() -> None:
    """The session hears of it at once, and upstream reads commands again."""
    session, script = Securing(), Scripted()
    transport = LocalTransport(session, LocalServer(script))
    transport.begin()
    transport.write(b"STARTTLS\r\n")
    transport.startTLS(None)
    transport.write(b"NOOP\r\n")
    assert session.secure == [(Side.UPSTREAM, transport)]
    assert session.heard == b"220 here\r\n220 STARTTLS\r\n250 EHLO\r\n250 NOOP\r\n"


def test_no_tls_begins_on_a_connection_that_is_over() -> None:
    """What has ended is not encrypted any more, and nobody is told that it is."""
    session = Securing()
    transport = LocalTransport(session, LocalServer(Scripted()))
    transport.begin()
    transport.loseConnection()
    transport.startTLS(None)
    assert session.secure == []


def test_a_client_that_half_closes_is_answered() -> None:
    """What was asked before the end is answered; then the session is over."""
    talk = LocalTalk()
    talk.client.receive(b"NOOP\r\n")
    talk.client.peer_half_closes()
    talk.client.flow()
    assert talk.client.taken == b"220 here\r\n250 NOOP\r\n"
    assert talk.client.ended == "closed"
    assert talk.script.left == 1
    assert talk.gone == [talk.session]


def test_a_client_that_leaves() -> None:
    """The responder hears once that the client is gone."""
    for leave in (Socket.peer_closes, Socket.peer_resets):
        talk = LocalTalk()
        leave(talk.client)
        assert talk.script.left == 1
        assert talk.gone == [talk.session]


def test_each_session_has_a_responder_of_its_own() -> None:
    """What one client says is not heard by the script of another."""
    first, second = LocalTalk(), LocalTalk()
    first.client.receive(b"NOOP\r\n")
    assert (first.script.verbs, second.script.verbs) == (["NOOP"], [])
