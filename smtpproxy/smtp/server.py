"""What a server sends, cut into replies.

Owns the framing of the server's stream: lines into replies (RFC 5321 §4.2.1), lenient in what it
takes and strict in what it calls a reply. Does not know which command a reply answers.
"""

from __future__ import annotations

from smtpproxy.smtp.facts import Opaque, Overlong, Reply, ServerFact, Stray
from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits

# A reply code is three ASCII digits and nothing that int() would also take, such as "2_5" or "+25".
_CODES = {b"%03d" % code: code for code in range(1000)}


class ServerReader:
    """Cuts a server's octets into replies, whatever the segments they came in.

    Set `opaque` when the octets that follow are no longer to be read.
    """

    __slots__ = ("_at", "_lines", "_longest", "_most", "_octets", "_scan", "closed", "opaque")

    def __init__(self, limits: Limits = DEFAULT_LIMITS) -> None:
        self._longest = limits.max_reply_line
        self._most = limits.max_reply_lines
        self.opaque = False
        self.closed = False
        self._octets = b""
        self._at = 0  # where the reply that is being read begins
        self._scan = 0  # where its next line begins
        self._lines = 0

    @property
    def pending(self) -> int:
        """How many octets were received and are not yet part of a fact."""
        return len(self._octets) - self._at

    def receive(self, octets: bytes) -> None:
        """Take octets as they came from the network."""
        if self._at < len(self._octets):
            octets = self._octets[self._at :] + octets
            self._scan -= self._at
        else:
            self._scan = 0
        self._octets = octets
        self._at = 0

    def next(self) -> ServerFact | None:
        """Return the next fact, or None until more octets are there."""
        if self._at >= len(self._octets) or self.closed:
            return None
        if self.opaque:
            return Opaque(self.rest())
        while end := self._octets.find(b"\n", self._scan) + 1:
            begin, self._scan = self._scan, end
            if end - begin > self._longest or self._lines >= self._most:
                break
            fact = self._line(begin, end)
            if fact is not None:
                return fact
        if end or len(self._octets) - self._scan > self._longest:
            self.closed = True
            return Overlong(self.rest())
        return None

    def rest(self) -> bytes:
        """Return, and forget, what was received and is not part of any fact."""
        return self._take(len(self._octets))

    def _line(self, begin: int, end: int) -> ServerFact | None:
        octets = self._octets
        code = _CODES.get(octets[begin : begin + 3])
        if code is None:
            # Inside a multiline reply an odd line belongs to it; elsewhere it answers nothing.
            if self._lines:
                self._lines += 1
                return None
            return Stray(self._take(end))
        if octets[begin + 3 : begin + 4] == b"-":
            self._lines += 1
            return None
        self._lines = 0
        return Reply(code, self._take(end))

    def _take(self, end: int) -> bytes:
        octets = self._octets
        if self._at == 0 and end == len(octets):
            self._octets = b""
            self._scan = 0
            return octets
        taken = octets[self._at : end]
        self._at = end
        return taken


def final_code(wire: bytes) -> int:
    """Return the reply code of a reply's last line, or 0 where it has none."""
    return _CODES.get(wire[wire.rfind(b"\n", 0, -1) + 1 :][:3], 0)
