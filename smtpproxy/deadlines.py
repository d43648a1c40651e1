"""How long a session waits, and for whom (RFC 5321 §4.5.3.2)."""

from __future__ import annotations

from typing import NamedTuple

from smtpproxy.exchange import Exchange
from smtpproxy.pairing import ends_message
from smtpproxy.smtp.limits import Limits

#: Seconds that a client has to take the last reply, or to end a message in whose middle it was
#: told 421.
FAREWELL = 30.0


class Awaited(NamedTuple):
    """Who must act, what is expected, and how many seconds that may take."""

    who: str  # client or upstream
    what: str
    seconds: float  # 0: for ever


def upstream_time(exchange: Exchange, limits: Limits) -> tuple[str, float]:
    """Return what upstream owes, and the seconds that it has for that."""
    if exchange.stage == "CONNECT":
        return "CONNECT", limits.greeting_timeout
    if ends_message(exchange.stage, exchange.command):
        return "END-OF-DATA", limits.end_of_data_timeout
    if exchange.stage == "DATA":
        return "DATA", limits.data_timeout
    return exchange.stage, limits.reply_timeout


class Patience:
    """Watches one session; it is looked at now and then, and costs nothing in between.

    Only a fact that is complete is progress: octets that come one by one do not reset the time.
    """

    __slots__ = ("_progress", "_since")

    def __init__(self) -> None:
        self._progress = -1
        self._since = 0.0

    def overdue(self, progress: int, awaited: Awaited, now: float) -> bool:
        """Has whoever is awaited taken too long?"""
        if progress != self._progress:
            self._progress, self._since = progress, now
            return False
        return 0 < awaited.seconds <= now - self._since

    def suspend(self, now: float) -> None:
        """Begin anew: what is waited for is held back here, on purpose."""
        self._since = now
