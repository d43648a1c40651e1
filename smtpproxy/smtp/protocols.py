"""The protocols that a mail server may speak: SMTP, and LMTP, which is SMTP with few differences.

Owns those differences that are known before anybody says a word. That a message of LMTP has a reply
for each recipient is known from the client's LHLO, and is none of this module's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class MailProtocol(NamedTuple):
    """A protocol: how a server greets, what a client says first, and where the server listens."""

    greeting: str  # what a server calls it
    hello: str  # that a server answers with its keywords
    hellos: frozenset[str]  # all that a server takes
    port: int | None  # the standard one
    schemes: Mapping[str, tuple[str, int | None]]  # of URLs: the kind of endpoint, and its port


SMTP = MailProtocol(
    "ESMTP", "EHLO", frozenset({"EHLO", "HELO"}), 25, {"smtp": ("tcp", 25), "smtps": ("tls", 465)}
)
#: RFC 2033 §3: it has no port by convention, and must not have 25.
LMTP = MailProtocol("LMTP", "LHLO", frozenset({"LHLO"}), None, {"lmtp": ("tcp", None)})
#: By their names on the command line.
PROTOCOLS = {"smtp": SMTP, "lmtp": LMTP}
