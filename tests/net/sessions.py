"""A session of the proxy with both of its ends, and its clock, in the test's hands."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.task import Clock

from smtpproxy.actions import Side
from smtpproxy.encryption import OPAQUE, Encryption
from smtpproxy.exchange import Exchange
from smtpproxy.net.leg import Leg
from smtpproxy.net.session import ProxySession
from smtpproxy.place import Ends
from smtpproxy.relay import Relay
from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.model import rule_book
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.tlsfacts import TlsFacts
from tests.net.transports import Socket


class Heard:
    """A relay's watcher that keeps what it was told."""

    def __init__(self) -> None:
        self.exchanges: list[tuple[str, int | None]] = []  # stage, and the code that was heard
        self.notes: list[tuple[str, str]] = []
        self.how: list[str] = []

    def exchanged(self, exchange: Exchange) -> None:
        """Keep stage and code."""
        heard = exchange.heard
        self.exchanges.append((exchange.stage, heard.code if heard else None))

    def mail_data(self, fact: MailData | Chunk) -> None:
        """Keep nothing."""

    def caught_up(self, exchange: Exchange) -> None:
        """Nothing to remember."""

    def authenticating(self, exchange: Exchange) -> None:
        """Nothing to remember."""

    def noted(self, fact: str, detail: str, octets: bytes) -> None:
        """Keep the fact."""
        self.notes.append((fact, detail))

    def secured(self, side: str, facts: TlsFacts) -> None:
        """Keep whose leg it is."""
        self.notes.append(("tls", side))

    def ended(self, how: str) -> None:
        """Keep how it ended."""
        self.how.append(how)


class FakeUpstream:
    """An upstream that the test connects when it pleases."""

    name = "tcp:mail.example.org:25"

    def __init__(self) -> None:
        self.asked = 0
        self.given_up = 0

    def connect(self, session: ProxySession) -> Callable[[], None]:
        """Be asked for a connection."""
        self.asked += 1
        return self._give_up

    def _give_up(self) -> None:
        self.given_up += 1


class FakeSecurity:
    """What TLS begins with, by name."""

    def server(self, flaw: str = "") -> str:
        """Be asked for the client's leg."""
        return f"server {flaw}".strip()

    def client(self) -> str:
        """Be asked for upstream's."""
        return "client"


class Doorway:
    """Makes sessions, and keeps for whom."""

    def __init__(self) -> None:
        self.upstream = FakeUpstream()
        self.heard = Heard()
        self.ends: list[Ends] = []
        self.sessions: list[ProxySession] = []

    def begin(self, ends: Ends) -> ProxySession:
        """Make a session."""
        self.ends.append(ends)
        relay = Relay(self.heard, Clock().seconds)
        session = ProxySession(relay, self.upstream, Clock(), lambda _: None, ends)
        self.sessions.append(session)
        return session


class Conversation:
    """A session: the client is connected, upstream as soon as `connect_upstream` is called."""

    def __init__(
        self,
        *rules: str,
        client_room: int = 1 << 40,
        server_room: int = 1 << 40,
        relation: str = OPAQUE,
        secure: bool = True,
    ) -> None:
        self.clock = Clock()
        self.heard = Heard()
        self.upstream = FakeUpstream()
        self.gone: list[ProxySession] = []
        book = rule_book([parse_rule(rule) for rule in rules])
        relay = Relay(self.heard, self.clock.seconds, book, tls=Encryption(relation))
        self.session = ProxySession(
            *(relay, self.upstream, self.clock, self.gone.append),
            security=FakeSecurity() if secure else None,
        )
        self.refused: list[float] = []  # for how long nobody is to connect
        self.session.refuse = self.refused.append
        self.client = Socket(client_room)
        self.server = Socket(server_room)
        self._connect(Side.CLIENT, self.client)

    def connect_upstream(self) -> None:
        """Upstream's connection stands."""
        self._connect(Side.UPSTREAM, self.server)

    def shake_hands(self, side: Side) -> None:
        """A leg's handshake is over."""
        leg = (self.client if side is Side.CLIENT else self.server).protocol
        assert isinstance(leg, Leg)
        leg.handshakeCompleted()

    def flow(self) -> None:
        """Let everything go out that can."""
        self.server.flow()
        self.client.flow()
        self.server.flow()

    def _connect(self, side: Side, socket: Socket) -> None:
        socket.protocol = Leg(self.session, side)
        socket.protocol.makeConnection(socket)  # type: ignore[no-untyped-call]


def greeted(*rules: str) -> Conversation:
    """Return a conversation in which upstream has greeted, and nothing else was said."""
    conversation = Conversation(*rules)
    conversation.connect_upstream()
    conversation.server.receive(b"220 mail.example.org\r\n")
    conversation.client.taken = b""
    return conversation
