"""What the targets make of the octets that a fuzzer gives them: a head of choices, and a body."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smtpproxy.smtp.limits import DEFAULT_LIMITS, Limits
from tests.smtp.choosing import cut

HEAD = 16
#: Limits that a few octets reach.
TIGHT = Limits(max_command_line=48, max_auth_line=96, max_reply_line=48, max_reply_lines=3)


class Drawn(NamedTuple):
    """An input of a target."""

    head: bytes  # of HEAD octets
    body: bytes

    @property
    def limits(self) -> Limits:
        """The limits to read by: the usual ones, or such as a few octets reach."""
        return TIGHT if self.head[0] & 1 else DEFAULT_LIMITS

    def pieces(self, octets: bytes) -> Iterator[list[bytes]]:
        """Yield the octets whole, one by one, and cut in sizes that the head says."""
        yield [octets]
        yield list(cut(octets, [1]))
        yield list(cut(octets, [1 + self.head[1] % 7, 1 + self.head[2] % 64]))


def drawn(octets: bytes) -> Drawn:
    """Return an input as its target sees it."""
    return Drawn(octets[:HEAD].ljust(HEAD, b"\0"), octets[HEAD:])
