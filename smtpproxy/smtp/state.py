"""What is known of a session: its phase and its mail transaction.

Owns the table of transitions. It is a fact for rules, logs and tests: framing never depends on it.
"""

from __future__ import annotations

from enum import StrEnum

from smtpproxy.smtp.facts import Command
from smtpproxy.smtp.path import Path, parse_path


class Phase(StrEnum):
    """Where in a session its client stands."""

    CONNECTED = "connected"  # before the greeting
    GREETED = "greeted"  # before HELO, EHLO or LHLO
    IDLE = "idle"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    OPAQUE = "opaque"
    OVER = "over"


#: (phase, stage, first digit of the reply) -> phase. A phase of None stands for any.
TRANSITIONS: dict[tuple[Phase | None, str, int], Phase] = {
    (Phase.CONNECTED, "CONNECT", 2): Phase.GREETED,
    (None, "HELO", 2): Phase.IDLE,  # RFC 5321 §4.1.4: also ends an open transaction
    (None, "EHLO", 2): Phase.IDLE,
    (None, "LHLO", 2): Phase.IDLE,
    (None, "RSET", 2): Phase.IDLE,
    (None, "MAIL", 2): Phase.MAIL,
    (None, "SEND", 2): Phase.MAIL,  # RFC 821 §3.4: these begin a transaction as MAIL does
    (None, "SOML", 2): Phase.MAIL,
    (None, "SAML", 2): Phase.MAIL,
    (Phase.MAIL, "RCPT", 2): Phase.RCPT,
    (None, "DATA", 3): Phase.DATA,  # RFC 2920 §3.1: some servers say 354 without a recipient
    (None, "END-OF-DATA", 2): Phase.IDLE,
    (None, "END-OF-DATA", 4): Phase.IDLE,
    (None, "END-OF-DATA", 5): Phase.IDLE,
    (None, "STARTTLS", 2): Phase.OPAQUE,
    (None, "TURN", 2): Phase.OPAQUE,
    (None, "ATRN", 2): Phase.OPAQUE,
    (None, "XCLIENT", 2): Phase.GREETED,
    (None, "QUIT", 2): Phase.OVER,
}

_BEGINNING = frozenset({"MAIL", "SEND", "SOML", "SAML"})


class State:
    """The phase, and the envelope as far as it was accepted."""

    __slots__ = ("accepted", "helo", "phase", "sender")

    def __init__(self) -> None:
        self.phase = Phase.CONNECTED
        self.helo = b""  # the argument of the last accepted HELO, EHLO or LHLO
        self.sender: Path | None = None
        self.accepted: list[Path] = []  # forward-paths, in order

    def observe(self, stage: str, command: Command | None, code: int) -> None:
        """Take note of what the client heard in answer to `command` at `stage`."""
        digit = code // 100
        key = (self.phase, stage, digit)
        phase = TRANSITIONS.get(key) or TRANSITIONS.get((None, stage, digit))
        if stage == "RCPT":
            if digit == 2 and command and (path := parse_path(command.argument)):
                self.accepted.append(path)
        elif phase in (Phase.IDLE, Phase.GREETED, Phase.MAIL):
            self.accepted = []
            self.sender = parse_path(command.argument) if command and stage in _BEGINNING else None
        if phase is None:
            return
        if phase is Phase.IDLE and command and stage in ("HELO", "EHLO", "LHLO"):
            self.helo = command.argument
        self.phase = phase
