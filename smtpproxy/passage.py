"""The way of a message to upstream: what of it may go there, and what is kept back.

Owns the look at mail data as it passes. A message that upstream shall not have never gets its final
dot: upstream forgets it with the connection, or with a RSET.
"""

from __future__ import annotations

from smtpproxy.smtp.facts import MailData
from smtpproxy.smtp.lookalike import Found, MailDataScan


class Passage:
    """One session's mail data on their way; `refused` are anomalies that upstream shall not see."""

    __slots__ = ("_refused", "_scan", "_withheld", "refusal", "swallowing")

    def __init__(self, refused: frozenset[str]) -> None:
        self._refused = refused
        self._scan = MailDataScan()
        self._withheld = b""  # what may yet turn out to be such an anomaly
        self.refusal = ""  # the one for which this message is refused
        self.swallowing = False  # mail data, or a chunk, is kept from upstream

    def begin(self, swallowing: bool) -> None:
        """Mail data follow."""
        self._scan, self.refusal, self._withheld = MailDataScan(), "", b""
        self.swallowing = swallowing

    def look(self, data: MailData) -> list[Found]:
        """Return what is odd in these octets."""
        odd = self._scan.look(data.octets)
        for found in odd:
            if found.name in self._refused and not self.swallowing:
                self.refusal, self.swallowing = found.name, True
        return odd

    def cleared(self, data: MailData) -> bytes:
        """Return what may go to upstream by now: it can't become part of a refused anomaly."""
        if not self._refused:
            return data.octets
        octets = self._withheld + data.octets
        keep = 0 if data.last else min(self._scan.undecided, len(octets))
        self._withheld = octets[len(octets) - keep :]
        return octets[: len(octets) - keep]
