"""What a recorded EHLO offers and a cassette can't keep up, which is left out where it is replayed.

Knows nothing of what the cassette has.
"""

from __future__ import annotations

from smtpproxy.cassette.matching import STARTTLS
from smtpproxy.smtp.ehlo import edited, keyword_of, without_mechanisms
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.server import final_code


def without_unreplayable(heard: bytes | None, starttls: bool = False) -> bytes | None:
    """Return an EHLO reply without what this cassette can't keep up.

    That is SCRAM and channel binding in AUTH (RFC 5802 §6), and, unless `starttls`, STARTTLS.
    """
    if heard is None or b"\r\n" not in heard:
        return heard

    def kept(line: bytes) -> bytes | None:
        if keyword_of(line) == STARTTLS.encode() and not starttls:
            return None
        return without_mechanisms(line, _proves_itself)

    return edited(Reply(final_code(heard), heard), kept).wire


def _proves_itself(mechanism: bytes) -> bool:
    return mechanism.startswith(b"SCRAM-") or mechanism.endswith(b"-PLUS")
