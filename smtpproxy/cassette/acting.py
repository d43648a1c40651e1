"""Overheard dialogues acted out before a recorder, so that they are kept as any session is.

Owns the parts of client and upstream; pairing, framing and redaction are those of every session.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import groupby
from typing import NamedTuple

from smtpproxy.actions import Action, StartTls
from smtpproxy.cassette.overheard import Side, Turn
from smtpproxy.encryption import MIRROR, OPAQUE, Encryption
from smtpproxy.relay import Relay
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.limits import Limits
from smtpproxy.smtp.state import Phase
from smtpproxy.smtp.verbs import KNOWN_VERBS
from smtpproxy.transcript import Observer, Session, Transcript

#: Said by nobody: a session begins with a greeting, and a transcript not always.
GREETING = b"220 smtpproxy: the transcript has no greeting\r\n"
#: What was said is said; nothing of it is refused any more.
_NO_LIMITS = Limits(
    max_command_line=1 << 40,
    max_auth_line=1 << 40,
    max_reply_line=1 << 40,
    max_reply_lines=1 << 40,
    max_in_flight=1 << 40,
    max_held=1 << 40,
)
_GREETS = re.compile(rb"(?:220|421|5[0-9]{2})[ -]")


class _AsHeard(Encryption):
    """Legs that are encrypted, and an EHLO reply that the client heard as it stands."""

    def shown(self, reply: Reply) -> Reply:
        return reply


class Acted(NamedTuple):
    """What became of a transcript."""

    sessions: int
    lacking: list[int]  # the lines where a session begins without a greeting
    lost: list[int]  # the lines from which on a session was over already


def act(turns: list[Turn], observer: Observer, source: str) -> Acted:
    """Act all sessions out."""
    acted = Acted(0, [], [])
    for number, session in enumerate(_sessions(turns), start=1):
        acted = acted._replace(sessions=number)
        if session[0].side is Side.CLIENT:
            acted.lacking.append(session[0].line)
            session.insert(0, Turn(Side.SERVER, GREETING, session[0].line))
        acted.lost.extend(_Stage(number, observer, source, _encryption(session)).play(session))
    return acted


def _sessions(turns: Iterable[Turn]) -> Iterator[list[Turn]]:
    """Cut turns into sessions: at each new connection, and at a greeting behind a good-bye."""
    session: list[Turn] = []
    over = False
    for turn in turns:
        greets = over and turn.side is Side.SERVER and _GREETS.match(turn.octets)
        if (turn.side is Side.CONNECTED or greets) and session:
            yield session
            session, over = [], False
        if turn.side is Side.CONNECTED or not turn.octets:
            continue
        session.append(turn)
        over = over or (turn.side is Side.SERVER and turn.octets[:4] in (b"221 ", b"421 "))
    if session:
        yield session


def _encryption(session: list[Turn]) -> Encryption:
    """Return what STARTTLS means: what follows it is either there to be read, or is not."""
    said = [turn.octets for turn in session if turn.side is Side.CLIENT]
    asked = next((at for at, one in enumerate(said) if parse_command(one).verb == "STARTTLS"), -1)
    following = said[asked + 1] if -1 < asked < len(said) - 1 else b""
    known = not following or parse_command(following).verb in KNOWN_VERBS
    return _AsHeard(MIRROR if known else OPAQUE)


class _Stage:
    """One session of a relay between two who know their parts."""

    def __init__(self, number: int, observer: Observer, source: str, tls: Encryption) -> None:
        session = Session(number, str(number), source, source, 0.0)
        transcript = Transcript(session, [observer], lambda: 0.0)
        self._state = session.state
        self._relay = Relay(
            transcript, lambda: 0.0, state=session.state, limits=_NO_LIMITS, tls=tls
        )

    def play(self, turns: list[Turn]) -> Iterator[int]:
        """Let both say their parts; then who has said good-bye, or else the client, leaves.

        Yields the line from which on nobody was there to hear it.
        """
        relay = self._relay
        self._go_on(relay.connected())
        for side, parts in groupby(turns, key=lambda turn: turn.side):
            said = list(parts)
            if relay.left:
                yield said[0].line
                break
            receive = relay.client_received if side is Side.CLIENT else relay.upstream_received
            self._go_on(receive(b"".join(turn.octets for turn in said)))
        first, last = relay.client_closed, relay.upstream_closed
        if self._state.phase == Phase.OVER:
            first, last = last, first
        first(True)
        last(True)
        relay.finished()

    def _go_on(self, actions: list[Action]) -> None:
        """Carry out what has an effect here: TLS begins at once."""
        for action in actions:
            if isinstance(action, StartTls):
                self._go_on(self._relay.secured(action.side, None))
