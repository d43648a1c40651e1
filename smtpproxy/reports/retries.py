"""Which mail transactions are tried again.

Owns what makes two of them the same: reverse-path, recipients and Message-ID. Remembers a bounded
number of those that may come back.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeAlias

from smtpproxy.reports.reported import Attempt

#: Failed attempts that are remembered; each is known by a few keys.
_MOST = 10_000

Envelope: TypeAlias = tuple[str, frozenset[str]]


class Retries:
    """The attempts that had a 4xx or no answer, and were not tried again so far."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[Envelope, str | None], tuple[Attempt, str]] = OrderedDict()

    def failed(
        self, attempt: Attempt, sender: str, recipients: list[frozenset[str]], message_id: str
    ) -> None:
        """Remember an attempt under each set of recipients that it may be tried again for."""
        for one in recipients:
            envelope = sender, one
            for key in (message_id, None):
                self._failed[envelope, key] = attempt, message_id
                self._failed.move_to_end((envelope, key))
        while len(self._failed) > _MOST:
            self._failed.popitem(last=False)

    def earlier(self, sender: str, recipients: frozenset[str], message_id: str) -> Attempt | None:
        """Return the attempt that this one repeats, or None; it is forgotten then.

        Where one of the two never came to its message, the envelope decides.
        """
        envelope = sender, recipients
        for key in (message_id, "") if message_id else (None,):
            found = self._failed.pop((envelope, key), None)
            if found is not None:
                attempt, told = found
                for other in (told, None):
                    if self._failed.get((envelope, other), found)[0] == attempt:
                        self._failed.pop((envelope, other), None)
                return attempt
        return None
