"""Upstream as it was recorded: it says at each exchange what it said then.

Owns what it says where it is asked otherwise than it was: of fewer recipients, or of none. Matches
nothing: whoever plays the client says which exchange is on.
"""

from __future__ import annotations

from typing import Final

from smtpproxy.cassette.model import END_OF_DATA, Recorded
from smtpproxy.cassette.playable import BEGINS, GREETS, ends_mail_data
from smtpproxy.responder import Answer
from smtpproxy.smtp.facts import Command, Continuation

_NO_RECIPIENTS: Final = b"554 5.5.1 No valid recipients\r\n"
#: What is said to what was not asked then.
_GENERIC: Final = {
    "CONNECT": b"220 localhost ESMTP\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
}
_OK: Final = b"250 2.0.0 Ok\r\n"
_FORGETS: Final = BEGINS | GREETS | {"RSET", "STARTTLS"}


class AsRecorded:
    """One session's upstream."""

    def __init__(self) -> None:
        self._now: Recorded | None = None
        self._then: list[bytes] = []  # the RCPT lines that it accepted when it was recorded
        self._accepted: list[bytes] = []  # and those that it has accepted now

    def turn_to(self, one: Recorded) -> None:
        """This exchange is on."""
        if one.stage in _FORGETS:
            self._then, self._accepted = [], []
        self._now = one

    def passed(self, one: Recorded) -> None:
        """This exchange is over, whether upstream was asked or not."""
        if ends_mail_data(one):
            self._then, self._accepted = [], []
        elif one.stage == "RCPT" and _accepts(one.said):
            self._then.append(one.sent)

    def greeting(self) -> Answer:
        """Greet."""
        return self._say("CONNECT")

    def command(self, command: Command) -> Answer:
        """Answer a command; one of the proxy's own was not recorded."""
        return self._say(command.verb)

    def continuation(self, line: Continuation) -> Answer:
        """Answer within an AUTH."""
        return self._say("AUTH")

    def end_of_mail_data(self) -> Answer:
        """Answer a message."""
        return self._say(END_OF_DATA)

    def gone(self) -> None:
        """Nothing is kept for anybody."""

    def _say(self, stage: str) -> Answer:
        one = self._now
        if one is None or one.stage != stage:
            octets = _GENERIC.get(stage, _OK)
        elif stage in ("DATA", "BDAT") and self._then and not self._accepted:
            octets = _NO_RECIPIENTS
        else:
            octets = b"".join(self._for_recipients(one))
            if stage == "RCPT" and _accepts((octets,)):
                self._accepted.append(one.sent)
        return Answer(octets, close=octets.startswith((b"221", b"421")))

    def _for_recipients(self, one: Recorded) -> tuple[bytes, ...]:
        """Return what was said: in LMTP, to those recipients alone that it knows of now."""
        said = one.said or ((one.heard,) if one.heard else ())
        if not ends_mail_data(one) or len(said) != len(self._then) or len(said) < 2:
            return said
        return tuple(
            reply for line, reply in zip(self._then, said, strict=True) if line in self._accepted
        )


def _accepts(said: tuple[bytes, ...]) -> bool:
    return bool(said) and said[0].startswith(b"2")
