"""An upstream that says no reply twice: it accepts everything, or refuses it.

Replies differ as those of real servers do: each names its recipient, or has a name of its own.
python -m bench.varied READY_FILE accepting|refusing
"""

import itertools
import sys

from twisted.internet.protocol import Factory, Protocol

from bench.listening import listen

_END = b"\r\n.\r\n"
_ANSWERS = {
    "accepting": {
        b"MAIL": b"250 2.1.0 <sender%d@example.org> Ok",
        b"RCPT": b"250 2.1.5 <user%d@example.net> Ok",
        _END: b"250 2.0.0 Ok: queued as 4bXk%07dzQ",
    },
    "refusing": {
        b"MAIL": b"250 2.1.0 <sender%d@example.org> Ok",
        b"RCPT": b"550 5.1.1 <user%d@example.net>: Recipient address rejected: User unknown",
        _END: b"554 5.7.1 Message refused: it looks like spam to us (id 4bXk%07dzQ)",
    },
}
_ALWAYS = {
    b"DATA": b"354 End data with <CR><LF>.<CR><LF> (%d)",
    b"QUIT": b"221 2.0.0 Bye, number %d",
}
_numbers = itertools.count(1)


class Varied(Protocol):
    """One session. It trusts its client to send one thing at a time, as smtp-source does."""

    def __init__(self, answers: dict[bytes, bytes]) -> None:
        self._answers = answers
        self._data = False
        self._tail = b""

    def connectionMade(self) -> None:
        """Greet."""
        self._say(b"220 varied.example.net %d")

    def dataReceived(self, data: bytes) -> None:
        """Answer a command, or the end of mail data."""
        verb = data[:4].upper()
        if self._data:
            self._tail = self._tail[-4:] + data
            if not self._tail.endswith(_END):
                return
            verb, self._tail = _END, b""
        self._data = verb == b"DATA"
        self._say(self._answers.get(verb, b"250 Ok, number %d"))
        if verb == b"QUIT":
            self.transport.loseConnection()  # type: ignore[union-attr]

    def _say(self, words: bytes) -> None:
        self.transport.write(words % next(_numbers) + b"\r\n")  # type: ignore[union-attr]


class VariedFactory(Factory):
    """Makes a protocol for each session."""

    noisy = False

    def __init__(self, kind: str) -> None:
        self._answers = _ANSWERS[kind] | _ALWAYS

    def buildProtocol(self, addr: object) -> Varied:
        """Return the protocol."""
        return Varied(self._answers)


if __name__ == "__main__":
    listen(VariedFactory(sys.argv[2]), sys.argv[1])
