"""What a rule looks at, computed when it is asked for and not before.

Owns how conditions see a session. Decides nothing, and remembers no longer than one exchange.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from copy import copy
from functools import lru_cache
from typing import Any

from smtpproxy.exchange import Exchange, Message
from smtpproxy.faults.base import no_draw
from smtpproxy.rules.headerfields import fields_in
from smtpproxy.rules.run import Visit
from smtpproxy.smtp.facts import Command, Reply
from smtpproxy.smtp.path import Path, parse_path
from smtpproxy.smtp.state import HELLO, State

__all__ = ["ADDRESS_OF", "END_OF_DATA", "Message", "Occasion", "number_of"]

END_OF_DATA = "END-OF-DATA"
#: Stages that have an address of their own, which `STAGE pattern` looks at.
ADDRESS_OF = {
    "RCPT": "recipient",
    "MAIL": "sender",
    "SEND": "sender",
    "SOML": "sender",
    "SAML": "sender",
}
_DIGITS = re.compile(r"[0-9]{1,19}")
_UNREAD: Any = object()  # what nobody has asked for yet


class Occasion:
    """One exchange in its session, at the moment when rules are asked about it."""

    __slots__ = (
        *("_fields", "_path", "_recipients", "_sender", "_state", "_visit", "claimed", "draw"),
        *("exchange", "now", "reply"),
    )

    def __init__(
        self,
        exchange: Exchange,
        state: State,
        visit: Visit,
        now: Callable[[], float],
        reply: Reply | None = None,
        claimed: str = "",
    ) -> None:
        """`claimed` is who asks to be logged in, at AUTH."""
        self.exchange = exchange
        self.reply = reply
        self.now = now
        self.claimed = claimed
        self.draw: Callable[[], float] = no_draw  # of the rule in question
        self._state = state
        self._visit = visit
        self._path: Path | None = _UNREAD
        self._sender: str | None = _UNREAD
        self._recipients: tuple[str, ...] = _UNREAD
        self._fields: list[tuple[str, str]] = _UNREAD

    def of(self, recipient: str) -> Occasion:
        """Return the same occasion for one of the message's recipients."""
        found = copy(self)
        found._recipients = (recipient,)
        return found

    # The command and the envelope.

    @property
    def path(self) -> Path | None:
        """The path in the command itself, or None."""
        if self._path is _UNREAD:
            command = self.exchange.command
            own = self.exchange.stage in ADDRESS_OF and isinstance(command, Command)
            self._path = parse_path(command.argument) if own and command else None  # type: ignore[union-attr]
        return self._path

    @property
    def sender(self) -> str | None:
        """The reverse-path in question, or None where there is none."""
        if self._sender is _UNREAD:
            own = ADDRESS_OF.get(self.exchange.stage) == "sender"
            path = self.path if own else self._state.sender
            self._sender = path.address if path is not None else None
        return self._sender

    @property
    def recipients(self) -> tuple[str, ...]:
        """The recipient in question, or all that were accepted so far."""
        if self._recipients is _UNREAD:
            if self.exchange.stage == "RCPT":
                path = self.path
                self._recipients = () if path is None else (path.address,)
            elif self.exchange.recipient:
                self._recipients = (self.exchange.recipient,)
            else:
                self._recipients = tuple(path.address for path in self._state.accepted)
        return self._recipients

    @property
    def parameters(self) -> tuple[tuple[str, str], ...]:
        """The parameters of this command; where it has no path, those of MAIL."""
        path = self.path if self.exchange.stage in ADDRESS_OF else self._state.sender
        return path.parameters if path is not None else ()

    # The message.

    @property
    def size(self) -> int | None:
        """The octets of the message, or None where it is not there."""
        message = self.exchange.message
        return message.size if message is not None else None

    @property
    def declared(self) -> int | None:
        """The octets that MAIL declares (RFC 1870), or None."""
        own = ADDRESS_OF.get(self.exchange.stage) == "sender"
        path = self.path if own else self._state.sender
        for keyword, value in path.parameters if path is not None else ():
            if keyword == "SIZE":
                return int(value) if _DIGITS.fullmatch(value) else None
        return None

    @property
    def fields(self) -> list[tuple[str, str]]:
        """Name, in lower case, and body of each header field of the message."""
        if self._fields is _UNREAD:
            message = self.exchange.message
            self._fields = fields_in(message.head) if message is not None else []
        return self._fields

    # The reply.

    @property
    def code(self) -> int:
        """Upstream's reply code, or 0 where it has not been asked."""
        return self.reply.code if self.reply is not None else 0

    @property
    def reply_text(self) -> str:
        """The text of upstream's reply, its lines apart by LF."""
        lines = self.reply.lines if self.reply is not None else []
        return b"\n".join(lines).decode("utf-8", "backslashreplace")

    # The session.

    @property
    def secure(self) -> bool:
        """Has the client's leg TLS?"""
        return self._state.secure

    @property
    def client(self) -> str:
        """The client's IP address, or "" where it has none."""
        return self._visit.client

    @property
    def client_number(self) -> tuple[int, int]:
        """The version and the number of that address."""
        return number_of(self._visit.client)

    @property
    def hello(self) -> str:
        """The name in this EHLO, HELO or LHLO, or in the last that was accepted."""
        command = self.exchange.command
        own = self.exchange.stage in HELLO and isinstance(command, Command)
        name = command.argument if own and command else self._state.helo  # type: ignore[union-attr]
        return name.decode("utf-8", "backslashreplace")

    @property
    def user(self) -> str:
        """Who has logged in; at AUTH, who asks to be."""
        return self.claimed if self.exchange.stage == "AUTH" else self._state.user

    @property
    def ordinal(self) -> int:
        """The how-manieth of its stage this is in the session, from 1."""
        return self.exchange.ordinal

    @property
    def message_number(self) -> int:
        """The how-manieth mail transaction of the session this is, from 1."""
        asks = ADDRESS_OF.get(self.exchange.stage) == "sender"
        return self._state.transactions + asks

    @property
    def session_number(self) -> int:
        """The how-manieth session of the run this is, from 1."""
        return self._visit.number

    # The run.

    @property
    def run(self) -> Any:
        """What all sessions share."""
        return self._visit.run

    @property
    def elapsed(self) -> float:
        """Seconds since the run began."""
        return self.now() - self._visit.run.began


@lru_cache(maxsize=1024)
def number_of(address: str) -> tuple[int, int]:
    """Return version and number of an IP address, (0, 0) where it is none.

    One in IPv6 that stands for an IPv4 address is that (RFC 4291 §2.5.5.2).
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return 0, 0
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    found = mapped or found
    return found.version, int(found)
