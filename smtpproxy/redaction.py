"""Keeps secrets out of everything that is kept or shown.

Owns what counts as a secret: credentials of AUTH (RFC 4954), wherever they turn up again. The
mechanism stays, the length does not. What is relayed is never touched.
"""

from __future__ import annotations

import base64
import binascii
import re

from smtpproxy.exchange import Exchange
from smtpproxy.smtp.client import UNREADABLE
from smtpproxy.smtp.facts import Continuation, Reply
from smtpproxy.smtp.verbs import KNOWN_VERBS

PLACEHOLDER = b"[redacted]"
_LINE = PLACEHOLDER + b"\r\n"

_AUTH = re.compile(rb"([ \t]*AUTH[ \t]+[A-Za-z0-9_-]{1,20})[ \t]+[^\r\n]*", re.IGNORECASE)
_PROMPTS = frozenset({b"username:", b"password:", b"user name", b"user name\0", b"password\0"})
# A challenge that decodes as one but says nothing: <smtpproxy@localhost>.
_CHALLENGE = base64.b64encode(b"<smtpproxy@localhost>")
#: Shorter texts are too common to be taken for a secret that is repeated.
_SHORTEST = 4
_MOST = 32


class Redactor:
    """What one session's secrets are, and how its facts look without them."""

    __slots__ = ("_mechanism", "_secrets")

    def __init__(self) -> None:
        self._mechanism = b""  # of the last AUTH; b"" while the client has not authenticated
        self._secrets: list[bytes] = []

    @property
    def active(self) -> bool:
        """Has the client authenticated, or tried to?"""
        return self._mechanism != b""

    def sent(self, exchange: Exchange) -> bytes:
        """Return what the client sent, as it may be kept: b"" for a greeting or mail data."""
        command = exchange.command
        if command is None:
            return b""
        if type(command) is Continuation:
            return self._continuation(command.wire)
        if exchange.stage == "AUTH":
            return self._auth(command.wire)
        # Behind an AUTH that was refused come lines that were meant as credentials.
        if self._mechanism and exchange.stage not in KNOWN_VERBS:
            self._learn(command.wire)
            return _LINE
        return command.wire

    def stage(self, exchange: Exchange, sent: bytes) -> str:
        """Return the stage as it may be kept: the verb of a line that is a secret is part of it."""
        return UNREADABLE if sent is _LINE and exchange.stage != "AUTH" else exchange.stage

    def said(self, exchange: Exchange, reply: Reply | None) -> Reply | None:
        """Return a reply as it may be kept."""
        if reply is None or not self._mechanism:
            return reply
        if exchange.stage == "AUTH" and reply.code == 334:
            return self._challenge(reply)
        wire = reply.wire
        for secret in self._secrets:
            wire = wire.replace(secret, PLACEHOLDER)
        return reply if wire is reply.wire else Reply(reply.code, wire)

    def octets(self, octets: bytes) -> bytes:
        """Return octets of no particular kind, such as an unfinished line, as they may be kept."""
        if not self._mechanism and b"AUTH" not in octets.lstrip()[:16].upper():
            return octets
        return PLACEHOLDER

    def _auth(self, wire: bytes) -> bytes:
        words = wire.split(None, 2)
        self._mechanism = words[1].upper() if len(words) > 1 else b"?"
        if len(words) > 2:
            self._learn(words[2])
        return _AUTH.sub(rb"\1 " + PLACEHOLDER, wire)

    def _continuation(self, wire: bytes) -> bytes:
        if wire.strip() == b"*":  # RFC 4954 §4: the client cancels
            return wire
        self._learn(wire)
        return _LINE

    def _challenge(self, reply: Reply) -> Reply:
        text = reply.wire[4:].strip()
        if not text or _decoded(text).lower() in _PROMPTS:
            return reply
        return Reply(reply.code, b"334 " + _CHALLENGE + b"\r\n")

    def _learn(self, wire: bytes) -> None:
        """Remember a secret, so that it is known when a server repeats it."""
        token = wire.strip()
        decoded = _decoded(token)
        found = [token, decoded, decoded.rpartition(b"\0")[2], decoded.rpartition(b" ")[2]]
        for secret in found:
            if len(secret) >= _SHORTEST and secret not in self._secrets:
                self._secrets.append(secret)
        # The longest first, so that no part of a secret outlives the whole.
        self._secrets = sorted(self._secrets[-_MOST:], key=len, reverse=True)


def _decoded(token: bytes) -> bytes:
    try:
        return base64.b64decode(token, validate=True)
    except (binascii.Error, ValueError):
        return b""
