"""The fingerprints of recorded messages: where each ends, and what its octets are.

Owns how a message is put together of kept mail data and chunks. What is compared of it is the
affair of `fingerprint`.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpproxy.cassette.fingerprint import NO_MESSAGE, Fingerprint, Fingerprinter
from smtpproxy.cassette.matching import Matching, ends_transaction
from smtpproxy.cassette.model import END_OF_DATA, Kept, Recorded
from smtpproxy.smtp.maildata import unstuff


class RecordedMessages:
    """The fingerprints of one session's messages, where they are compared."""

    def __init__(self, matching: Matching, octets_of: Callable[[Kept], bytes] | None) -> None:
        self._matching = matching
        self._octets_of = octets_of
        self._taking: Fingerprinter | None = None  # chunks so far

    def of(self, one: Recorded, begins: bool) -> Fingerprint:
        """Return the fingerprint of the message that ends with an exchange, if one does."""
        if begins:
            self._taking = None
        if not self._matching.message or one.stage not in (END_OF_DATA, "BDAT"):
            return NO_MESSAGE
        taking = self._taking = self._taking or Fingerprinter(self._matching)
        if one.kept is not None:
            taking.add(self._message(one.kept))
        if not ends_transaction(one.stage, one.sent):
            return NO_MESSAGE
        self._taking = None
        return taking.finish()

    def _message(self, kept: Kept) -> bytes:
        """Return kept mail data as its receiver understands it."""
        if kept.file and self._octets_of is not None:
            return unstuff(self._octets_of(kept))
        return unstuff(kept.octets) if kept.wire else kept.octets
