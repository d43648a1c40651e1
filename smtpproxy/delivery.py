"""What becomes of a message on its way to upstream: passed on, kept back, or taken back.

Owns mail data from the client's octets to what is outgoing, by DATA and by BDAT, and the exchange
at their end. What of them may pass is known to `passage`, what the client hears to `answers`, and
what becomes of a message that rules want to change, to keep or to cut short, to `detour`.
"""

from __future__ import annotations

from collections.abc import Callable

from smtpproxy.answers import Answers
from smtpproxy.detour import Detour, Ways
from smtpproxy.ending import Ending
from smtpproxy.exchange import Exchange
from smtpproxy.outgoing import Outgoing
from smtpproxy.pairing import END_OF_DATA
from smtpproxy.passage import Passage
from smtpproxy.refusals import answer_here, refusal_of_message
from smtpproxy.rules.judge import Judge
from smtpproxy.smtp.facts import Chunk, Command, MailData, Reply
from smtpproxy.spooling import Spool
from smtpproxy.watcher import Watcher


class Delivery:
    """One session's messages. `settle` lets the client hear what waits for nobody."""

    def __init__(
        self,
        watcher: Watcher,
        seconds: Callable[[], float],
        judge: Judge,
        passage: Passage,
        ending: Ending,
        out: Outgoing,
        answers: Answers,
        settle: Callable[[], None],
        stall: Callable[[bool], None],
        spool: Callable[[], Spool],
        changes: Callable[[], bool],
    ) -> None:
        """`stall` stops and begins reading the client; `changes`: may messages change?"""
        self._watcher = watcher
        self._seconds = seconds
        self._judge = judge
        self._passage = passage
        self._ending = ending
        self._out = out
        self._answers = answers
        self._queue = answers.queue
        self._settle = settle
        ways = Ways(settle, stall, self.reset_upstream, spool, changes)
        self._detour = Detour(watcher, seconds, judge, ending, out, answers, ways)

    def mail_data(self, data: MailData) -> None:
        """Take octets of mail data, as they were sent behind DATA."""
        passage = self._passage
        self._watcher.mail_data(data)
        for found in passage.look(data):
            self._watcher.noted(found.name, found.form or "mail data", b"")
        if self._judge.course is not None:
            if passage.swallowing:
                self._detour.swallowed(data.octets)
            else:
                self._detour.mail_data(passage.cleared(data), data.last)
        elif not passage.swallowing:
            self._out.upward.append(passage.cleared(data))
        if data.last and not self._ending.closing:
            self._end()

    def _end(self) -> None:
        swallowing = self._passage.swallowing
        exchange = Exchange(END_OF_DATA, None, self._seconds(), bool(self._queue))
        self._queue.append(exchange)
        if self._passage.refusal:
            self._ending.closing = True
            answer_here(exchange, refusal_of_message(self._passage.refusal))
            self._settle()
            return
        if self._queue.early and not swallowing:
            self._answers.heard_early(exchange)
            return
        if self._judge.course is not None and not swallowing and self._detour.ends(exchange):
            return
        if swallowing or END_OF_DATA in self._judge.concerned:
            self._judge.consider_end(exchange, swallowing)
        if not exchange.forwarded:
            self._settle()
            self.reset_upstream()

    def chunk_announced(self, exchange: Exchange, command: Command) -> None:
        """It is known whether upstream is asked for this BDAT, and so whether it gets the chunk."""
        self._passage.swallowing = not exchange.forwarded
        if self._passage.swallowing:
            # It would take the chunks that follow for the whole message.
            self.reset_upstream()
        elif self._judge.course is not None:
            self._detour.chunk_announced(exchange, command)
        else:
            self._out.upward.append(command.wire)

    def chunk_refused(self) -> None:
        """There is no upstream: the chunk goes nowhere."""
        self._passage.swallowing = True

    def chunk(self, chunk: Chunk) -> None:
        """Take octets of a BDAT chunk."""
        self._watcher.mail_data(chunk)
        if self._passage.swallowing:
            return
        if self._judge.course is not None:
            self._detour.chunk(chunk)
        else:
            self._out.upward.append(chunk.octets)

    def asked(self, reply: Reply) -> None:
        """Upstream has answered a DATA of the proxy's own."""
        self._detour.asked(reply)

    def forget(self) -> None:
        """The session is over: nothing of a message stays behind."""
        self._detour.forget()

    def reset_upstream(self) -> None:
        """Upstream has an envelope whose message it shall not get: take the envelope back."""
        exchange = Exchange("RSET", Command("RSET", b"RSET\r\n"), self._seconds())
        exchange.own = True
        self._queue.append(exchange)
        self._out.upward.append(b"RSET\r\n")
        self._watcher.noted("own-command", "RSET", b"")
