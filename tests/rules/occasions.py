"""Occasions for tests: one exchange in a session of which as much is known as a test says."""

from __future__ import annotations

from smtpproxy.exchange import Exchange, Message
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.run import Run, Visit
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.state import State


def state_behind(envelope: str) -> State:
    """Return the state of a session in which these commands were accepted."""
    state = State()
    for line in envelope.splitlines():
        command = parse_command(line.strip().encode() + b"\r\n")
        state.observe(command.verb, command, 250)
    return state


def exchange_of(line: str) -> Exchange:
    """Return the exchange that a command begins, or a stage that has none."""
    if line in ("CONNECT", "END-OF-DATA"):
        return Exchange(line, None, 0.0)
    command = parse_command(line.encode() + b"\r\n")
    return Exchange(command.verb, command, 0.0)


def occasion(
    line: str,
    envelope: str = "",
    reply: str = "",
    client: str = "192.0.2.7",
    session: int = 1,
    time: float = 0.0,
    run: Run | None = None,
    secure: bool = False,
    user: str = "",
    claimed: str = "",
    ordinal: int = 1,
    message: Message | None = None,
) -> Occasion:
    """Return an occasion at a command, behind `envelope`; `time`: seconds since the run began."""
    state, exchange = state_behind(envelope), exchange_of(line)
    state.secure, state.user = secure, user
    exchange.ordinal, exchange.message = ordinal, message
    said = Reply(int(reply[:3]), reply.encode() + b"\r\n") if reply else None
    visit = Visit(client, session, run or Run())
    return Occasion(exchange, state, visit, lambda: time, said, claimed)
