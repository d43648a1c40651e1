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
REDACTED_LINE = PLACEHOLDER + b"\r\n"

#: Mechanisms whose names are kept: the IANA registry's, and two of old. What stands in the place of
#: a mechanism and is none of these may be a secret.
_MECHANISMS = (
    b"ANONYMOUS|CRAM-MD5|DIGEST-MD5|EXTERNAL|GSSAPI|GS2-KRB5|KERBEROS_V[45]|LOGIN|NTLM|OAUTHBEARER"
    b"|PLAIN|SCRAM-SHA-(?:1|224|256|384|512)(?:-PLUS)?|SECURID|XOAUTH2?"
)
_AUTH = re.compile(rb"([ \t]*AUTH[ \t]+(?:" + _MECHANISMS + rb"))(?:[ \t]+[^\r\n]*)?\r?\n", re.I)
_LIKE_AUTH = re.compile(rb"([ \t]*AUTH)(?:[^\r\n]|\r(?!\n))*", re.I)
_PROMPTS = frozenset({b"username:", b"password:", b"user name", b"user name\0", b"password\0"})
# A challenge that decodes as one but says nothing: <smtpproxy@localhost>.
_CHALLENGE = base64.b64encode(b"<smtpproxy@localhost>")
# The token in XOAUTH2 and OAUTHBEARER (RFC 7628 §3.1).
_BEARER = re.compile(rb"auth=[^\x01 ]* *([^\x01]+)", re.I)
#: Shorter texts are too common to be taken for a secret that is repeated.
_SHORTEST = 4
_MOST = 32


# Stages at which no client names a secret, unless it has authenticated before.
_HARMLESS = frozenset({"CONNECT", "END-OF-DATA", *KNOWN_VERBS} - {"AUTH"})


class Redactor:
    """What one session's secrets are, and how its facts look without them."""

    __slots__ = ("_refused", "_secrets", "active")

    def __init__(self) -> None:
        self.active = False  # the client has authenticated, or tried to
        self._refused = False  # and was not let in
        self._secrets: list[bytes] = []

    def concerns(self, stage: str) -> bool:
        """Is there anything to redact in an exchange at this stage?"""
        return self.active or stage == "AUTH" or stage not in _HARMLESS

    def sent(self, exchange: Exchange) -> bytes:
        """Return what the client sent, as it may be kept: b"" for a greeting or mail data."""
        command = exchange.command
        if command is None:
            return b""
        if type(command) is Continuation:
            self.fared(exchange)
            return self._continuation(command.wire)
        if exchange.stage == "AUTH":
            self.fared(exchange)
            return self._auth(command.wire)
        if exchange.stage in KNOWN_VERBS:
            return command.wire
        # Behind an AUTH that was refused come lines that were meant as credentials.
        if self._refused:
            self._learn(command.wire)
            return REDACTED_LINE
        if not _LIKE_AUTH.match(command.wire):
            return command.wire
        self.fared(exchange)
        return self._auth(command.wire)

    def foresee(self, exchange: Exchange) -> None:
        """Learn the secrets of an AUTH that is not answered yet."""
        # What is answered before it was sent before it: that is no secret.
        refused = self._refused
        self.sent(exchange)
        self._refused = refused

    def stage(self, exchange: Exchange, sent: bytes) -> str:
        """Return the stage as it may be kept: the verb of a line that is a secret is part of it."""
        if exchange.stage in KNOWN_VERBS:
            return exchange.stage
        if sent is REDACTED_LINE:
            return UNREADABLE
        return "AUTH" if _LIKE_AUTH.match(sent) else exchange.stage

    def fared(self, exchange: Exchange) -> None:
        """Take note of how an AUTH, or what looks like one, was answered."""
        self.active = True
        self._refused = exchange.heard is None or exchange.heard.code // 100 != 2

    def said(self, exchange: Exchange, reply: Reply | None) -> Reply | None:
        """Return a reply as it may be kept."""
        if reply is None or not self.active:
            return reply
        if exchange.stage == "AUTH" and reply.code == 334:
            return self._challenge(reply)
        wire = self.from_server(reply.wire)
        return reply if wire == reply.wire else Reply(reply.code, wire)

    def from_server(self, octets: bytes) -> bytes:
        """Return a server's octets as they may be kept: it may repeat what it was told."""
        for secret in self._secrets:
            octets = octets.replace(secret, PLACEHOLDER)
        return octets

    def from_client(self, octets: bytes) -> bytes:
        """Return octets that are no whole command, such as an unfinished line."""
        return PLACEHOLDER if self.active or _LIKE_AUTH.match(octets) else octets

    def _auth(self, wire: bytes) -> bytes:
        words = wire.split(None, 2)
        found = _AUTH.fullmatch(wire)
        for word in words[2:] if found else words[1:]:
            self._learn(word)
        if found:
            return found[1] + b" " + REDACTED_LINE if len(words) > 2 else wire
        return _LIKE_AUTH.sub(rb"\1 " + PLACEHOLDER, wire)

    def _continuation(self, wire: bytes) -> bytes:
        if wire.strip() == b"*":  # RFC 4954 §4: the client cancels
            return wire
        self._learn(wire)
        return REDACTED_LINE

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
        found += _BEARER.findall(decoded)
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
