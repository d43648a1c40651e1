"""Replies in text that a person has pasted: a bare reply, or the log of an MTA or of this proxy.

Owns the guess of where in a line the reply stands, and of what it answered. Never raises: a line
without a reply is no reply.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import NamedTuple

import msgspec

from smtpproxy.codes import stage_name
from smtpproxy.smtp.facts import Reply

#: A reply within a line. Behind words that introduce one it may stand anywhere; else a code that is
#: neither part of a number, a time or an address must be followed by an enhanced status code, or
#: begin the line.
_INTRODUCED = re.compile(
    r"""
    (?: \b(?:said|says|replied) | \bresponse(?:\ was)? | \bstat=[^:]{0,80}
      | refused\ to\ talk\ to\ me                        # Postfix
      | \berror\ from[^:]{0,80}(?::<[^>]{0,320}>)?         # Exim: error from … after RCPT TO:<…>
      | Diagnostic-Code:\ *smtp\ *;                        # RFC 3464 §2.3.6
      | <-{1,2} | <~\*? | <\*\* | \bS                       # swaks, and dialogues
    )
    \s*:?\s*["'(]?(?P<reply>[2-5][0-9]{2}[ -].*)
    """,
    re.I | re.VERBOSE,
)
_BEGINS = re.compile(r"\s*[\"'(]*(?P<reply>[2-5][0-9]{2}(?:[ -].*|$))")
_ENHANCED = re.compile(
    r"(?:^|[^0-9.:,-])(?P<reply>[2-5][0-9]{2}[ -]#?[245]\.[0-9]{1,3}\.[0-9]{1,3}\b.*)"
)

#: Words of MTAs for what a reply answered, and its stage: of Postfix, Exim, and of this proxy.
_ANSWERED = tuple(
    (re.compile(pattern, re.I), stage)
    for pattern, stage in (
        (r"end of data|after (?:pipelined )?(?:data )?end|sending message content", "END-OF-DATA"),
        (r"(?:in reply to|after (?:pipelined )?)\s*MAIL", "MAIL"),
        (r"(?:in reply to|after (?:pipelined )?)\s*RCPT", "RCPT"),
        (r"(?:in reply to|after (?:pipelined )?)\s*DATA", "DATA"),
        (r"(?:in reply to|after)\s*(?:sending )?EHLO", "EHLO"),
        (r"(?:in reply to|after)\s*(?:sending )?HELO", "HELO"),
        (r"(?:in reply to|after)\s*STARTTLS", "STARTTLS"),
        (r"(?:in reply to|after)\s*AUTH", "AUTH"),
        (r"initial connection|refused to talk to me", "CONNECT"),
    )
)
# This proxy's own text log: the columns of a reply stand behind what was sent.
_OWN = re.compile(
    r"^[0-9:.]+ #[0-9]+ (?P<verb>[A-Za-z-]+)\b.* "
    r"(?P<code>[2-5][0-9]{2}) (?P<enhanced>[245]\.[0-9]+\.[0-9]+|) *"
    r" (?:success|intermediate|transient|permanent|unknown) +(?P<text>.*)"
)
# What it tells of TLS is no reply: peers choose the names in it.
_OWN_TLS = re.compile(r"^[0-9:.]+ #[0-9]+ \* tls(?:-failed)? ")
_OWN_REMARKS = re.compile(r"( \([^()]*\))* *(\[[^]]*\])?$")
#: Characters of a line that are looked at.
_LONGEST = 4096
#: Lines of one reply.
_MOST = 128
#: What MTAs append to a reply that they quote.
_TAIL = re.compile(r" ?\((?:in reply to|after)[^)]{0,80}\)+$|[\"')]+$", re.I)


class Pasted(NamedTuple):
    """A reply, the stage that it answered, or "", and the number of its last line."""

    reply: Reply
    stage: str
    line: int


def replies_in(lines: Iterable[str]) -> Iterator[Pasted]:
    """Yield the replies in these lines; the lines of a multiline reply are one."""
    before: list[str] = []
    stage, number = "", 0
    for number, line in enumerate(lines, start=1):
        found = _in_line(line.rstrip("\r\n")[:_LONGEST])
        if before and (found is None or found[0][:3] != before[0][:3] or len(before) >= _MOST):
            yield Pasted(_reply(before), stage, number - 1)  # its end was not pasted
            before = []
        if found is None:
            continue
        text, stage = found
        before.append(text)
        # As MTAs log them, the lines of a reply stand in one.
        if text[3:4] == "-" and text.count(f" {text[:3]} ") == 0:
            continue
        yield Pasted(_reply(before), stage, number)
        before = []
    if before:
        yield Pasted(_reply(before), stage, number)


def _in_line(line: str) -> tuple[str, str] | None:
    """Return the reply in a line and the stage that it answered, or None."""
    if line.startswith("{"):
        return _in_json(line)
    if _OWN_TLS.match(line):
        return None
    if own := _OWN.match(line):
        text = _OWN_REMARKS.sub("", own["text"])
        words = filter(None, (own["code"], own["enhanced"], text))
        return " ".join(words), stage_name(own["verb"]) or ""
    for pattern in (_BEGINS, _INTRODUCED, _ENHANCED):
        found = pattern.match(line) if pattern is _BEGINS else pattern.search(line)
        if found:
            text = found["reply"] if pattern is _BEGINS else _TAIL.sub("", found["reply"])
            return text, _stage(line)
    return None


class _Logged(msgspec.Struct):
    """What is read of a record of this proxy's JSON log."""

    stage: str
    code: int
    text: str
    enhanced: str = ""


def _in_json(line: str) -> tuple[str, str] | None:
    try:
        record = msgspec.json.decode(line, type=_Logged)
    except msgspec.MsgspecError:
        return None
    text = " ".join(filter(None, (record.enhanced, record.text.replace("\n", " "))))
    if not 200 <= record.code <= 599:
        return None
    return f"{record.code} {text}", stage_name(record.stage) or ""


def _stage(line: str) -> str:
    return next((stage for pattern, stage in _ANSWERED if pattern.search(line)), "")


def _reply(lines: list[str]) -> Reply:
    code = lines[-1][:3]
    wire = [f"{line}\r\n" for line in lines]
    wire[-1] = f"{code} {lines[-1][4:]}\r\n"
    return Reply(int(code), "".join(wire).encode("utf-8", "surrogateescape"))
