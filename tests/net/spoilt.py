"""A proxy on real sockets of this machine whose TLS goes wrong by rule, for clients in threads.

In mirror its upstream, in this process, offers STARTTLS and takes it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from twisted.internet import reactor as running_reactor
from twisted.internet.threads import deferToThread

from smtpproxy.encryption import TERMINATE, Encryption
from smtpproxy.net.endpoints import SECURE
from smtpproxy.net.local import LocalUpstream
from smtpproxy.net.security import Security
from smtpproxy.net.service import ProxyService
from smtpproxy.net.session import ProxySession
from smtpproxy.place import Ends
from smtpproxy.relay import Relay
from smtpproxy.responder import Answer
from smtpproxy.sink import Sink
from smtpproxy.smtp.facts import Command
from smtpproxy.smtp.protocols import SMTP
from tests.dialogue import rules_in
from tests.net.loopback import SECONDS
from tests.net.sessions import Heard

T = TypeVar("T")
reactor: Any = running_reactor


class _Offering(Sink):
    """A sink that takes STARTTLS."""

    def command(self, command: Command) -> Answer:
        """Answer as a sink, but for STARTTLS."""
        if command.verb == "STARTTLS":
            return Answer(b"220 2.0.0 Go ahead\r\n")
        answer = super().command(command)
        if command.verb != "EHLO":
            return answer
        return answer._replace(octets=b"250-mail.example.org\r\n250-STARTTLS\r\n250 DSN\r\n")


class Spoilt:
    """The proxy under rules. It is there within `async with`."""

    def __init__(
        self, folder: Path, *rules: str, relation: str = TERMINATE, secure: bool = False
    ) -> None:
        self.ca = folder / "ca.pem"
        self.watchers: list[Heard] = []
        self._rules = rules_in(*rules)
        self._relation = relation
        self._security = Security(upstream="localhost", folder=lambda: folder)
        numbers = itertools.count(1)
        self._upstream = LocalUpstream("sink:", lambda: _Offering(lambda: next(numbers), SMTP))
        where = f"{SECURE if secure else ''}tcp:0:interface=127.0.0.1"
        self.service = ProxyService(
            reactor, [where], self._session, drain=0.1, begin_tls=self._security.server
        )

    async def __aenter__(self) -> Spoilt:
        self._security.server()  # so that there is an authority to trust
        self.service.startService()
        (place,) = await self.service.listening
        self.port = int(place.rpartition(":")[2])
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.service.stop().addTimeout(SECONDS, reactor)

    async def meets(self, client: Callable[[int], T]) -> T:
        """Let a client of this port speak in a thread; return what it came to."""
        outcome: T = await deferToThread(client, self.port)
        return outcome

    def _session(self, ends: Ends, gone: Callable[[ProxySession], None]) -> ProxySession:
        self.watchers.append(Heard())
        tls = Encryption(self._relation, self._security.unready)
        relay = Relay(self.watchers[-1], reactor.seconds, self._rules, tls=tls)
        return ProxySession(relay, self._upstream, reactor, gone, ends, security=self._security)
