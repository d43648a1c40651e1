"""Which reply answers what: the exchanges of one session that the client has not heard of yet.

Owns their order, and how many replies each of them has. It pairs as the client does, which can only
take replies in the order in which they come.
"""

from __future__ import annotations

from collections import deque

from smtpproxy.exchange import Exchange
from smtpproxy.recipients import Recipients
from smtpproxy.smtp.facts import Command, Continuation, Reply, is_last_chunk
from smtpproxy.smtp.state import State

END_OF_DATA = "END-OF-DATA"


class Again(Reply):
    """A reply that a rule has said again: the client takes it for the next command's."""


#: Draft "SMTP Per-Recipient Data Response": a reply for each recipient follows, and one for all.
PER_RECIPIENT = 353
#: A server that does not know BDAT, or has no envelope (any more), refuses the command, and no
#: recipient's message.
_NO_BDAT = (500, 502)
_NO_ENVELOPE = 503
#: Most replies without a command that are kept for commands to come, and most octets of them.
_MOST_EARLY = 1000
_MOST_EARLY_OCTETS = 128 * 1024


class Pairing(deque[Exchange]):
    """The exchanges in the order in which the client hears their answers."""

    def __init__(self, state: State) -> None:
        super().__init__()
        self._state = state
        self._early: deque[Reply] = deque()
        self._early_octets = 0
        self._laid_out: Exchange | None = None  # the first of a message's replies
        self.recipients = Recipients(state)

    def came_early(self, reply: Reply) -> None:
        """Keep a reply that came, and was passed on, before its command.

        Beyond a bound, which no server reaches that means well, it is nobody's.
        """
        octets = self._early_octets + len(reply.wire)
        if len(self._early) < _MOST_EARLY and octets <= _MOST_EARLY_OCTETS:
            self._early.append(reply)
            self._early_octets = octets

    @property
    def to_come(self) -> int:
        """How many more replies there are to the message that one was just given to."""
        count = 0
        for exchange in self:
            if not (exchange.continues or exchange.own):
                break
            count += exchange.continues
        return count

    @property
    def early(self) -> bool:
        """Is there a reply that the next command will be answered by?"""
        return bool(self._early)

    def take_early(self) -> Reply:
        """Return the first of those replies."""
        reply = self._early.popleft()
        self._early_octets -= len(reply.wire)
        return reply

    def lay_out(
        self, exchange: Exchange, reply: Reply, alike: bool = False
    ) -> list[Exchange] | None:
        """Spread the end of a message of whose recipients the two sides think otherwise.

        `exchange` is the first of it and at the head no more; `alike`: this one reply is for all
        recipients. Returns its replies' exchanges, or None where it is no such message.
        """
        recipients = self.recipients
        if not (self._state.lmtp and (alike or recipients.uneven)):
            return None
        if self._is_laid_out(exchange):
            return None
        if not ends_message(exchange.stage, exchange.command):
            return None
        if exchange.stage == "BDAT" and reply.code in _NO_BDAT:
            return None
        alike = alike or (exchange.stage == "BDAT" and reply.code == _NO_ENVELOPE)
        found = (recipients.alike if alike else recipients.replies)(exchange, reply)
        self._laid_out = next((one for one in found if not one.own), None)
        self.extendleft(reversed(found))
        return found

    def _is_laid_out(self, exchange: Exchange) -> bool:
        return exchange.continues or exchange.own or exchange is self._laid_out

    def spread(self, exchange: Exchange, code: int) -> None:
        """Make the end of a message as many exchanges as it has replies.

        `exchange` is the first of them and at the head no more; `code` is its reply code, or 0.
        RFC 2033 §4.2: in LMTP there is one for each accepted recipient.
        """
        if self._is_laid_out(exchange):
            return
        if not ends_message(exchange.stage, exchange.command):
            return
        if exchange.stage == "BDAT" and code in (*_NO_BDAT, _NO_ENVELOPE):
            return
        paths = self._state.accepted_addresses() if self._state.recipients > 1 else []
        if code == PER_RECIPIENT:
            rest = [*paths, ""] if paths else [*self._state.accepted_addresses(), ""]
        elif self._state.lmtp and paths:
            exchange.recipient, *rest = paths
        else:
            return
        followers = [_follower(exchange, recipient) for recipient in rest]
        exchange.more = bool(followers)
        for follower in followers[:-1]:
            follower.more = True
        self.extendleft(reversed(followers))


def ends_message(stage: str, command: Command | Continuation | None) -> bool:
    """Is this the end of mail data, by its dot or by the last BDAT?"""
    return stage == END_OF_DATA or (
        stage == "BDAT" and isinstance(command, Command) and is_last_chunk(command.wire)
    )


def _follower(exchange: Exchange, recipient: str) -> Exchange:
    follower = Exchange(exchange.stage, exchange.command, exchange.began, exchange.pipelined)
    follower.forwarded = exchange.forwarded
    follower.decision = exchange.decision
    follower.rules, follower.ordinal = exchange.rules, exchange.ordinal
    follower.message, follower.settled = exchange.message, exchange.settled
    follower.recipient = recipient
    follower.continues = True
    return follower
