"""A message that does not pass as it is: changed on its way, kept until its end, or cut short.

Owns its new framing, and what upstream is told of it instead. What is to be done is the rules'
affair (`rules/course`), how a message is changed the faults', and where it is kept `spooling`'s.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, NamedTuple

from smtpproxy.actions import Close, HalfClose, Reset, Send, SendFrom, Side
from smtpproxy.answers import Answers
from smtpproxy.ending import Ending
from smtpproxy.exchange import RULE, Decision, Exchange
from smtpproxy.faults.mid_data import RESET, SILENCE
from smtpproxy.faults.reply import CLOSING, SayReply
from smtpproxy.message import Reframing
from smtpproxy.outgoing import Outgoing
from smtpproxy.refusals import answer_here
from smtpproxy.rules.course import Course, Interruption
from smtpproxy.rules.judge import Judge
from smtpproxy.rules.model import NONE
from smtpproxy.smtp.facts import Chunk, Command, Reply, is_last_chunk
from smtpproxy.spooling import Spool, SpoolError
from smtpproxy.watcher import Watcher

_CLIENT, _UPSTREAM = Side.CLIENT, Side.UPSTREAM
_CHUNK_TAKEN: Final = SayReply(250, "2.0.0", ("Octets received",))
_TOO_LARGE: Final = SayReply(552, "5.3.4", ("Message too large to be kept",))
_NO_ROOM: Final = SayReply(452, "4.3.1", ("Insufficient system storage",))


class Ways(NamedTuple):
    """What a detour asks of its session."""

    settle: Callable[[], None]  # let the client hear what waits for nobody
    stall: Callable[[bool], None]  # read nothing more of the client, or go on
    reset_upstream: Callable[[], None]
    spool: Callable[[], Spool]
    changes: Callable[[], bool]  # may messages change on their way?


class Detour:
    """The messages of one session that do not pass as they are."""

    _reframing: Reframing  # of the message that has begun

    def __init__(
        self,
        watcher: Watcher,
        seconds: Callable[[], float],
        judge: Judge,
        ending: Ending,
        out: Outgoing,
        answers: Answers,
        ways: Ways,
    ) -> None:
        self._watcher = watcher
        self._seconds = seconds
        self._judge = judge
        self._ending = ending
        self._out = out
        self._answers = answers
        self._ways = ways
        self._course: Course | None = None
        self._passed = 0  # octets of this message, as the client sends them
        self._spool: Spool | None = None
        self._refusal: SayReply | None = None  # of a message that can't be kept
        self._announced: tuple[Exchange, bool] | None = None  # the chunk that comes; is it the last

    def _begin(self, course: Course, stuffed: bool) -> None:
        self.forget()
        self._course = course
        self._passed, self._refusal = 0, None
        filters = [one for _, one in course.filters] if self._ways.changes() else ()
        self._reframing = Reframing(filters, stuffed)

    def forget(self) -> None:
        """Nothing of a message stays behind."""
        if self._spool is not None:
            self._spool.close()
        self._spool, self._course = None, None

    # By DATA.

    def mail_data(self, octets: bytes, last: bool) -> None:
        """Take octets of mail data that may go to upstream, but for what rules want."""
        course = self._judge.course
        if course is None:
            return
        if course is not self._course:
            self._begin(course, stuffed=True)
        octets, cut = self._before_interruption(course, octets)
        octets = self._reframing.feed(octets, last and not cut)
        if course.holds:
            self._keep(octets)
        else:
            self._out.upward.append(octets)
        if cut and course.interruption:
            self._interrupt(course.interruption, Exchange("END-OF-DATA", None, self._seconds()))

    def swallowed(self, octets: bytes) -> None:
        """Take octets of mail data of which upstream has nothing, whatever comes of them."""
        course = self._judge.course
        if course is None or course.interruption is None:
            return
        if course is not self._course:
            self._begin(course, stuffed=True)
        if self._before_interruption(course, octets)[1]:
            self._interrupt(course.interruption, Exchange("END-OF-DATA", None, self._seconds()))

    def ends(self, exchange: Exchange) -> bool:
        """The mail data are complete: decide about what was kept. False: nothing was."""
        course = self._course
        if course is None:
            return False
        self._tell(course)
        if not course.holds:
            self._course = None
            return False
        if self._refusal is not None:
            answer_here(exchange, self._refusal)
        else:
            self._judge.consider_end(exchange, swallowed=False)
            self._judge.consider_message(exchange, self._reframing.known.message())
        if exchange.forwarded:
            self._ask()
        else:
            self._take_back()
        return True

    def _take_back(self) -> None:
        self.forget()
        self._ways.settle()
        self._ways.reset_upstream()

    def _ask(self) -> None:
        """Say DATA to upstream; the client is not read until it is known what comes of it."""
        own = Exchange("DATA", Command("DATA", b"DATA\r\n"), self._seconds())
        own.own = True
        queue = self._answers.queue
        queue.insert(len(queue) - 1, own)
        self._out.upward.append(own.command.wire if own.command else b"")
        self._watcher.noted("own-command", "DATA", b"")
        self._ways.stall(True)

    def asked(self, reply: Reply) -> None:
        """Upstream has answered that DATA: the message goes on, or that is the answer to it."""
        self._ways.stall(False)
        if reply.code // 100 == 3:
            self._send(b"")
            return
        self.forget()
        queue = self._answers.queue
        exchange = queue.popleft()
        exchange.forwarded, exchange.said = False, reply
        if not queue.lay_out(exchange, reply, alike=True):
            queue.appendleft(exchange)
        self._ways.settle()
        if reply.code not in CLOSING and not self._ending.left:
            self._ways.reset_upstream()

    # By BDAT.

    def chunk_announced(self, exchange: Exchange, command: Command) -> None:
        """A BDAT came, whose chunk follows: what upstream is told of it depends on that."""
        course = self._judge.course
        if course is None:
            return
        if course is not self._course:
            self._begin(course, stuffed=False)
        self._announced = (exchange, is_last_chunk(command.wire))

    def chunk(self, chunk: Chunk) -> None:
        """Take octets of a chunk."""
        course, announced = self._course, self._announced
        if course is None or announced is None:
            return
        exchange, last = announced
        octets, cut = self._before_interruption(course, chunk.octets)
        self._keep(self._reframing.feed(octets, last and chunk.last and not cut))
        if cut and course.interruption:
            self._answers.queue.remove(exchange)
            self._interrupt(course.interruption, exchange)
        elif chunk.last:
            self._announced = None
            self._chunk_ends(course, exchange, last)

    def _chunk_ends(self, course: Course, exchange: Exchange, last: bool) -> None:
        if self._refusal is not None:
            answer_here(exchange, self._refusal)
            self._ways.settle()
            self._ways.reset_upstream()
        elif not last and course.holds:
            answer_here(exchange, _CHUNK_TAKEN)
            self._ways.settle()
        elif course.holds and not self._passes(exchange):
            self._take_back()
        else:
            size = self._spool.size if self._spool else 0
            self._send(b"BDAT %d%b\r\n" % (size, b" LAST" if last else b""))
        if last:
            self._tell(course)
            self._course = None

    def _passes(self, exchange: Exchange) -> bool:
        self._judge.consider_message(exchange, self._reframing.known.message())
        return exchange.forwarded

    # Both.

    def _keep(self, octets: bytes) -> None:
        if self._refusal is not None:
            return
        if self._spool is None:
            self._spool = self._ways.spool()
        try:
            self._spool.add(octets)
        except SpoolError as error:
            self._refusal = _TOO_LARGE if error.full else _NO_ROOM
            self._watcher.noted("not-kept", str(error), b"")
            self._spool.close()
            self._spool = None

    def _send(self, before: bytes) -> None:
        """Send upstream what was kept."""
        spool, self._spool = self._spool, None
        if before:
            self._out.upward.append(before)
        if spool is None:
            return
        if spool.large:
            self._out.flush()
            self._out.actions.append(SendFrom(_UPSTREAM, spool))
        else:
            self._out.upward.append(spool.read(spool.size))
            spool.close()

    def _tell(self, course: Course) -> None:
        """Say what was done to the message, rule by rule."""
        for rule, one in course.filters:
            if one.told:
                self._watcher.noted("mail-data-changed", f"{rule}: {one.told}", b"")

    def _before_interruption(self, course: Course, octets: bytes) -> tuple[bytes, bool]:
        """Return what comes before the message is cut short, and whether it is by now."""
        if course.interruption is None:
            return octets, False
        room = course.interruption.fault.after - self._passed
        self._passed += len(octets)
        return octets[:room], self._passed > course.interruption.fault.after

    def _interrupt(self, interruption: Interruption, exchange: Exchange) -> None:
        """End the session here: upstream never sees the end of this message."""
        self.forget()
        self._judge.cut_short()
        firing, fault = interruption
        self._watcher.noted("mid-data", f"{firing.rule}: {fault.words}", b"")
        if fault.way and fault.way != SILENCE:
            way = Reset(_CLIENT) if fault.way == RESET else Close(_CLIENT)
            self._out.end(self._ending.leave(RULE, [way]))
        else:
            # It is read on, and forgotten: else what it is told would be lost with its own octets.
            self._out.flush()
            if fault.reply is not None:
                octets = fault.reply.octets(self._judge.domain, "")
                self._out.actions += [Send(_CLIENT, octets), HalfClose(_CLIENT)]
                exchange.heard = Reply(fault.reply.code, octets)
                self._ending.goodbye = True
            self._ending.how = RULE
            self._out.actions += self._ending.withhold()
        exchange.forwarded, exchange.by = False, RULE
        exchange.decision = Decision(firing.rule, (firing,), True, NONE, 0)
        self._watcher.exchanged(exchange)
