"""What upstream is told in the place of what the client said, where rules rewrite that.

Owns which of both goes where: a cassette in upstream's place knows the client's own words, and no
others. What is rewritten, and how, is said by faults. Knows nothing of replies.
"""

from __future__ import annotations

from collections.abc import Iterable

from smtpproxy.catchup import Said
from smtpproxy.exchange import Exchange
from smtpproxy.faults.base import NotRewritten
from smtpproxy.faults.rewrite import KEYS, SENDER
from smtpproxy.smtp.facts import Command, Continuation
from smtpproxy.smtp.path import Path, parse_path, without_size
from smtpproxy.smtp.state import HELLO, State
from smtpproxy.watcher import TOLD_UPSTREAM, Watcher

#: The fact that a rule would have rewritten a command, and could not.
NOT_REWRITTEN = "not-rewritten"
#: Commands to a cassette of which it is known what upstream would be told.
_MOST = 4096


class Retelling:
    """The commands of one session on their way; `queue` has those that are not answered yet."""

    def __init__(
        self, watcher: Watcher, state: State, queue: Iterable[Exchange], to_cassette: bool
    ) -> None:
        self._watcher = watcher
        self._state = state
        self._queue = queue
        self._to_cassette = to_cassette
        self._told: dict[bytes, bytes] = {}  # what a cassette was asked, and what upstream would be
        self._hello = (b"", b"")  # the client's name, and what upstream was told for it

    def changes_messages(self) -> bool:
        """May messages change on their way? A cassette knows them as the client sent them."""
        return not self._to_cassette

    def wire(self, exchange: Exchange, command: Command, resizes: bool = False) -> bytes:
        """Return what is sent for a command about which rules may have decided.

        `resizes`: messages may have another size than their MAIL says: upstream is told none.
        """
        told = self._rewritten(exchange, command)
        if resizes and KEYS.get(exchange.stage) == SENDER:
            told = Command(told.verb, without_size(told))
        if exchange.stage in HELLO:
            self._hello = (command.argument, told.argument)
        if told.wire == command.wire:
            return command.wire
        exchange.retold = told.wire
        if not self._to_cassette:
            return self.again(exchange, command)
        self._told.pop(command.wire, None)
        self._told[command.wire] = told.wire
        if len(self._told) > _MOST:
            del self._told[next(iter(self._told))]
        return command.wire

    def again(self, exchange: Exchange, command: Command | Continuation) -> bytes:
        """Return what upstream is sent, and say so where that is something else."""
        if not exchange.retold:
            return command.wire
        self._watcher.noted(TOLD_UPSTREAM, "", exchange.retold)
        return exchange.retold

    def departs(self, history: Iterable[Said]) -> list[Said]:
        """Return a history with what upstream is to be told for it; the cassette is left.

        Words that were said more than once are told as they were rewritten last.
        """
        self._to_cassette = False
        told, self._told = self._told, {}
        return [
            one._replace(told=told.get(one.command.wire, b"")) if one.command is not None else one
            for one in history
        ]

    def name(self, hello: bytes) -> bytes:
        """Return the name that upstream was told for the client's."""
        said, told = self._hello
        return told if hello == said else hello

    def _rewritten(self, exchange: Exchange, command: Command) -> Command:
        decision = exchange.decision
        told = command
        for fault in decision.faults if decision is not None else ():
            try:
                told = fault.rewritten(told, lambda: self._is_international(exchange, command))
            except NotRewritten as why:
                self._watcher.noted(NOT_REWRITTEN, f"{exchange.stage} {why}", b"")
        return told

    def _is_international(self, exchange: Exchange, command: Command) -> bool:
        """Was SMTPUTF8 asked for (RFC 6531 §3.4): by this MAIL, or by that of this RCPT?"""
        path = self._mail() if exchange.stage == "RCPT" else parse_path(command.argument)
        return path is not None and ("SMTPUTF8", "") in path.parameters

    def _mail(self) -> Path | None:
        """Return the reverse-path of the transaction: its MAIL may not be answered yet."""
        waiting = [one.command for one in self._queue if KEYS.get(one.stage) == SENDER]
        mail = waiting[-1] if waiting else None
        return parse_path(mail.argument) if isinstance(mail, Command) else self._state.sender
