"""What a cassette does not have: the verdict on it, and the reply that it is told with.

Who finds that out is `replay`; what to do about it is `cassette/advice`.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from smtpproxy.cassette.closest import Compared
from smtpproxy.cassette.model import Recorded
from smtpproxy.cassette.undertls import CONNECTION, RECORDING

DIFFERENT, ALREADY_USED, MISSING = "different", "already used", "missing"
#: How a miss is said, by stage: so that a client fails at once instead of trying again.
_MISS = {"CONNECT": "421 4.3.0", "STARTTLS": "454 4.7.0", "AUTH": "454 4.7.0"}
_MISS_ELSEWHERE = "554 5.3.0"
#: How it is said that TLS is the difference.
_TLS = {
    RECORDING: "it was recorded under TLS, which this connection is not",
    CONNECTION: "it was recorded without TLS, which this connection asked for",
}


class Miss(NamedTuple):
    """Something that a client sent and the cassette does not have."""

    number: int
    verdict: str
    stage: str
    sent: str
    closest: str  # what the cassette has instead, or ""
    line: int = 0  # of that, in `source`
    source: str = ""
    session: str = ""  # the label of the client's session
    compared: tuple[Compared, ...] = ()  # with the closest, field by field
    expected: tuple[str, ...] = ()  # what would have fitted, some of it
    wanted: Recorded | None = None  # the exchange that would have fitted, as it may be kept
    tls: str = ""  # which was under TLS, where the other was not: the recording or the connection
    behind: int = 0  # the line of the exchange before it, where nothing is closest

    def __str__(self) -> str:
        told = f"replay miss {self.number} at {self.stage}, {self.verdict}: {self.sent}"
        if self.tls:
            told += f"; {_TLS[self.tls]}"
        place = f"{self.source}:{self.line}"
        return f"{told} ({place} has: {self.closest})" if self.closest else told


class MissReply(NamedTuple):
    """What a miss is told with: where there is no text, it is the miss itself."""

    code: str
    enhanced: str = ""
    text: str = ""


class MissReplyError(ValueError):
    """That is no reply to tell a miss with. One line."""


_MISS_REPLY = re.compile(r"([45][0-9]{2})(?: +([45]\.[0-9]{1,3}\.[0-9]{1,3}))?(?: +([ -~]+))?")
_LONGEST_REPLY = 510


def read_miss_reply(text: str) -> MissReply:
    """Return what `--on-miss` was given. Raises MissReplyError."""
    found = _MISS_REPLY.fullmatch(text)
    if found is None or len(text) > _LONGEST_REPLY:
        raise MissReplyError(
            "expected one line of a code (4xx or 5xx), an enhanced status code and a text, such "
            f"as '451 4.3.0 Not recorded', got {text[:80]!r}"
        )
    reply = MissReply(found[1], found[2] or "", found[3] or "")
    if reply.enhanced and reply.enhanced[0] != reply.code[0]:
        raise MissReplyError(f"{reply.enhanced} can't stand behind {reply.code}")
    return reply


def reply_to(miss: Miss, told: MissReply | None = None) -> bytes:
    """Return the reply to a miss: the usual one at its stage, unless it is told with another."""
    if told is None:
        return _one_line(f"{_MISS.get(miss.stage, _MISS_ELSEWHERE)} smtpproxy: {miss}")
    words = told.code, told.enhanced, told.text or f"smtpproxy: {miss}"
    return _one_line(" ".join(filter(None, words)))


def _one_line(text: str) -> bytes:
    """Return a reply line no longer than a client must take (RFC 5321 §4.5.3.1.5: 512 octets)."""
    return text.encode("ascii", "backslashreplace")[:510] + b"\r\n"
