"""The registry of enhanced status codes (RFC 3463, RFC 5248; IANA's list).

Data that a person can read and extend. Says what each number means; whether a reply uses it rightly
is `classify`'s affair.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

CLASSES = {2: "success", 4: "persistent transient failure", 5: "permanent failure"}

SUBJECTS = {
    0: "other or undefined",
    1: "addressing",
    2: "mailbox",
    3: "mail system",
    4: "network and routing",
    5: "mail delivery protocol",
    6: "message content or media",
    7: "security or policy",
}


class Detail(NamedTuple):
    """What a subject and a detail mean together, and who says so."""

    meaning: str
    source: str


_BASE = "RFC 3463"
_AUTH = "RFC 4954"
_LIST = "RFC 5248"
_RRVS = "RFC 7293"
_EMAIL_AUTH = "RFC 7372"

DETAILS: dict[tuple[int, int], Detail] = {
    (0, 0): Detail("Other undefined status", _BASE),
    (1, 0): Detail("Other address status", _BASE),
    (1, 1): Detail("Bad destination mailbox address", _BASE),
    (1, 2): Detail("Bad destination system address", _BASE),
    (1, 3): Detail("Bad destination mailbox address syntax", _BASE),
    (1, 4): Detail("Destination mailbox address ambiguous", _BASE),
    (1, 5): Detail("Destination address valid", _BASE),
    (1, 6): Detail("Destination mailbox has moved, no forwarding address", _BASE),
    (1, 7): Detail("Bad sender's mailbox address syntax", _BASE),
    (1, 8): Detail("Bad sender's system address", _BASE),
    (1, 9): Detail("Message relayed to non-compliant mailer", "RFC 3886"),
    (1, 10): Detail("Recipient address has null MX", "RFC 7505"),
    (2, 0): Detail("Other or undefined mailbox status", _BASE),
    (2, 1): Detail("Mailbox disabled, not accepting messages", _BASE),
    (2, 2): Detail("Mailbox full", _BASE),
    (2, 3): Detail("Message length exceeds administrative limit", _BASE),
    (2, 4): Detail("Mailing list expansion problem", _BASE),
    (3, 0): Detail("Other or undefined mail system status", _BASE),
    (3, 1): Detail("Mail system full", _BASE),
    (3, 2): Detail("System not accepting network messages", _BASE),
    (3, 3): Detail("System not capable of selected features", _BASE),
    (3, 4): Detail("Message too big for system", _BASE),
    (3, 5): Detail("System incorrectly configured", _BASE),
    (3, 6): Detail("Requested priority was changed", "RFC 6710"),
    (4, 0): Detail("Other or undefined network or routing status", _BASE),
    (4, 1): Detail("No answer from host", _BASE),
    (4, 2): Detail("Bad connection", _BASE),
    (4, 3): Detail("Directory server failure", _BASE),
    (4, 4): Detail("Unable to route", _BASE),
    (4, 5): Detail("Mail system congestion", _BASE),
    (4, 6): Detail("Routing loop detected", _BASE),
    (4, 7): Detail("Delivery time expired", _BASE),
    (5, 0): Detail("Other or undefined protocol status", _BASE),
    (5, 1): Detail("Invalid command", _BASE),
    (5, 2): Detail("Syntax error", _BASE),
    (5, 3): Detail("Too many recipients", _BASE),
    (5, 4): Detail("Invalid command arguments", _BASE),
    (5, 5): Detail("Wrong protocol version", _BASE),
    (5, 6): Detail("Authentication exchange line is too long", _AUTH),
    (6, 0): Detail("Other or undefined media error", _BASE),
    (6, 1): Detail("Media not supported", _BASE),
    (6, 2): Detail("Conversion required and prohibited", _BASE),
    (6, 3): Detail("Conversion required but not supported", _BASE),
    (6, 4): Detail("Conversion with loss performed", _BASE),
    (6, 5): Detail("Conversion failed", _BASE),
    (6, 6): Detail("Message content not available", "RFC 4468"),
    (6, 7): Detail("Non-ASCII addresses not permitted for that sender or recipient", "RFC 6531"),
    (6, 8): Detail("UTF-8 reply is required, but not permitted by the client", "RFC 6531"),
    (6, 9): Detail("UTF-8 header can't be transferred to a recipient", "RFC 6531"),
    (6, 10): Detail("UTF-8 reply is required (deprecated, see X.6.8)", "RFC 6531"),
    (7, 0): Detail("Other or undefined security status", _BASE),
    (7, 1): Detail("Delivery not authorized, message refused", _BASE),
    (7, 2): Detail("Mailing list expansion prohibited", _BASE),
    (7, 3): Detail("Security conversion required but not possible", _BASE),
    (7, 4): Detail("Security features not supported", _BASE),
    (7, 5): Detail("Cryptographic failure", _BASE),
    (7, 6): Detail("Cryptographic algorithm not supported", _BASE),
    (7, 7): Detail("Message integrity failure", _BASE),
    (7, 8): Detail("Authentication credentials invalid", _AUTH),
    (7, 9): Detail("Authentication mechanism is too weak", _AUTH),
    (7, 10): Detail("Encryption needed", _LIST),
    (7, 11): Detail("Encryption required for requested authentication mechanism", _AUTH),
    (7, 12): Detail("A password transition is needed", _AUTH),
    (7, 13): Detail("User account disabled", _LIST),
    (7, 14): Detail("Trust relationship required", _LIST),
    (7, 15): Detail("Priority level is too low", "RFC 6710"),
    (7, 16): Detail("Message is too big for the specified priority", "RFC 6710"),
    (7, 17): Detail("Mailbox owner has changed", _RRVS),
    (7, 18): Detail("Domain owner has changed", _RRVS),
    (7, 19): Detail("RRVS test can't be completed", _RRVS),
    (7, 20): Detail("No passing DKIM signature found", _EMAIL_AUTH),
    (7, 21): Detail("No acceptable DKIM signature found", _EMAIL_AUTH),
    (7, 22): Detail("No valid author-matched DKIM signature found", _EMAIL_AUTH),
    (7, 23): Detail("SPF validation failed", _EMAIL_AUTH),
    (7, 24): Detail("SPF validation error", _EMAIL_AUTH),
    (7, 25): Detail("Reverse DNS validation failed", _EMAIL_AUTH),
    (7, 26): Detail("Multiple authentication checks failed", _EMAIL_AUTH),
    (7, 27): Detail("Sender address has null MX", "RFC 7505"),
    (7, 28): Detail("Mail flood detected", "IANA registry"),
    (7, 29): Detail("ARC validation failure", "RFC 8617"),
    (7, 30): Detail("REQUIRETLS support required", "RFC 8689"),
}


class Status(NamedTuple):
    """An enhanced status code, in words."""

    code: str  # such as "5.1.1"
    class_: str
    subject: str
    detail: str  # "" where the registry has no such detail
    source: str

    @property
    def known(self) -> bool:
        """Does the registry have it?"""
        return bool(self.detail)


@lru_cache(maxsize=512)  # most come often
def status(code: str) -> Status | None:
    """Return what an enhanced status code such as "5.1.1" says, or None for ""."""
    if not code:
        return None
    class_, subject, detail = map(int, code.split("."))
    found = DETAILS.get((subject, detail), Detail("", ""))
    return Status(code, CLASSES.get(class_, "unknown"), SUBJECTS.get(subject, "unknown"), *found)
