"""Which recorded exchange a live one is: keys, and the dialogue tree.

Owns what is compared and what is ignored. Sessions are cut into prologues and mail transactions;
equal beginnings share a path, so that a claim on a transaction stays open until an exchange tells
it from its likes.
"""

from __future__ import annotations

import heapq
from typing import TypeAlias

from smtpproxy.cassette.model import (
    END_OF_DATA,
    STRAY,
    UNSOLICITED,
    Cassette,
    Recorded,
    RecordedSession,
)
from smtpproxy.redaction import REDACTED_LINE
from smtpproxy.smtp.client import UNREADABLE, parse_command
from smtpproxy.smtp.facts import Reply, is_last_chunk
from smtpproxy.smtp.path import parse_path
from smtpproxy.smtp.server import final_code

#: Parameters of MAIL and RCPT that differ at every run.
IGNORED_PARAMETERS = frozenset({"SIZE", "ENVID"})
#: What comes before transactions. It may be taken by any number of connections.
PROLOGUE = frozenset({"CONNECT", "HELO", "EHLO", "LHLO", "STARTTLS", "AUTH", "XCLIENT", "XFORWARD"})
#: Commands that use up nothing where no transaction is open.
STARTTLS = "STARTTLS"
FREE = frozenset({"NOOP", "RSET", "QUIT"})
_ADDRESSED = frozenset({"MAIL", "RCPT", "SEND", "SOML", "SAML"})
_ARGUMENT_IGNORED = frozenset({"HELO", "EHLO", "LHLO", "DATA", "NOOP", "RSET", "QUIT", "STARTTLS"})

Key: TypeAlias = tuple[object, ...]


def key_of(stage: str, sent: bytes) -> Key:
    """Return what must be equal in a command for it to be the recorded one."""
    if sent == REDACTED_LINE and stage != "AUTH":
        return (UNREADABLE, sent)  # any line that was meant as credentials
    if stage in _ADDRESSED:
        return (stage, *_envelope_key(sent))
    if stage == "AUTH":
        return (stage, *_auth_key(sent))
    if stage == "BDAT":
        return (stage, is_last_chunk(sent))
    if stage in _ARGUMENT_IGNORED or not sent:
        return (stage,)
    return (stage, b" ".join(sent.split()[1:]))


def _envelope_key(sent: bytes) -> Key:
    path = parse_path(parse_command(sent).argument)
    if path is None:
        return (sent.strip(),)
    local, at, domain = path.address.rpartition("@")
    parameters = frozenset(
        (keyword, value.upper())
        for keyword, value in path.parameters
        if keyword not in IGNORED_PARAMETERS
    )
    return (f"{local}{at}{domain.lower()}", parameters)


def _auth_key(sent: bytes) -> Key:
    """The mechanism counts; credentials, and whether they came at once, do not differ by value."""
    words = sent.upper().split()
    if words[:1] == [b"AUTH"]:
        return (words[1] if len(words) > 1 else b"", len(words) > 2)
    return (b"*" if words == [b"*"] else b"+",)


def _reply_key(stage: str, heard: bytes | None) -> Key:
    if heard is None:
        return ()
    reply = Reply(final_code(heard), heard)
    if stage in ("EHLO", "LHLO"):
        words = frozenset(b" ".join(line.upper().split()) for line in reply.lines[1:])
        return (reply.code, words)
    return (reply.code, reply.enhanced)


class Point:
    """A place in the recorded dialogues, reached by commands and their replies."""

    __slots__ = ("_repeat", "branches", "endings", "followed", "left", "pool")

    def __init__(self, repeat: bool = False) -> None:
        self._repeat = repeat
        self.branches: dict[Key, Branch] = {}
        self.left = 0  # ways on from here that are unused
        self.endings = 0  # transactions that were left unfinished here, and not yet replayed
        self.followed = False  # TLS began on the way here, and what came behind it was read
        self.pool: Point | None = None  # where transactions begin, after a prologue

    def follow(self, one: Recorded) -> Point:
        """Return the place behind a recorded exchange, which is noted as one more way there."""
        key = key_of(one.stage, one.sent)
        branch = self.branches.get(key)
        if branch is None:
            branch = self.branches[key] = Branch(one, self, self._repeat)
        return branch.add(one)

    def transactions(self) -> Point:
        """Return the place where the transactions after this prologue begin."""
        if self.pool is None:
            self.pool = Point(self._repeat)
        return self.pool

    def unused(self) -> int:
        """Return how many transactions of this prologue, and of longer ones, are unused."""
        left = 0
        points = [self]  # prologues may be long: no recursion
        while points:
            point = points.pop()
            left += point.pool.left if point.pool is not None else 0
            for branch in point.branches.values():
                points.extend(following for following, _ in branch.ways())
        return left


class Branch:
    """One command at one place, and each time that it was recorded there."""

    __slots__ = ("_owner", "_points", "_repeat", "example", "free", "slots")

    def __init__(self, example: Recorded, owner: Point, repeat: bool) -> None:
        self._owner = owner
        self._repeat = repeat
        self.example = example
        self.slots: list[Way] = []  # what follows, and what was heard
        self.free: list[int] = []  # a heap: the first recorded is the first replayed
        self._points: dict[Key, Way] = {}

    def add(self, one: Recorded) -> Point:
        heard = one.heard
        point, _ = self._points.setdefault(
            _reply_key(one.stage, heard), (Point(self._repeat), heard)
        )
        heapq.heappush(self.free, len(self.slots))
        self._owner.left += 1
        self.slots.append((point, heard))
        return point

    def ways(self) -> list[Way]:
        """Return the places behind this command, each with the first reply that led there.

        A STARTTLS whose octets passed unread leads nowhere.
        """
        return [
            way for way in self._points.values() if self.example.stage != STARTTLS or _leads(way)
        ]

    def claim(self) -> int | None:
        """Return the first unused slot, which is used from now on, or None."""
        if self._repeat and not self.free:
            self.free = list(range(len(self.slots)))
            self._owner.left += len(self.slots)
        if not self.free:
            return None
        self._owner.left -= 1
        return heapq.heappop(self.free)

    def release(self, slot: int) -> None:
        """Take a claim back."""
        if not self._repeat:
            self._owner.left += 1
            heapq.heappush(self.free, slot)


#: A place, and what was heard on the way there.
Way: TypeAlias = tuple[Point, bytes | None]


class Tree:
    """All dialogues of a cassette. `repeat`: nothing is ever used up.

    `plain`: what was recorded under TLS is for clients without it.
    """

    def __init__(self, cassette: Cassette, repeat: bool = False, plain: bool = False) -> None:
        self.root = Point(repeat)
        self.free: dict[str, list[bytes]] = {}  # replies to commands that use up nothing
        self.pools: list[Point] = []
        for session in cassette.sessions:
            self._add(_in_plain_text(session) if plain else session.dialogue, session.followed)

    def _add(self, dialogue: list[Recorded], followed: bool) -> None:
        prologue = self.root
        point: Point | None = None  # in the open transaction
        for one in dialogue:
            stage = one.stage
            if stage in (UNSOLICITED, STRAY):
                continue
            if point is not None and (stage in PROLOGUE or stage in ("MAIL", "QUIT")):
                point.endings += 1
                point = None
            if stage in PROLOGUE:
                prologue = prologue.follow(one)
                prologue.followed |= followed and begins_tls(stage, one.heard)
            elif stage == "NOOP" or (point is None and stage in FREE):
                self.free.setdefault(stage, []).extend([one.heard] if one.heard else [])
            else:
                point = (point or self._pool(prologue)).follow(one)
                if ends_transaction(stage, one.sent) or not _opens(stage):
                    point = None
        if point is not None:
            point.endings += 1

    def _pool(self, prologue: Point) -> Point:
        if prologue.pool is None:
            self.pools.append(prologue.transactions())
        return prologue.transactions()

    def unused(self) -> list[Recorded]:
        """Return the first exchange of each transaction, once a kind, that nobody replayed."""
        return [
            branch.example
            for pool in self.pools
            for branch in pool.branches.values()
            if branch.free
        ]

    def unused_count(self) -> int:
        """Return how many transactions nobody replayed."""
        return sum(pool.left for pool in self.pools)


def begins_tls(stage: str, heard: bytes | None) -> bool:
    """Does TLS begin behind this exchange?"""
    return stage == STARTTLS and heard is not None and heard.startswith(b"220")


def _leads(way: Way) -> bool:
    point, heard = way
    return point.followed or not begins_tls(STARTTLS, heard)


def _in_plain_text(session: RecordedSession) -> list[Recorded]:
    """Return a dialogue as of a client that never asks for TLS.

    What was said under TLS follows the greeting; what came before is left out, as it was forgotten.
    """
    dialogue = session.dialogue
    begins = [at for at, one in enumerate(dialogue) if begins_tls(one.stage, one.heard)]
    if session.followed and begins:
        greeting = [one for one in dialogue[: begins[0]] if one.stage == "CONNECT"]
        dialogue = greeting + dialogue[begins[-1] + 1 :]
    return [one for one in dialogue if one.stage != STARTTLS]


def ends_transaction(stage: str, sent: bytes) -> bool:
    """Is the transaction over with this exchange? The last BDAT is an end of mail data, too."""
    return stage in (END_OF_DATA, "RSET") or (stage == "BDAT" and is_last_chunk(sent))


def _opens(stage: str) -> bool:
    """Does a transaction go on behind this exchange? VRFY and its like stand alone."""
    return stage in _ADDRESSED or stage in ("DATA", "BDAT")
