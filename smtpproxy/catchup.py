"""What a client has said to a cassette, said again to upstream where the cassette does not go on.

Owns what the server must answer for the session to go on: what the client has heard.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from smtpproxy.actions import Side, StartTls
from smtpproxy.aside import Aside, AsideError, heard
from smtpproxy.exchange import Exchange
from smtpproxy.introduction import Introduction
from smtpproxy.smtp.ehlo import keyword_of
from smtpproxy.smtp.facts import Command, Continuation, Reply
from smtpproxy.smtp.state import HELLO
from smtpproxy.visible import visible

FACT = "not-caught-up"
#: What a client sends by these can be sent again: it answers no challenge (RFC 4616).
_REPEATABLE = frozenset({b"PLAIN", b"LOGIN", b"XOAUTH2"})
#: What replay takes out of its reply to EHLO where a cassette can't keep it up.
_NEVER_OFFERED = frozenset({b"STARTTLS", b"AUTH"})


class Said(NamedTuple):
    """Something that the client said, and what it heard."""

    command: Command | Continuation | None  # None: it connected
    reply: Reply
    told: bytes = b""  # what upstream is to be told for it, where that is something else

    @property
    def stage(self) -> str:
        """Where in the dialogue this is."""
        if self.command is None:
            return "CONNECT"
        return self.command.verb if isinstance(self.command, Command) else "AUTH"


def catching_up(
    history: Iterable[Said], introduction: Introduction, told: Callable[[Exchange], None]
) -> Aside:
    """Return the dialogue that brings upstream to where the client believes it to be.

    `told` hears each exchange of it. It returns the greeting where the client has heard none, and
    raises AsideError where upstream says otherwise than the client has heard.
    """
    greeting = yield from introduction.aside()
    said = list(history)
    if not said or greeting is None:
        return greeting
    _same("the greeting", said[0].reply, greeting)
    _tell(told, None, greeting)
    for one in said[1:]:
        if one.command is None:
            continue
        _check_auth(one)
        reply = heard((yield one.told or one.command.wire))
        _same(one.stage, one.reply, reply)
        _tell(told, one.command, reply)
        if one.stage == "STARTTLS":
            yield StartTls(Side.UPSTREAM)
    return None


def _tell(
    told: Callable[[Exchange], None], command: Command | Continuation | None, reply: Reply
) -> None:
    stage = Said(command, reply).stage
    exchange = Exchange(stage, command, 0.0)
    exchange.said = exchange.heard = reply
    told(exchange)


def _check_auth(one: Said) -> None:
    if not isinstance(one.command, Command) or one.stage != "AUTH":
        return
    mechanism = (one.command.argument.split() or [b""])[0].upper()
    if mechanism not in _REPEATABLE:
        shown = mechanism.decode("ascii", "replace")
        raise AsideError(f"the client's {shown} answers a challenge, and can't be sent again", FACT)


def _same(where: str, before: Reply, now: Reply) -> None:
    if before.code != now.code:
        problem = f"at {where} upstream says {now.code}, and the cassette {before.code}"
        raise AsideError(problem, FACT)
    if where in HELLO and (differing := _differing(_keywords(before), _keywords(now))):
        names = ", ".join(sorted(map(visible, differing)))
        raise AsideError(f"upstream and the cassette do not offer the same: {names}", FACT)


def _differing(before: set[bytes], now: set[bytes]) -> set[bytes]:
    return (before ^ now) - (_NEVER_OFFERED - before)


def _keywords(reply: Reply) -> set[bytes]:
    return set(map(keyword_of, reply.lines[1:]))
