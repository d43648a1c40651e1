"""How the encryption of one session's legs relates, and how far it has come (RFC 3207).

Owns what STARTTLS means in each relation, and which EHLO keywords are true for the client's leg.
Knows no certificate and no connection.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from smtpproxy.actions import Action, Side, StartTls
from smtpproxy.exchange import Exchange
from smtpproxy.faults.reply import SayReply
from smtpproxy.faults.tls import PLAIN_TEXT, WITHOUT
from smtpproxy.refusals import answer_here
from smtpproxy.smtp.ehlo import edited, keyword_of, without_mechanisms
from smtpproxy.smtp.facts import Reply

MIRROR: Final = "mirror"  # both legs or none, as the client asks and upstream answers
TERMINATE: Final = "terminate"  # the client's leg alone
ORIGINATE: Final = "originate"  # upstream's alone
STRIP: Final = "strip"  # none, and the client is not offered it
OPAQUE: Final = "opaque"  # whatever follows passes unread
RELATIONS = (MIRROR, TERMINATE, ORIGINATE, STRIP, OPAQUE)

STARTTLS, READY = "STARTTLS", 220
_GO_AHEAD = SayReply(READY, "2.0.0", ("Ready to start TLS",))
#: What a server that has begun no TLS says to a ClientHello.
_PLAIN_TEXT = SayReply(500, "5.5.2", ("Syntax error, command unrecognized",)).octets("", "")
_NOT_OFFERED = SayReply(502, "5.5.1", ("STARTTLS is not offered",))
_ACTIVE = SayReply(503, "5.5.1", ("TLS is active already",))
#: RFC 3207 §4: TLS not available due to temporary reason.
UNAVAILABLE = SayReply(454, "4.7.0", ("TLS not available due to temporary reason",))


def relation_of(asked: str, secure: bool) -> str:
    """Return how the legs relate; `secure`: upstream's has TLS from its first octet on.

    `asked` is "" where nobody said. Raises ValueError where that can't be.
    """
    if not asked:
        return ORIGINATE if secure else MIRROR
    if asked == MIRROR and secure:
        raise ValueError(
            "mirror needs an upstream that can be asked for STARTTLS, and this one has TLS from "
            "its first octet on; expected originate, or terminate for clients that want TLS, too"
        )
    return asked


class Encryption:
    """What of one session is encrypted. `unready` says why it can't be, or ""."""

    __slots__ = (
        *("_plain_text", "_unready", "_within", "beginning", "client", "follows"),
        *("mirrors", "relation", "upstream", "waiting"),
    )

    def __init__(
        self,
        relation: str = OPAQUE,
        unready: Callable[[], str] = lambda: "",
        within: bool = False,
    ) -> None:
        """`within`: upstream is in this process, where there is nothing to encrypt."""
        self.relation = relation
        self._within = within
        self.mirrors = relation == MIRROR
        self.follows = relation in (MIRROR, TERMINATE)
        self.client = False  # its leg is encrypted
        self.upstream = False
        self.beginning: Side | None = None  # whose handshake is under way
        # The client asked for TLS: it has nothing to say until that has begun, or was refused.
        self.waiting = False
        self._plain_text = b""  # what it hears, once, instead of a handshake
        self._unready = unready

    @property
    def owing(self) -> bool:
        """Is upstream to be asked for TLS at once? The client has it from the first octet on."""
        return self.mirrors and self.client and not (self.upstream or self._within)

    @property
    def mirrored(self) -> bool:
        """Was upstream's leg encrypted for its client, so that upstream has forgotten, too?"""
        return self.mirrors and self.upstream

    def stands(self, side: Side) -> bool:
        """A leg is encrypted; return whether that was waited for."""
        if side is Side.CLIENT:
            self.client, self.waiting = True, False
        else:
            self.upstream = True
        awaited, self.beginning = self.beginning is side, None
        return awaited

    def fails(self, side: Side) -> bool:
        """A leg will not be encrypted, or is no more; return whether that was waited for."""
        awaited = self.beginning is side
        if awaited:
            self.beginning = None
        return awaited

    def begin(self, flaw: str) -> list[Action]:
        """The client heard 220: begin TLS with it, with what is to be wrong with that."""
        self.waiting = True
        self._plain_text = _PLAIN_TEXT if flaw == PLAIN_TEXT else b""
        if flaw in WITHOUT:
            return []
        self.beginning = Side.CLIENT
        return [StartTls(Side.CLIENT, flaw)]

    def instead(self) -> bytes:
        """Return what the client hears, instead of a handshake, to its first octets."""
        octets, self._plain_text = self._plain_text, b""
        return octets

    def decide(self, exchange: Exchange) -> str:
        """Decide what becomes of a STARTTLS on which the rules were heard.

        Returns whose leg can't have TLS, and why, or "".
        """
        decision = exchange.decision
        if decision is not None and decision.answers and decision.code != READY:
            return ""
        refusal, why = self._refusal()
        if refusal is not None:
            exchange.decision = None  # no rule has to do with it
            answer_here(exchange, refusal)
        elif self.relation == TERMINATE:
            exchange.forwarded = False
            if decision is None or not decision.answers:
                answer_here(exchange, _GO_AHEAD)
        return why

    def _refusal(self) -> tuple[SayReply | None, str]:
        if self.relation == OPAQUE and not (self.client or self.upstream):
            return None, ""
        if self.client:
            return _ACTIVE, ""
        if not self.follows:
            return _NOT_OFFERED, ""
        why = self._unready()
        return (UNAVAILABLE if why else None), why

    def shown(self, reply: Reply) -> Reply:
        """Return upstream's reply to EHLO as it is true for the client's leg."""
        encrypted = self.client or self.upstream
        untouched = self.relation in (MIRROR, OPAQUE) and not encrypted
        if untouched or reply.code != 250:
            return reply
        offered = self.relation == TERMINATE and not self.client
        return edited(reply, self._true, [b"STARTTLS"] if offered else [])

    def _true(self, line: bytes) -> bytes | None:
        keyword = keyword_of(line)
        if keyword == b"STARTTLS":
            return line if self.relation == TERMINATE and not self.client else None
        if keyword == b"REQUIRETLS" and not self.client:
            return None  # RFC 8689 §2: it is offered under TLS alone
        return without_mechanisms(line, _binds)


def _binds(mechanism: bytes) -> bool:
    """Does a mechanism bind itself to its channel (RFC 5802 §6)? TLS ends here."""
    return mechanism.endswith(b"-PLUS")
