"""An upstream that refuses every recipient and every message, each time in other words.

No reply is like another, so that nobody can remember what one meant.
python -m bench.refusing READY_FILE
"""

import itertools
import sys

from twisted.internet.protocol import Factory, Protocol

from bench.listening import listen

_END = b"\r\n.\r\n"
_numbers = itertools.count(1)


class Refusing(Protocol):
    """One session. It trusts its client to send one thing at a time, as smtp-source does."""

    def __init__(self) -> None:
        self._data = False
        self._tail = b""

    def connectionMade(self) -> None:
        """Greet."""
        self._say(b"220 refusing.example.net %d")

    def dataReceived(self, data: bytes) -> None:
        """Answer a command, or the end of mail data."""
        if self._data:
            self._tail = self._tail[-4:] + data
            if not self._tail.endswith(_END):
                return
            self._data, self._tail = False, b""
            self._say(b"554 5.7.1 Message %d refused: looks like spam to us")
            return
        verb = data[:4].upper()
        if verb == b"RCPT":
            self._say(b"550 5.1.1 Recipient %d: no such user here")
        elif verb == b"DATA":
            self._data = True
            self._say(b"354 Go on, number %d")
        elif verb == b"QUIT":
            self._say(b"221 2.0.0 Bye, number %d")
            self.transport.loseConnection()  # type: ignore[union-attr]
        else:
            self._say(b"250 Ok, number %d")

    def _say(self, words: bytes) -> None:
        self.transport.write(words % next(_numbers) + b"\r\n")  # type: ignore[union-attr]


if __name__ == "__main__":
    listen(Factory.forProtocol(Refusing), sys.argv[1])
