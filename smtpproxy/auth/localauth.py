"""AUTH as it is answered here, in upstream's place: any credentials are taken (RFC 4954).

Owns the prompts of PLAIN and LOGIN. How it ends is said by whoever it is asked for.
"""

from __future__ import annotations

from smtpproxy.smtp.facts import Command, Continuation

#: What a reply to EHLO offers behind AUTH.
OFFERED = "PLAIN LOGIN"
ACCEPTED = b"235 2.7.0 Authentication succeeded\r\n"

_CANCELLED = b"501 5.7.0 Authentication cancelled\r\n"
_UNKNOWN = b"504 5.5.4 Offered are PLAIN and LOGIN\r\n"
# RFC 4954 §4: an empty prompt for PLAIN; LOGIN asks for user name and password.
_PROMPTS = {b"PLAIN": (b"",), b"LOGIN": (b"VXNlcm5hbWU6", b"UGFzc3dvcmQ6")}


class LocalAuth:
    """One session's AUTH. `final` is the reply once all credentials are there."""

    __slots__ = ("_prompts", "final")

    def __init__(self, final: bytes = ACCEPTED) -> None:
        self.final = final
        self._prompts: tuple[bytes, ...] = ()  # still to be shown

    def command(self, command: Command) -> bytes:
        """Return the reply to AUTH."""
        mechanism, *initial = command.argument.split() or [b""]
        if mechanism.upper() not in _PROMPTS:
            self._prompts = ()
            return _UNKNOWN
        self._prompts = _PROMPTS[mechanism.upper()][len(initial) :]
        return self._next()

    def continuation(self, line: Continuation) -> bytes:
        """Return the reply to a line in answer to a prompt; `*` cancels."""
        if line.wire.strip() == b"*":
            self._prompts = ()
            return _CANCELLED
        return self._next()

    def _next(self) -> bytes:
        if not self._prompts:
            return self.final
        prompt, *others = self._prompts
        self._prompts = tuple(others)
        return b"334 %s\r\n" % prompt
