"""A cassette in the place of upstream.

Owns the verdicts on what the cassette does not have. The unit of replay is the mail transaction,
since clients spread their messages over connections differently at every run.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from itertools import islice
from pathlib import Path

from smtpproxy.auth.redaction import Redactor
from smtpproxy.cassette.closest import compare, nearest_to
from smtpproxy.cassette.fingerprint import NO_MESSAGE, Fingerprint, Fingerprinter
from smtpproxy.cassette.matching import (
    ANY,
    FREE,
    PROLOGUE,
    STARTTLS,
    USUAL,
    Key,
    Matching,
    begins_tls,
    ends_transaction,
    key_of,
)
from smtpproxy.cassette.misses import ALREADY_USED, DIFFERENT, MISSING, Miss, MissReply, reply_to
from smtpproxy.cassette.model import END_OF_DATA, Cassette, Kept, Recorded
from smtpproxy.cassette.pace import AT_ONCE
from smtpproxy.cassette.points import Branch, Point
from smtpproxy.cassette.tree import Transaction, Tree
from smtpproxy.cassette.undertls import UnderTls
from smtpproxy.cassette.unreplayable import without_unreplayable
from smtpproxy.exchange import Exchange
from smtpproxy.reports.reported import ReportedPlace
from smtpproxy.responder import Answer
from smtpproxy.smtp.facts import Chunk, Command, Continuation, MailData, Reply, is_last_chunk
from smtpproxy.smtp.maildata import Unstuffer
from smtpproxy.smtp.server import final_code
from smtpproxy.visible import visible

_GENERIC = {
    "NOOP": b"250 2.0.0 Ok\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
}
#: What would have fitted at a place is told by so many examples.
_MOST_EXPECTED = 3


class Player:
    """Replays one cassette to any number of connections; `missed` hears of each miss at once.

    `repeat`: transactions may be replayed again and again. `plain`: nobody asks the cassette for
    TLS, and what was recorded under TLS is replayed without it. `octets_of` reads kept mail data
    from its file. `told` is the reply to a miss, in place of the usual ones. In `order` STRICT each
    connection follows the next recorded session as a whole. `times`: as fast as recorded.
    """

    def __init__(
        self,
        cassette: Cassette,
        missed: Callable[[Miss], None],
        repeat: bool = False,
        plain: bool = False,
        matching: Matching = USUAL,
        octets_of: Callable[[Kept], bytes] | None = None,
        told: MissReply | None = None,
        redactor: Callable[[], Redactor] = Redactor,
        order: str = ANY,
        times: float = AT_ONCE,
    ) -> None:
        self.redactor = redactor  # as it was while recording
        self.tree = Tree(cassette, repeat, plain, matching, octets_of, order, times)
        self.told = told
        self._source = Path(cassette.source).name
        self.misses = 0
        self._missed = missed

    def connection(self, session: str = "") -> Replay:
        """Return the responder for one more connection; `session` is the label it is told by."""
        return Replay(self, session)

    def used(self) -> list[ReportedPlace]:
        """Return the recorded transactions that were replayed."""
        return [self._place(one) for one in self.tree.transactions if one.used]

    def unused(self) -> list[ReportedPlace]:
        """Return the recorded transactions that nobody replayed."""
        return [self._place(one) for one in self.tree.transactions if not one.used]

    def _place(self, one: Transaction) -> ReportedPlace:
        first = one.first
        return ReportedPlace(self._source, one.session, first.line, first.stage, _shown(first.sent))

    @cached_property
    def under_tls(self) -> UnderTls:
        """What of the cassette was recorded under TLS."""
        return UnderTls(self.tree)

    def miss(self, found: Miss) -> Miss:
        """Take note of a miss, which is given its number."""
        self.misses += 1
        miss = found._replace(number=self.misses, source=self._source)
        self._missed(miss)
        return miss


class Replay:
    """One connection to a cassette."""

    #: Is asked, at a stage, whether upstream goes on where the cassette does not.
    departs: Callable[[str], bool] = staticmethod(lambda stage: False)
    #: Is told of mail data where messages are compared.
    mail_data: Callable[[MailData | Chunk], None] | None = None

    def __init__(self, player: Player, session: str = "") -> None:
        self._player = player
        self._session = session
        self._matching = player.tree.matching
        if self._matching.message:
            self.mail_data = self._take
        self._taking: Fingerprinter | None = None  # the message that comes
        self._unstuffer: Unstuffer | None = None
        self._last = 0  # the line of the last recorded exchange that was replayed
        self._start = player.tree.take()
        self._secure = False  # TLS has begun
        self._touched = False  # something was asked that can be used up
        self._prologue: Point = (self._start or player.tree.starts[-1]).root
        self._point: Point | None = None  # in the open transaction
        self._claims: list[tuple[Branch, int]] = []
        self._miss: Answer | None = None  # to the rest of a transaction that was missed
        self._hello: dict[str, Answer] = {}
        # What is compared and shown is what may be kept: the cassette holds no more.
        self._redactor = player.redactor()

    def greeting(self) -> Answer:
        """Greet as recorded."""
        if self._start is None:  # all sessions are used up
            return self._missed("CONNECT", b"", self._prologue, key_of("CONNECT", b""))
        return self._prologue_step("CONNECT", b"")

    def command(self, command: Command) -> Answer:
        """Answer as recorded."""
        exchange = Exchange(command.verb, command, 0.0)
        sent = self._redactor.sent(exchange)
        stage = self._redactor.stage(exchange, sent)
        if stage == "RSET":
            self._redactor.foresee(exchange)
        self._touched |= stage not in FREE
        if stage in PROLOGUE or stage in ("MAIL", "QUIT"):
            self._leave_transaction()
        if stage in PROLOGUE:
            return self._answered(stage, exchange, self._prologue_step(stage, sent))
        if stage == "NOOP" or (stage in FREE and self._point is None):
            self._miss = None if stage == "RSET" else self._miss
            return self._free(stage)
        if self._miss:
            self._taking = None
            return self._miss
        message = self._message() if stage == "BDAT" and is_last_chunk(sent) else NO_MESSAGE
        return self._transaction_step(stage, sent, message)

    def continuation(self, line: Continuation) -> Answer:
        """Answer as recorded, whatever the credentials."""
        exchange = Exchange("AUTH", line, 0.0)
        answer = self._prologue_step("AUTH", self._redactor.sent(exchange))
        return self._answered("AUTH", exchange, answer)

    def _answered(self, stage: str, exchange: Exchange, answer: Answer) -> Answer:
        """Let the redactor know how an AUTH fared, or what it takes for one."""
        if stage == "AUTH":
            exchange.heard = Reply(final_code(answer.octets), answer.octets)
            self._redactor.fared(exchange)
        return answer

    def end_of_mail_data(self) -> Answer:
        """Answer as recorded."""
        message = self._message()
        return self._miss or self._transaction_step(END_OF_DATA, b"", message)

    def announced(self, command: Command) -> None:
        """A chunk of mail data follows."""
        self._redactor.foresee(Exchange(command.verb, command, 0.0))

    def _take(self, fact: MailData | Chunk) -> None:
        """Take mail data in passing."""
        fact = self._redactor.mail_data(fact)
        if self._taking is None:
            self._taking = Fingerprinter(self._matching)
            self._unstuffer = Unstuffer() if isinstance(fact, MailData) else None
        unstuffer = self._unstuffer  # it holds back the CRLF of the final dot
        self._taking.add(unstuffer.feed(fact.octets) if unstuffer is not None else fact.octets)

    def _message(self) -> Fingerprint:
        """Return the fingerprint of the message that is complete."""
        taking, self._taking = self._taking, None
        return taking.finish() if taking is not None else NO_MESSAGE

    def gone(self) -> None:
        """What was claimed and not told from its likes is unused again."""
        self._leave_transaction()
        if self._start is not None and not self._touched:
            self._player.tree.give_back(self._start)
        self._start = None

    def _prologue_step(self, stage: str, sent: bytes) -> Answer:
        key = key_of(stage, sent, self._matching)
        branch = self._prologue.branches.get(key)
        ways = branch.ways() if branch is not None else []
        if not ways:
            # A client may say hello twice where the recorded one did it once.
            again = self._hello.get(stage)
            return again or self._missed(stage, sent, self._prologue, key)
        # Any number of connections may take a prologue: the first that has transactions left.
        point, heard, wait = next((way for way in ways if way.point.unused()), ways[0])
        if branch is not None:
            self._last = branch.example.line
        self._prologue = point
        if begins_tls(stage, heard):
            self._secure = True
            self._hello = {}  # RFC 3207 §4.2: what was learned in plain text is forgotten
        if stage in ("EHLO", "LHLO"):
            heard = without_unreplayable(heard, _offers_tls(point))
        answer = _answer(heard, wait)
        if stage in ("EHLO", "HELO", "LHLO"):
            self._hello[stage] = answer
        return answer

    def _free(self, stage: str) -> Answer:
        recorded = self._start.free.get(stage) if self._start is not None else None
        answer = _answer(*(recorded or (_GENERIC[stage],)))
        return answer._replace(close=answer.close or stage == "QUIT")

    def _transaction_step(
        self, stage: str, sent: bytes, message: Fingerprint = NO_MESSAGE
    ) -> Answer:
        point = self._point or self._prologue.pool or Point()
        key = key_of(stage, sent, self._matching, message.digest)
        branch = point.branches.get(key)
        slot = branch.claim() if branch is not None else None
        if branch is None or slot is None:
            if stage == "RSET":
                self._leave_transaction()
                return self._free(stage)
            answer = self._missed(stage, sent, point, key, message)
            self._leave_transaction()
            self._miss = answer
            self._go_on()
            return answer
        self._claims.append((branch, slot))
        self._last = branch.example.line
        following, heard, wait = branch.slots[slot]
        self._point = following
        last = ends_transaction(stage, sent)
        if last or not (following.branches or following.endings):
            self._point = self._taking = None
            self._claims = []
            self._go_on()
        return _answer(heard, wait)

    def _go_on(self) -> None:
        """The recorded transaction is over; where one session is followed, so is its place."""
        self._prologue = self._prologue.after or self._prologue

    def _leave_transaction(self) -> None:
        """The transaction is over before its end: it was recorded so, or is taken back."""
        self._miss = self._taking = None
        if self._point is not None:
            if self._point.left_here():
                self._go_on()
            else:
                for branch, slot in self._claims:
                    branch.release(slot)
        self._point, self._claims = None, []

    def _missed(
        self,
        stage: str,
        sent: bytes,
        point: Point,
        key: Key,
        message: Fingerprint = NO_MESSAGE,
    ) -> Answer:
        if self.departs(stage):
            return Answer(b"", close=True)
        same = point.branches.get(key)
        near = [branch for other, branch in point.branches.items() if other[0] == stage]
        verdict = ALREADY_USED if same else DIFFERENT if near else MISSING
        matching = self._matching
        closest = same or nearest_to(stage, sent, near, matching, message)
        found = Miss(0, verdict, stage, _shown(sent) or stage, "", session=self._session)
        if verdict != ALREADY_USED:
            usual = key_of(stage, sent, matching)  # whatever the message
            found = found._replace(tls=self._player.under_tls.alone(stage, usual, self._secure))
        if closest is not None:
            one = closest.example
            found = found._replace(
                closest=_shown(one.sent) or one.stage,
                line=one.line,
                compared=compare(stage, sent, one.sent, matching, message, closest.message),
            )
        if verdict != ALREADY_USED and sent:
            example = closest.example if closest is not None else Recorded(stage)
            found = found._replace(wanted=example._replace(sent=sent), behind=self._last)
        expected = _expected(point) or _expected(self._prologue)
        miss = self._player.miss(found._replace(expected=expected))
        return Answer(reply_to(miss, self._player.told), close=stage == "CONNECT", each=True)


def _expected(point: Point) -> tuple[str, ...]:
    """Return some of what would have fitted at a place: what is unused before what is not."""
    some = list(islice(point.branches.values(), 100))
    some.sort(key=lambda branch: not branch.free)
    return tuple(_shown(one.example.sent) or one.example.stage for one in some[:_MOST_EXPECTED])


def _offers_tls(point: Point) -> bool:
    """Is there a STARTTLS, and an answer to it, that a client behind this EHLO can have?"""
    branch = point.branches.get((STARTTLS,))
    return branch is not None and any(way.heard is not None for way in branch.ways())


def _answer(heard: bytes | None, wait: float = 0.0) -> Answer:
    """Say what was heard; where that was nothing, the connection had ended."""
    if heard is None:
        return Answer(b"", close=True)
    return Answer(heard, close=heard.startswith((b"221", b"421")), wait=wait)


def _shown(sent: bytes) -> str:
    return visible(sent.strip())
