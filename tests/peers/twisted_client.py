"""The client of `twisted.mail`, as one of the `send_` functions: a peer, as any other here."""

import io
from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.threads import blockingCallFromThread
from twisted.mail.smtp import ESMTPSenderFactory, SMTPClientError

from tests.net.loopback import reactor
from tests.peers.clients import CLIENT_NAME, SECONDS, Outcome


def send_twisted(
    host: str,
    port: int,
    sender: str,
    recipients: Sequence[str],
    message: bytes,
    *options: str,
    seconds: float = SECONDS,
) -> Outcome:
    """Send by ESMTPSender, which has no options, and goes on where one recipient is refused.

    It reads a file with the line ends of this system, and makes CRLF of them. It runs in the
    reactor's thread, so that a test calls this from another one.
    """
    assert not options
    file = io.BytesIO(message.replace(b"\r\n", b"\n"))

    def start() -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        factory = ESMTPSenderFactory(
            *(None, None, sender, list(recipients), file, done),
            retries=0,
            timeout=seconds,
            requireAuthentication=False,
            requireTransportSecurity=False,
        )
        factory.domain = CLIENT_NAME.encode()
        reactor.connectTCP(host, port, factory)
        return done

    try:
        taken, replies = blockingCallFromThread(reactor, start)
    except SMTPClientError as problem:
        return Outcome(False, repr(problem))
    return Outcome(taken == len(recipients), repr(replies))
