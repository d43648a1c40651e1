"""What is odd in a recorded session: what its client may not do, and what can't have happened.

Owns how a session is walked through. What a command may be is for `statelint`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from smtpproxy.cassette.matching import begins_tls
from smtpproxy.cassette.model import END_OF_DATA, STRAY, UNSOLICITED, Recorded, RecordedSession
from smtpproxy.cassette.replies import replies_in
from smtpproxy.pairing import PER_RECIPIENT, ends_message
from smtpproxy.smtp.anomalies import (
    CLASS_CONTRADICTS,
    OF_SESSION,
    OF_UPSTREAM,
    reply_anomalies,
)
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.server import final_code
from smtpproxy.smtp.state import HELLO, State
from smtpproxy.statelint import oddities
from smtpproxy.visible import visible_text

NO_QUIT, NO_CODE, NO_REPLY = "no-quit", "reply-without-code", "reply-missing"
NO_MESSAGE, NO_DATA, MANY_REPLIES = "message-missing", "message-without-354", "many-replies"

#: All that is looked for, by name.
CONDUCT = {
    **OF_SESSION,
    NO_QUIT: "the client left without QUIT (RFC 5321 §4.1.1.10)",
    NO_CODE: "a reply without a code (RFC 5321 §4.2)",
    NO_REPLY: "no reply, and a later command has one",
    NO_MESSAGE: "DATA was answered with 354, and no message follows",
    NO_DATA: "a message that no 354 asked for",
    MANY_REPLIES: "more than one reply to one command",
    CLASS_CONTRADICTS: OF_UPSTREAM[CLASS_CONTRADICTS],
}
_LEFT = frozenset({"quit", "client-drop"})


class Finding(NamedTuple):
    """Something odd, by name, in a line of the cassette."""

    line: int
    name: str
    detail: str = ""

    def __str__(self) -> str:
        told = f": {visible_text(self.detail)}" if self.detail else ""
        return f"{CONDUCT[self.name]}{told} [{self.name}]"


def findings(session: RecordedSession) -> Iterator[Finding]:
    """Yield what is odd in a session, in the order of its lines; behind its end, anything is."""
    if session.behind:
        return
    state = State()
    expects_message = False
    answered = _last_answered(session.dialogue)
    for at, one in enumerate(session.dialogue):
        if one.stage == STRAY:
            continue
        if one.stage not in (UNSOLICITED, "CONNECT"):
            yield from _sent(one, state)
            if expects_message is not (one.stage == END_OF_DATA):
                yield Finding(one.line, NO_MESSAGE if expects_message else NO_DATA)
        yield from _answered(one, at < answered, state)
        expects_message = one.stage == "DATA" and 300 <= final_code(one.heard or b"") < 400
        if one.stage != UNSOLICITED:
            _observe(one, state, session.followed)
    yield from _ending(session)


def _last_answered(dialogue: list[Recorded]) -> int:
    """Return where the last exchange is that has an answer: what comes before it has one, too."""
    places = (at for at in range(len(dialogue) - 1, -1, -1) if _has_answer(dialogue[at]))
    return next(places, -1)


def _has_answer(one: Recorded) -> bool:
    return one.stage not in (UNSOLICITED, STRAY) and one.heard is not None


def _sent(one: Recorded, state: State) -> Iterator[Finding]:
    for odd in oddities(one.stage, one.sent, one.pipelined, state):
        yield Finding(one.line, *odd)


def _answered(one: Recorded, must_be: bool, state: State) -> Iterator[Finding]:
    if one.heard is None:
        if must_be and not one.changed:
            yield Finding(one.line, NO_REPLY)
        return
    replies = replies_in(one.heard)
    if not replies:
        yield Finding(one.line, NO_CODE)
    if len(replies) > 1 and not _for_recipients(one, replies, state):
        yield Finding(one.line, MANY_REPLIES)
    for reply in replies:
        if reply.enhanced and CLASS_CONTRADICTS in reply_anomalies(reply):
            yield Finding(one.line, CLASS_CONTRADICTS, f"{reply.code} {reply.enhanced}")


def _for_recipients(one: Recorded, replies: list[Reply], state: State) -> bool:
    """Is this a message whose recipients each have a reply?"""
    command = parse_command(one.sent) if one.sent else None
    each = state.lmtp or replies[0].code == PER_RECIPIENT
    return each and ends_message(one.stage, command)


def _observe(one: Recorded, state: State, followed: bool) -> None:
    heard = one.heard or b""
    code = final_code(heard)
    state.observe(one.stage, parse_command(one.sent) if one.sent else None, code)
    if one.stage in HELLO and code == 250:
        state.greeted_again(Reply(code, heard))
    if followed and begins_tls(one.stage, one.heard):
        state.start_over()


def _ending(session: RecordedSession) -> Iterator[Finding]:
    commands = [one for one in session.dialogue if one.sent]
    if session.ended not in _LEFT or session.opaque or not commands:
        return
    closed = any(final_code(one.heard or b"") == 421 for one in session.dialogue)
    if not closed and all(one.stage != "QUIT" for one in commands):
        yield Finding(session.dialogue[-1].line, NO_QUIT)
