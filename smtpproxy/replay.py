"""A cassette in the place of upstream.

Owns the verdicts on what the cassette does not have. The unit of replay is the mail transaction,
since clients spread their messages over connections differently at every run.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from smtpproxy.cassette.matching import (
    FREE,
    PROLOGUE,
    STARTTLS,
    Branch,
    Key,
    Point,
    Tree,
    begins_tls,
    ends_transaction,
    key_of,
)
from smtpproxy.cassette.model import END_OF_DATA, Cassette
from smtpproxy.exchange import Exchange
from smtpproxy.redaction import Redactor
from smtpproxy.responder import Answer
from smtpproxy.smtp.facts import Command, Continuation, Reply
from smtpproxy.smtp.server import final_code
from smtpproxy.visible import visible

DIFFERENT, ALREADY_USED, MISSING = "different", "already used", "missing"

_GENERIC = {
    "NOOP": b"250 2.0.0 Ok\r\n",
    "RSET": b"250 2.0.0 Ok\r\n",
    "QUIT": b"221 2.0.0 Bye\r\n",
}
#: How a miss is said, by stage: so that a client fails at once instead of trying again.
_MISS = {"CONNECT": "421 4.3.0", "STARTTLS": "454 4.7.0", "AUTH": "454 4.7.0"}
_MISS_ELSEWHERE = "554 5.3.0"


class Miss(NamedTuple):
    """Something that a client sent and the cassette does not have."""

    number: int
    verdict: str
    stage: str
    sent: str
    closest: str  # what the cassette has instead, or ""
    line: int = 0  # of that, in `source`
    source: str = ""

    def __str__(self) -> str:
        told = f"replay miss {self.number} at {self.stage}, {self.verdict}: {self.sent}"
        place = f"{self.source}:{self.line}"
        return f"{told} ({place} has: {self.closest})" if self.closest else told


class Player:
    """Replays one cassette to any number of connections; `missed` hears of each miss at once.

    `repeat`: transactions may be replayed again and again. `plain`: nobody asks the cassette for
    TLS, and what was recorded under TLS is replayed without it.
    """

    def __init__(
        self,
        cassette: Cassette,
        missed: Callable[[Miss], None],
        repeat: bool = False,
        plain: bool = False,
    ) -> None:
        self.tree = Tree(cassette, repeat, plain)
        self._source = Path(cassette.source).name
        self.misses = 0
        self._missed = missed

    def connection(self) -> Replay:
        """Return the responder for one more connection."""
        return Replay(self)

    def miss(self, verdict: str, stage: str, sent: bytes, closest: Branch | None) -> Miss:
        """Take note of a miss."""
        self.misses += 1
        example = closest.example if closest else None
        miss = Miss(
            self.misses,
            verdict,
            stage,
            _shown(sent) or stage,
            (_shown(example.sent) or example.stage) if example else "",
            example.line if example else 0,
            self._source,
        )
        self._missed(miss)
        return miss


class Replay:
    """One connection to a cassette."""

    def __init__(self, player: Player) -> None:
        self._player = player
        self._prologue: Point = player.tree.root
        self._point: Point | None = None  # in the open transaction
        self._claims: list[tuple[Branch, int]] = []
        self._miss: Answer | None = None  # to the rest of a transaction that was missed
        self._hello: dict[str, Answer] = {}
        # What is compared and shown is what may be kept: the cassette holds no more.
        self._redactor = Redactor()

    def greeting(self) -> Answer:
        """Greet as recorded."""
        return self._prologue_step("CONNECT", b"")

    def command(self, command: Command) -> Answer:
        """Answer as recorded."""
        exchange = Exchange(command.verb, command, 0.0)
        sent = self._redactor.sent(exchange)
        stage = self._redactor.stage(exchange, sent)
        if stage in PROLOGUE or stage in ("MAIL", "QUIT"):
            self._leave_transaction()
        if stage in PROLOGUE:
            return self._answered(stage, exchange, self._prologue_step(stage, sent))
        if stage == "NOOP" or (stage in FREE and self._point is None):
            self._miss = None if stage == "RSET" else self._miss
            return self._free(stage)
        if self._miss:
            return self._miss
        return self._transaction_step(stage, sent)

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
        return self._miss or self._transaction_step(END_OF_DATA, b"")

    def gone(self) -> None:
        """What was claimed and not told from its likes is unused again."""
        self._leave_transaction()

    def _prologue_step(self, stage: str, sent: bytes) -> Answer:
        key = key_of(stage, sent)
        branch = self._prologue.branches.get(key)
        ways = branch.ways() if branch is not None else []
        if not ways:
            # A client may say hello twice where the recorded one did it once.
            again = self._hello.get(stage)
            return again or self._missed(stage, sent, self._prologue, key)
        # Any number of connections may take a prologue: the first that has transactions left.
        point, heard = next((way for way in ways if way[0].unused()), ways[0])
        self._prologue = point
        if begins_tls(stage, heard):
            self._hello = {}  # RFC 3207 §4.2: what was learned in plain text is forgotten
        if stage in ("EHLO", "LHLO"):
            heard = without_unreplayable(heard, _offers_tls(point))
        answer = _answer(heard)
        if stage in ("EHLO", "HELO", "LHLO"):
            self._hello[stage] = answer
        return answer

    def _free(self, stage: str) -> Answer:
        recorded = self._player.tree.free.get(stage)
        answer = _answer(recorded[0] if recorded else _GENERIC[stage])
        return answer._replace(close=answer.close or stage == "QUIT")

    def _transaction_step(self, stage: str, sent: bytes) -> Answer:
        point = self._point or self._prologue.pool or Point()
        key = key_of(stage, sent)
        branch = point.branches.get(key)
        slot = branch.claim() if branch is not None else None
        if branch is None or slot is None:
            if stage == "RSET":
                self._leave_transaction()
                return self._free(stage)
            answer = self._missed(stage, sent, point, key)
            self._leave_transaction()
            self._miss = answer
            return answer
        self._claims.append((branch, slot))
        following, heard = branch.slots[slot]
        self._point = following
        last = ends_transaction(stage, sent)
        if last or not (following.branches or following.endings):
            self._point = None
            self._claims = []
        return _answer(heard)

    def _leave_transaction(self) -> None:
        """The transaction is over before its end: it was recorded so, or is taken back."""
        self._miss = None
        if self._point is not None:
            if self._point.endings:
                self._point.endings -= 1
            else:
                for branch, slot in self._claims:
                    branch.release(slot)
        self._point, self._claims = None, []

    def _missed(self, stage: str, sent: bytes, point: Point, key: Key) -> Answer:
        same = point.branches.get(key)
        near = [branch for other, branch in point.branches.items() if other[0] == stage]
        verdict = ALREADY_USED if same else DIFFERENT if near else MISSING
        # What is still unused is the likeliest to have been meant.
        likely = sorted(near, key=lambda branch: not branch.free)
        miss = self._player.miss(verdict, stage, sent, same or (likely[0] if likely else None))
        words = f"{_MISS.get(stage, _MISS_ELSEWHERE)} smtpproxy: {miss}"
        return Answer(_one_line(words), close=stage == "CONNECT", each=True)


def _offers_tls(point: Point) -> bool:
    """Is there a STARTTLS, and an answer to it, that a client behind this EHLO can have?"""
    branch = point.branches.get((STARTTLS,))
    return branch is not None and any(heard is not None for _, heard in branch.ways())


def without_unreplayable(heard: bytes | None, starttls: bool = False) -> bytes | None:
    """Return an EHLO reply without what this cassette can't keep up.

    That is SCRAM and channel binding in AUTH (RFC 5802 §6), and, unless `starttls`, STARTTLS.
    """
    if heard is None or b"\r\n" not in heard:
        return heard
    reply = Reply(final_code(heard), heard)
    lines = []
    for at, line in enumerate(reply.lines):
        words = line.split()
        keyword = words[0].upper() if words and at else b""
        if keyword == b"STARTTLS" and not starttls:
            continue
        if keyword == b"AUTH":
            kept = [word for word in words if not _proves_itself(word.upper())]
            if len(kept) < len(words):
                line = b" ".join(kept)
                if len(kept) == 1:
                    continue
        lines.append(line)
    if lines == reply.lines:
        return heard
    last = len(lines) - 1
    return b"".join(
        b"%d%s%s\r\n" % (reply.code, b" " if at == last else b"-", line)
        for at, line in enumerate(lines)
    )


def _proves_itself(mechanism: bytes) -> bool:
    return mechanism.startswith(b"SCRAM-") or mechanism.endswith(b"-PLUS")


def _answer(heard: bytes | None) -> Answer:
    """Say what was heard; where that was nothing, the connection had ended."""
    if heard is None:
        return Answer(b"", close=True)
    return Answer(heard, close=heard.startswith((b"221", b"421")))


def _shown(sent: bytes) -> str:
    return visible(sent.strip())


def _one_line(text: str) -> bytes:
    """Return a reply line no longer than a client must take (RFC 5321 §4.5.3.1.5: 512 octets)."""
    return text.encode("ascii", "backslashreplace")[:510] + b"\r\n"
