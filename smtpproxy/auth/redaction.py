"""Keeps secrets out of everything that is kept or shown.

Owns what counts as a secret: credentials of AUTH (RFC 4954), wherever they turn up again. The
mechanism stays, the length does not. What is relayed is never touched. What is secret in a line of
credentials is said by `credentialforms`; `echoes` finds it again.
"""

from __future__ import annotations

import base64
import re
from itertools import islice

from smtpproxy.auth.credentialforms import (
    decoded,
    is_name,
    responses,
    secrets_in,
    secrets_of_scram,
    verifiers_in,
)
from smtpproxy.auth.echoes import PLACEHOLDER, Echoes
from smtpproxy.exchange import Exchange
from smtpproxy.smtp.client import UNREADABLE
from smtpproxy.smtp.facts import Chunk, Continuation, MailData, Reply
from smtpproxy.smtp.verbs import KNOWN_VERBS

REDACTED_LINE = PLACEHOLDER + b"\r\n"

#: Mechanisms whose names are kept: the IANA registry's, and two of old. What stands in the place of
#: a mechanism and is none of these may be a secret.
_MECHANISMS = (
    b"ANONYMOUS|CRAM-MD5|DIGEST-MD5|EXTERNAL|GSSAPI|GS2-KRB5|KERBEROS_V[45]|LOGIN|NTLM|OAUTHBEARER"
    b"|PLAIN|SCRAM-SHA-(?:1|224|256|384|512)(?:-PLUS)?|SECURID|XOAUTH2?"
)
_AUTH = re.compile(rb"([ \t]*AUTH[ \t]+(" + _MECHANISMS + rb"))(?:[ \t]+[^\r\n]*)?\r?\n", re.I)
_LIKE_AUTH = re.compile(rb"([ \t]*AUTH)(?:[^\r\n]|\r(?!\n))*", re.I)
# With something else before it: garbage, the tag of an IMAP client, a header of HTTP. X-EXPS is how
# Exchange of old calls it.
_AUTH_WITHIN = re.compile(
    rb"(?:^|[\r\n])[^A-Za-z\r\n]*(?:AUTH|X-EXPS)"
    rb"|(?<![A-Za-z])AUTH(?:ENTICATE|ORIZATION)?(?![A-Za-z])"
    rb"|AUTH[ \t]+(?:" + _MECHANISMS + rb")(?![A-Za-z])",
    re.I,
)
# Behind a bare CR, which only the client takes for the end of a line.
_AUTH_BEHIND_CR = re.compile(rb"(?<=\r)[ \t]*AUTH[ \t][^\r\n]*", re.I)
_NAME_OF_MECHANISM = re.compile(rb"\A[\"'<]?(?:" + _MECHANISMS + rb")(?:[^A-Za-z0-9]+|$)", re.I)
_PROMPTS = frozenset({b"username:", b"password:", b"user name", b"user name\0", b"password\0"})
# A challenge that decodes as one but says nothing: <smtpproxy@localhost>.
_CHALLENGE = base64.b64encode(b"<smtpproxy@localhost>")


# The more words are told apart, the more a hostile line would cost; what is left is one of them.
_MOST_WORDS = 8

# Stages at which no client names a secret, unless it has authenticated before.
_HARMLESS = frozenset({"CONNECT", "END-OF-DATA", *KNOWN_VERBS} - {"AUTH"})


class Redactor:
    """What one session's secrets are, and how its facts look without them."""

    __slots__ = ("_echoes", "_given", "_mechanism", "_owed", "_refused", "active")

    def __init__(self) -> None:
        self.active = False  # the client has authenticated, or tried to
        self._refused = False  # and was not let in
        self._mechanism = b""
        self._given = 0  # responses that it has sent
        self._owed = 0  # and those that it has still to send, or has sent already
        self._echoes: Echoes | None = None  # until there are secrets

    def concerns(self, stage: str) -> bool:
        """Is there anything to redact in an exchange at this stage?"""
        return self._echoes is not None or self.active or stage not in _HARMLESS

    def know(self, secret: bytes) -> None:
        """Remember a secret that is none of the client's, but may be repeated to it."""
        self._known_echoes().learn_parts(secret)

    def sent(self, exchange: Exchange) -> bytes:
        """Return what the client sent, as it may be kept: b"" for a greeting or mail data."""
        command, stage = exchange.command, exchange.stage
        if command is None:
            return b""
        if type(command) is Continuation:
            shown = self._continuation(command.wire)
            self._took(1)
            self.fared(exchange)
            return shown
        if stage == "AUTH":
            shown = self._auth(command.wire)
            self.fared(exchange)
            return shown
        if stage in KNOWN_VERBS:
            self._owed = 0
            return self._known(command.wire)
        return self._unknown(exchange, command.wire)

    def told(self, wire: bytes) -> bytes:
        """Return a command that is none of AUTH, and that upstream was told, as it may be kept."""
        return self._known(wire)

    def foresee(self, exchange: Exchange) -> None:
        """Learn the secrets of an AUTH that is not answered yet."""
        # What is answered before it was sent before it: that is no secret.
        kept = self._refused, self._mechanism, self._given, self._owed
        self.sent(exchange)
        self._refused, self._mechanism, self._given, self._owed = kept

    def mail_data(self, fact: MailData | Chunk) -> MailData | Chunk:
        """Return mail data as they may be kept: there are no credentials in them."""
        return fact

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
        if reply is None or not (self.active or self._echoes):
            return reply
        if reply.code == 334:
            return self._challenge(reply)
        if exchange.stage == "AUTH":
            for secret in islice(verifiers_in(reply.wire), _MOST_WORDS):
                self._known_echoes().learn_parts(secret, encoded=False)
        wire = self.from_server(reply.wire)
        return reply if wire == reply.wire else Reply(reply.code, wire)

    def from_server(self, octets: bytes) -> bytes:
        """Return a server's octets as they may be kept: it may repeat what it was told."""
        return octets if self._echoes is None else self._echoes.without_lines(octets)

    def from_client(self, octets: bytes) -> bytes:
        """Return octets that are no whole command, such as an unfinished line."""
        return PLACEHOLDER if self.active or _AUTH_WITHIN.search(octets) else octets

    def _auth(self, wire: bytes) -> bytes:
        found = _AUTH.fullmatch(wire)
        words = wire.split(None, _MOST_WORDS)[1:]
        self._mechanism, self._given = found[2].upper() if found else b"", 0
        self._owed = responses(self._mechanism)
        for at, word in enumerate(words):
            if at or not found:
                self._learn(word)
            if at:
                self._took(1)
        if found:
            return found[1] + b" " + REDACTED_LINE if len(words) > 1 else wire
        return _LIKE_AUTH.sub(rb"\1 " + PLACEHOLDER, wire)

    def _took(self, number: int) -> None:
        self._given += number
        self._owed = max(0, self._owed - number)

    def _known(self, wire: bytes) -> bytes:
        """A command that is none of AUTH, but for what a bare CR may hide in it."""
        if not (found := _AUTH_BEHIND_CR.search(wire)):
            return wire
        self.active = True
        for word in found[0].split(None, _MOST_WORDS)[1:]:
            self._learn(word)
        return _AUTH_BEHIND_CR.sub(b"AUTH " + PLACEHOLDER, wire)

    def _unknown(self, exchange: Exchange, wire: bytes) -> bytes:
        # Behind an AUTH that was refused, or taken too early, come lines that were meant as
        # credentials.
        if self._refused or self._owed:
            self._learn(wire)
            self._took(1)
            return REDACTED_LINE
        if not _AUTH_WITHIN.search(wire):
            if exchange.heard is not None and exchange.heard.code == 334:
                self.fared(exchange)  # AUTH by another name
            return wire
        if not _LIKE_AUTH.match(wire):
            wire = b"AUTH " + wire
        shown = self._auth(wire)
        self.fared(exchange)
        return shown

    def _continuation(self, wire: bytes) -> bytes:
        if wire.strip() == b"*":  # RFC 4954 §4: the client cancels
            return wire
        self._learn(wire)
        return REDACTED_LINE

    def _challenge(self, reply: Reply) -> Reply:
        text = reply.wire[4:].strip()
        message = decoded(text)
        if not text or message.lower() in _PROMPTS:
            return reply
        echoes = self._known_echoes()
        echoes.learn_parts(text, encoded=False)
        for secret in secrets_of_scram(message):
            echoes.learn_parts(secret)
        return Reply(reply.code, b"334 " + _CHALLENGE + b"\r\n")

    def _learn(self, wire: bytes) -> None:
        """Remember a secret, so that it is known when a server repeats it."""
        token = _NAME_OF_MECHANISM.sub(b"", wire.strip(), count=1)
        response, echoes = decoded(token), self._known_echoes()
        echoes.learn_parts(token, encoded=not response)
        if is_name(self._mechanism, self._given):
            echoes.learn(response)
            return
        for secret in secrets_in(response):
            echoes.learn_parts(secret)

    def _known_echoes(self) -> Echoes:
        if self._echoes is None:
            self._echoes = Echoes()
        return self._echoes
