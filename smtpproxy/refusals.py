"""What the proxy itself answers: mostly refusals, and in what words.

Owns the choice of anomalies that a client is refused for. By default there is none: all is relayed.
"""

from __future__ import annotations

from collections.abc import Iterable

from smtpproxy.exchange import Decision, Exchange, Firing
from smtpproxy.faults.reply import SayReply
from smtpproxy.rules.model import NONE
from smtpproxy.smtp.anomalies import (
    EARLY_COMMAND,
    OF_CLIENT,
    OF_SESSION,
    OF_UPSTREAM,
    PIPELINING,
    command_anomalies,
)

TOO_LONG = SayReply(500, "5.5.2", ("Line too long",))
RELAY, REFUSE = "relay", "refuse"
TOO_MANY = "too-many-connections"
NOT_RECORDED = "not-recorded"
#: Octets came where nothing may come before TLS has begun (RFC 3207 §6).
INJECTION = "starttls-injection"

# RFC 3463 §3.5: 4.4.2 is a connection that went bad, 4.3.2 a system that takes no messages now.
_LATE = SayReply.parse("421 4.4.2 <domain> Timeout exceeded", "CONNECT")
_CROWDED = SayReply.parse("421 4.3.2 <domain> Too many connections", "CONNECT")
_INJECTED = SayReply.parse("421 4.7.0 <domain> Octets behind STARTTLS", "CONNECT")
_LOSING = SayReply.parse("421 4.3.0 <domain> Recording failed", "CONNECT")
_BYE = SayReply.parse("221", "QUIT")
_NO_SERVICE = SayReply(503, "5.5.1", ("No SMTP service here",))
_GOING = SayReply.parse("421", "CONNECT")
_FAREWELLS = {TOO_MANY: _CROWDED, INJECTION: _INJECTED, NOT_RECORDED: _LOSING}


class RefusalError(ValueError):
    """What to do on an anomaly can't be read. Says what was expected."""


def refused_anomalies(words: Iterable[str]) -> frozenset[str]:
    """Return the anomalies to refuse, from words such as refuse, or bare-lf=relay, in order.

    Raises RefusalError.
    """
    refused: set[str] = set()
    for word in words:
        name, _, choice = word.rpartition("=")
        if choice not in (RELAY, REFUSE):
            raise RefusalError(f"expected relay, refuse, or NAME=refuse, got {word!r}")
        if name and name not in OF_CLIENT:
            if name in OF_UPSTREAM:
                raise RefusalError(f"{name} is upstream's: what it says is always relayed")
            if name in OF_SESSION:
                raise RefusalError(f"{name} is for upstream to judge: it is always relayed")
            raise RefusalError(f"unknown anomaly {name!r}; there are {', '.join(OF_CLIENT)}")
        names = [name] if name else list(OF_CLIENT)
        (refused.update if choice == REFUSE else refused.difference_update)(names)
    return frozenset(refused)


def anomalies_of(exchange: Exchange) -> tuple[str, ...]:
    """Return what is odd in what the client sent."""
    command = exchange.command
    return exchange.odd + command_anomalies(command.wire) if command else exchange.odd


def farewell(how: str) -> SayReply:
    """Return the 421 by which a session ends in this way (RFC 5321 §3.8)."""
    if how.endswith("-timeout"):
        return _LATE
    return _FAREWELLS.get(how, _GOING)


def answer_here(exchange: Exchange, reply: SayReply) -> None:
    """Let the proxy itself answer, behind whatever the rules want beside an answer."""
    before = exchange.decision
    besides = before.besides() if before else ()
    rule = before.rule if before and besides else ""
    exchange.forwarded = False
    answer = Firing("", (reply,))
    exchange.decision = Decision(rule, (*besides, answer), True, NONE, reply.code)


def refusal_of_command(name: str) -> SayReply:
    """Return the reply to a command with this anomaly."""
    if name in (EARLY_COMMAND, PIPELINING):
        return SayReply(503, "5.5.1", (f"Refused: {name}",))
    return SayReply(500, "5.5.2", (f"Refused: {name}",))


def refusal_without_upstream(verb: str) -> SayReply:
    """Return the reply to a command behind a greeting of 4xx or 5xx (RFC 5321 §3.1)."""
    return _BYE if verb == "QUIT" else _NO_SERVICE


def refusal_of_message(name: str) -> SayReply:
    """Return the reply to a message with this anomaly in its mail data."""
    return SayReply(554, "5.6.0", (f"Message refused: {name}",))
