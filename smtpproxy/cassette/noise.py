"""What differs at every run, and so says nothing: in replies, and of MIME boundaries.

Owns the patterns of replies. Which parameters and header fields say nothing is known to `matching`.
"""

from __future__ import annotations

import re

_MONTHS = rb"(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) "
_TIME = rb"[0-9]{4} [0-9:]{5,8}(?: (?:[+-][0-9]{4}|[A-Z]{1,4})\b)?(?: \([A-Z]+\))?"
#: What differs in replies at every run, each with what is compared instead.
NOISE: tuple[tuple[re.Pattern[bytes], bytes], ...] = tuple(
    (re.compile(pattern), instead)
    for pattern, instead in (
        (rb"(?i)(\bqueued (?:mail )?(?:as|for delivery)[ :]+)[^\s;,)]+", rb"\1(id)"),
        (rb"(?i)(\b(?:queue|message)?-?id[=: ]+)(?=\S{0,64}[0-9])\S+", rb"\1(id)"),
        (rb"\b[0-9A-Za-z]{6}-[0-9A-Za-z]{6,11}-[0-9A-Za-z]{2,4}\b", b"(id)"),  # Exim
        (rb"(\A250 2\.0\.0 )[0-9A-Za-z]{8,}(?= Message accepted)", rb"\1(id)"),  # sendmail
        (rb"(\bmessage )[0-9]+(?= taken)", rb"\1(id)"),  # our own sink
        (rb"(> )[0-9A-Za-z+/]{16,}(?= Saved)", rb"\1(id)"),  # Dovecot
        (rb"\b[0-9]{10} [0-9a-z.-]{8,}(?= - gsmtp)", b"(id)"),
        (rb"(?:\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), )?\b[0-9]{1,2} " + _MONTHS + _TIME, b"(date)"),
        (rb"\b[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9:]{5,8}(?:\.[0-9]+)?Z?", b"(date)"),
    )
)

_BOUNDARY = re.compile(rb"(?i)\bboundary=(\"[^\"\r\n]+\"|[^\s;]+)")
#: Boundaries of one message that are looked for.
_MOST_BOUNDARIES = 64


def quiet_reply(wire: bytes) -> bytes:
    """Return a reply without what differs at every run."""
    for pattern, instead in NOISE:
        wire = pattern.sub(instead, wire)
    return wire


def quiet_boundaries(message: bytes) -> bytes:
    """Return a message with its MIME boundaries numbered, which are else made up at every run."""
    found = dict.fromkeys(boundary[1].strip(b'"') for boundary in _BOUNDARY.finditer(message))
    for number, boundary in enumerate(list(found)[:_MOST_BOUNDARIES]):
        message = message.replace(boundary, b"(boundary %d)" % number) if boundary else message
    return message
