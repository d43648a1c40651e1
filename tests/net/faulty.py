"""A proxy on real sockets, under rules and before the sink, for clients in threads."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from types import TracebackType
from typing import Any, TypeVar

from twisted.internet import reactor as running_reactor
from twisted.internet.threads import deferToThread

from smtpproxy.net.local import LocalUpstream
from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import ProxySession
from smtpproxy.place import Ends
from smtpproxy.relay import Relay
from smtpproxy.responder import Answer
from smtpproxy.rules.run import Run, Visit
from smtpproxy.sink import Sink
from smtpproxy.smtp.facts import Chunk, Command, MailData
from smtpproxy.smtp.protocols import LMTP, SMTP, MailProtocol
from tests.dialogue import rules_in
from tests.net.loopback import HOST, SECONDS
from tests.net.sessions import Heard

T = TypeVar("T")
reactor: Any = running_reactor


class Asked(Sink):
    """A sink that keeps what it is told."""

    def __init__(
        self,
        asked: list[bytes],
        data: list[bytes],
        count: Callable[[], int],
        protocol: MailProtocol,
    ) -> None:
        super().__init__(count, protocol)
        self._asked = asked
        self._data = data

    def command(self, command: Command) -> Answer:
        """Keep the command."""
        self._asked.append(command.wire)
        return super().command(command)

    def mail_data(self, fact: MailData | Chunk) -> None:
        """Keep the octets."""
        self._data.append(fact.octets)


class Faulty:
    """The proxy under rules, at two ports. It is there within `async with`."""

    def __init__(self, *rules: str, lmtp: bool = False) -> None:
        self.watchers: list[Heard] = []
        self._rules = rules_in(*rules)
        self._run = Run(reactor.seconds())
        numbers = itertools.count(1)
        protocol = LMTP if lmtp else SMTP
        self.asked: list[bytes] = []  # each command, as upstream has it
        self.data: list[bytes] = []  # all mail data, piece by piece
        self._upstream = LocalUpstream(
            "sink:", lambda: Asked(self.asked, self.data, lambda: next(numbers), protocol)
        )
        where = ["tcp:0:interface=127.0.0.1"] * 2
        self.service = ProxyService(reactor, where, self._session, drain=0.1)

    async def __aenter__(self) -> Faulty:
        self.service.startService()
        places = await self.service.listening
        self.port, self.other = (int(place.rpartition(":")[2]) for place in places)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.service.stop().addTimeout(SECONDS, reactor)

    async def meets(self, client: Callable[[int], T], port: int = 0) -> T:
        """Let a client of a port speak in a thread; return what it came to."""
        outcome: T = await deferToThread(client, port or self.port)
        return outcome

    def _session(self, ends: Ends, gone: Callable[[ProxySession], None]) -> ProxySession:
        self.watchers.append(Heard())
        visit = Visit(HOST, len(self.watchers), self._run)
        relay = Relay(self.watchers[-1], reactor.seconds, self._rules, visit=visit)
        return ProxySession(relay, self._upstream, reactor, gone, ends)
