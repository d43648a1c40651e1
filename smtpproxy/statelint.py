"""What a client does that its session does not allow: in the wrong order, or without an offer.

Looks at one command and the state before it; shared by `smtpproxy lint` and the transcript of a
session. The names, and what is odd in octets by themselves, are in `smtp/anomalies.py`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from smtpproxy.smtp.anomalies import (
    BEFORE_HELLO,
    NESTED_MAIL,
    NO_MAIL,
    NO_RECIPIENT,
    NOT_OFFERED,
)
from smtpproxy.smtp.facts import Command, Reply
from smtpproxy.smtp.path import parse_path
from smtpproxy.smtp.server import final_code
from smtpproxy.smtp.state import Phase, State

_NEEDS_HELLO = frozenset(
    {"MAIL", "RCPT", "DATA", "BDAT", "AUTH", "STARTTLS", "ETRN", "SEND", "SOML", "SAML"}
)
_UNGREETED = (Phase.CONNECTED, Phase.GREETED)
_BEGINS = frozenset({"MAIL", "SEND", "SOML", "SAML"})
#: The keyword of the extension that a command belongs to.
_OFFERED_AS = {"STARTTLS": "STARTTLS", "BDAT": "CHUNKING", "ETRN": "ETRN", "BURL": "BURL"}
#: The keyword of the extension that a parameter of MAIL or RCPT belongs to, if it is another one.
_PARAMETERS = {
    "BODY": "8BITMIME",
    **dict.fromkeys(("RET", "ENVID", "NOTIFY", "ORCPT"), "DSN"),
    "BY": "DELIVERBY",
    **dict.fromkeys(("HOLDFOR", "HOLDUNTIL"), "FUTURERELEASE"),
    "SOLICIT": "NO-SOLICITING",
    "TRANSID": "CHECKPOINT",
}


#: What of a session is looked at, and the phases in which that is as it should be.
_IN_ORDER = {
    "MAIL": frozenset({Phase.IDLE}),
    "RCPT": frozenset({Phase.MAIL, Phase.RCPT}),
    "DATA": frozenset({Phase.RCPT}),
}
LOOKED_AT = _NEEDS_HELLO | _OFFERED_AS.keys()
#: Numbers differ from message to message, and are never why a parameter is refused here.
_NUMBER = re.compile(rb"=[0-9]+")
#: Octets of parameters and reply that are remembered.
_OFTEN = 1024


class Oddity(NamedTuple):
    """Something that a session does not allow; `detail` says what of several, or is ""."""

    name: str
    detail: str = ""


def session_anomalies(stage: str, sent: bytes, pipelined: bool, state: State) -> tuple[str, ...]:
    """Return the names of what is odd in a command; most are not, and cost next to nothing."""
    if state.phase in _IN_ORDER.get(stage, ()):
        rest = sent[sent.find(b">") + 1 :]
        if rest == b"\r\n" or stage == "DATA":
            return ()
        hello = state.hello
        # Long ones don't come often, and to remember them would cost what peers like.
        if len(rest) + len(hello) <= _OFTEN and _all_offered(_NUMBER.sub(b"=0", rest), hello):
            return ()
    return tuple(dict.fromkeys(name for name, _ in oddities(stage, sent, pipelined, state)))


@lru_cache(maxsize=1024)
def _all_offered(parameters: bytes, hello: bytes) -> bool:
    """Does this reply to EHLO offer all that stands behind a path?"""
    state = State()
    state.greeted_again(Reply(final_code(hello), hello))
    return not any(_parameters("MAIL", b"MAIL FROM:<>" + parameters, state))


def oddities(stage: str, sent: bytes, pipelined: bool, state: State) -> Iterator[Oddity]:
    """Yield what is odd in a command, given the state before it.

    `pipelined`: it was sent before the reply to the one before it was there. Then its client could
    not know how that fared (RFC 2920 §3.1), and only what it knew is held against it.
    """
    phase = state.phase
    if stage in _NEEDS_HELLO and phase in _UNGREETED and not _continues(stage, sent):
        if not pipelined:
            yield Oddity(BEFORE_HELLO)
        return
    if stage in _BEGINS:
        if phase in (Phase.MAIL, Phase.RCPT):
            yield Oddity(NESTED_MAIL)
        yield from _parameters(stage, sent, state)
    elif stage == "RCPT":
        if phase == Phase.IDLE and not pipelined:
            yield Oddity(NO_MAIL)
        yield from _parameters(stage, sent, state)
    elif stage in ("DATA", "BDAT") and not state.recipients and not pipelined:
        yield Oddity(NO_RECIPIENT)
    if stage in _OFFERED_AS and _OFFERED_AS[stage] not in state.keywords:
        yield Oddity(NOT_OFFERED, stage)
    elif stage == "AUTH" and not _continues(stage, sent):
        yield from _mechanism(sent, state.keywords)


def _continues(stage: str, sent: bytes) -> bool:
    """Is this a line of credentials rather than a command?"""
    return stage == "AUTH" and sent[:4].upper() != b"AUTH"


def _parameters(stage: str, sent: bytes, state: State) -> Iterator[Oddity]:
    if sent.find(b">") == len(sent) - 3:
        return  # the usual case: there is none
    path = parse_path(Command(stage, sent).argument)
    keywords = state.keywords if path is not None and path.parameters else {}
    for keyword, value in path.parameters if path is not None else ():
        binary = keyword == "BODY" and value.upper() == "BINARYMIME"
        needed = "BINARYMIME" if binary else _PARAMETERS.get(keyword, keyword)
        if needed not in keywords and not (needed == "AUTH" and _mechanisms(keywords)):
            yield Oddity(NOT_OFFERED, f"{keyword}={value}" if value else keyword)


def _mechanism(sent: bytes, keywords: dict[str, str]) -> Iterator[Oddity]:
    words = sent.upper().split()
    mechanism = words[1].decode("ascii", "backslashreplace") if len(words) > 1 else ""
    if mechanism not in _mechanisms(keywords):
        yield Oddity(NOT_OFFERED, f"AUTH {mechanism}".strip())


def _mechanisms(keywords: dict[str, str]) -> set[str]:
    """Return the mechanisms on offer, also those in the form `AUTH=LOGIN` of old servers."""
    lines = (f"{keyword} {rest}" for keyword, rest in keywords.items() if keyword[:4] == "AUTH")
    return {word for line in lines for word in line.upper().replace("=", " ").split()[1:]}
