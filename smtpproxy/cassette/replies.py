"""What a client heard in answer to one command, cut into replies.

Knows nothing of what they mean.
"""

from __future__ import annotations

from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.limits import Limits
from smtpproxy.smtp.server import ServerReader

#: What stands in a cassette was within some limit already.
_NO_LIMITS = Limits(max_reply_line=1 << 40, max_reply_lines=1 << 40)


def replies_in(octets: bytes | None) -> list[Reply]:
    """Return each reply in what a client heard in answer to one command; strays are left out."""
    if not octets:
        return []
    reader = ServerReader(_NO_LIMITS)
    reader.receive(octets)
    facts = iter(reader.next, None)
    return [fact for fact in facts if isinstance(fact, Reply)]
