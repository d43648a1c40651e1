"""What a cassette holds: sessions of exchanges, with the octets that were on the wire."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

MAGIC = "smtpproxy-cassette"
VERSION = 1

# Stages of what is no exchange, and stands in a dialogue all the same.
UNSOLICITED = "(unsolicited)"
STRAY = "(stray)"
END_OF_DATA = "END-OF-DATA"


class Kept(NamedTuple):
    """Mail data, or a chunk: its octets, or the file beside the cassette that holds them.

    `wire`: the octets are dot-stuffed as they were sent, since stuffing again would not give them.
    """

    octets: bytes
    wire: bool = False
    file: str = ""  # the name within NAME.d; `octets` is empty then
    size: int = 0  # of the file


class Recorded(NamedTuple):
    """One exchange of a recorded session. All octets include their line endings."""

    stage: str
    sent: bytes = b""  # the command line
    kept: Kept | None = None  # the mail data, or the chunk of a BDAT
    said: tuple[bytes, ...] = ()  # by upstream; more than one in LMTP
    saw: bytes | None = None  # what the client heard instead
    changed: bool = False  # the client did not hear what upstream said; without `saw`, nothing
    rule: str = ""
    by: str = ""  # "proxy", where it answered by itself
    pipelined: bool = False
    line: int = 0  # in the file

    @property
    def heard(self) -> bytes | None:
        """All that the client heard in answer, or None where it got no answer."""
        if self.changed:
            return self.saw
        return b"".join(self.said) or None


def unsolicited(octets: bytes) -> Recorded:
    """Return the record of a reply that answered nothing."""
    return Recorded(UNSOLICITED, said=(octets,))


def stray(octets: bytes) -> Recorded:
    """Return the record of a line from upstream that is no reply."""
    return Recorded(STRAY, said=(octets,))


class RecordedTls(NamedTuple):
    """What is known of the TLS of one leg, or, in `failed`, why there was none."""

    version: str = ""
    cipher: str = ""
    sni: str = ""
    alpn: str = ""
    subject: str = ""
    sha256: str = ""
    failed: str = ""


@dataclass(slots=True)
class RecordedSession:
    """One session of a cassette."""

    label: str
    dialogue: list[Recorded] = field(default_factory=list)
    ended: str = ""
    opaque: str = ""  # the verb behind whose reply octets passed unread
    timing_ms: list[int] = field(default_factory=list)
    line: int = 0
    anomalies: list[str] = field(default_factory=list)  # the names of what was odd
    client: str = ""  # its IP address, where it was not on the proxy's own machine
    tls: dict[str, RecordedTls] = field(default_factory=dict)  # by side: client, upstream
    behind: str = ""  # the label of the session behind whose QUIT this was said: it is over then

    @property
    def followed(self) -> bool:
        """Can what came behind STARTTLS be known? It was read, if it came."""
        return self.opaque != "STARTTLS"


@dataclass(slots=True)
class Cassette:
    """A cassette as read."""

    source: str
    upstream: str = ""
    recorded: str = ""
    sessions: list[RecordedSession] = field(default_factory=list)
    match: tuple[str, ...] = ()  # what replay compares, where that is not the usual
    ignore: tuple[str, ...] = ()  # and what it ignores beside the usual noise
    order: str = ""  # and in which order it replays
