"""What a recorded client does once it hears something else than it did.

Owns where it can't go on as recorded: it gives up a message, or the session. Sends nothing itself.
"""

from __future__ import annotations

from typing import Final

from smtpproxy.cassette.matching import STARTTLS
from smtpproxy.cassette.model import Recorded
from smtpproxy.cassette.playable import BEGINS, GREETS, NEW, ends_mail_data
from smtpproxy.smtp.ehlo import keyword_of
from smtpproxy.smtp.server import final_code

# What a client does that hears something else.
GONE: Final = "the client's connection is over"
UNHEARD: Final = "the client hears nothing, and waits until it gives up"
LEAVES: Final = "the client leaves"
NO_HELLO: Final = "the client says HELO instead, or leaves"
NOT_LOGGED_IN: Final = "the client is not logged in, and leaves"
IN_PLAIN_TEXT: Final = "the client goes on in plain text here; a strict one leaves"
NOT_OFFERED: Final = (
    "STARTTLS is not offered: the client goes on in plain text; a strict one leaves"
)
NO_RECIPIENT: Final = "no recipient is left: the client gives this message up"
REFUSED: Final = "the client gives this message up"
NO_MESSAGE: Final = "the client would send a message that was not recorded"
IN_TLS: Final = "what follows was encrypted, and not recorded"

_REFUSED_AT: Final = {"CONNECT": LEAVES, "AUTH": NOT_LOGGED_IN} | dict.fromkeys(GREETS, NO_HELLO)


class RecordedClient:
    """The client of one session. `over`: it comes to nothing more; `skipping`: not in this message.

    `followed`: what came behind STARTTLS was recorded, if anything came.
    """

    def __init__(self, followed: bool = True) -> None:
        self.over = False
        self.skipping = False
        self._followed = followed
        self._accepted = 0  # recipients of this message, as it hears it
        self._expected = 0  # and as it was recorded
        self._lost: set[bytes] = set()  # keywords of EHLO that are gone

    def comes_to(self, one: Recorded) -> bool:
        """Is this exchange still to be played, as far as what was before it goes?"""
        if one.stage in NEW:
            self.skipping = False
        there = not (self.over or self.skipping)
        if not there and ends_mail_data(one):
            self.skipping = False
        return there

    def objection(self, one: Recorded) -> str:
        """Return why it does not send what it had sent, or ""."""
        if one.stage == STARTTLS and STARTTLS.encode() in self._lost:
            return NOT_OFFERED
        lost_all = self._expected > 0 and not self._accepted
        # One that sent its commands in one go could not know.
        if one.stage in ("DATA", "BDAT") and lost_all and not one.pipelined:
            return NO_RECIPIENT
        return ""

    def hears(self, one: Recorded, heard: bytes, closed: str) -> str:
        """It hears an answer; `closed` says how its connection was ended, if it was.

        Returns what it does then, where that was not recorded, or "".
        """
        was, now = _code(one.heard or b""), _code(heard)
        self._count(one.stage, was, now)
        if closed:
            return self._stop(GONE if one.stage != "QUIT" and heard != one.heard else "")
        if one.heard and not heard:
            return self._stop(UNHEARD)
        if one.stage in GREETS and now // 100 == was // 100 == 2:
            self._lost = _keywords(one.heard or b"") - _keywords(heard)
        if one.stage == "DATA" and now // 100 == 3 != was // 100:
            return self._stop(NO_MESSAGE)
        if one.stage == STARTTLS and now == 220 and not self._followed:
            return self._stop(IN_TLS)
        note = self._is_refused(one) if was < 400 <= now else ""
        if ends_mail_data(one):
            self._accepted = self._expected = 0
        return note

    def _count(self, stage: str, was: int, now: int) -> None:
        if stage in NEW:
            self._accepted = self._expected = 0
        elif stage == "RCPT":
            self._accepted += now // 100 == 2
            self._expected += was // 100 == 2

    def _is_refused(self, one: Recorded) -> str:
        """What had gone well goes wrong."""
        stage = one.stage
        if stage in _REFUSED_AT:
            return self._stop(_REFUSED_AT[stage])
        if stage == STARTTLS:
            return IN_PLAIN_TEXT
        if stage in BEGINS or (stage in ("DATA", "BDAT") and not ends_mail_data(one)):
            self.skipping = True
            return REFUSED
        return ""

    def _stop(self, note: str) -> str:
        self.over = True
        return note


def _code(octets: bytes) -> int:
    return final_code(octets) if octets else 0


def _keywords(octets: bytes) -> set[bytes]:
    """Return the keywords of a reply to EHLO."""
    return {keyword_of(line[4:]) for line in octets.splitlines()[1:]}
