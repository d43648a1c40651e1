"""What a relay tells whoever watches its session: everything, as it goes on.

Owns the words between a relay and its transcript. A watcher changes nothing.
"""

from __future__ import annotations

from typing import Protocol

from smtpproxy.exchange import Exchange
from smtpproxy.smtp.facts import Chunk, MailData
from smtpproxy.tlsfacts import TlsFacts

#: The fact that upstream was told something else than the client said: its octets are that command.
TOLD_UPSTREAM = "told-upstream"


class Watcher(Protocol):
    """What a relay tells about the session as it goes on."""

    def exchanged(self, exchange: Exchange) -> None:
        """The client heard the answer, or will never hear one."""

    def caught_up(self, exchange: Exchange) -> None:
        """Upstream was told again what the client had said to a cassette, and answered."""

    def authenticating(self, exchange: Exchange) -> None:
        """The client sent AUTH, or a continuation of it: upstream may repeat it from now on.

        Or it sent BDAT, or RSET: what follows is a chunk, or none of the same message.
        """

    def mail_data(self, fact: MailData | Chunk) -> None:
        """The client sent octets of mail data, or of a BDAT chunk."""

    def noted(self, fact: str, detail: str, octets: bytes) -> None:
        """Something happened that is not an exchange; `fact` names it."""

    def secured(self, side: str, facts: TlsFacts) -> None:
        """A side's leg, "client" or "upstream", is encrypted from here on."""

    def ended(self, how: str) -> None:
        """The session is over; nothing follows."""
