"""The yardstick for replay: a twisted.mail.smtp server that accepts everything and keeps nothing.

python -m bench.accepting READY_FILE
"""

import sys

from twisted.internet.defer import Deferred, succeed
from twisted.internet.protocol import Factory
from twisted.mail.smtp import SMTP, IMessage
from zope.interface import implementer

from bench.listening import listen


@implementer(IMessage)
class Forgotten:
    """One message, forgotten line by line."""

    def lineReceived(self, line: bytes) -> None:
        """Keep nothing."""

    def eomReceived(self) -> Deferred[None]:
        """Accept it."""
        return succeed(None)

    def connectionLost(self) -> None:
        """Nothing was kept."""


class Accepting(SMTP):
    """A server for which every reverse-path and every forward-path is good."""

    noisy = False

    def validateFrom(self, helo: object, origin: object) -> object:
        """Any reverse-path."""
        return origin

    def validateTo(self, user: object) -> type[Forgotten]:
        """Any forward-path."""
        return Forgotten

    def receivedHeader(self, helo: object, origin: object, recipients: object) -> bytes:
        """None, since nothing is kept."""
        return b""


if __name__ == "__main__":
    listen(Factory.forProtocol(Accepting), sys.argv[1])
