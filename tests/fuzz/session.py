"""Fuzz target: a whole session, whatever both sides do, and all that is kept of it."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from smtpproxy.actions import Side
from smtpproxy.cassette.model import STRAY, UNSOLICITED, Recorded
from smtpproxy.cassette.read import read_cassette
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from smtpproxy.smtp.maildata import FINAL_DOT, stuff
from smtpproxy.smtp.server import final_code
from smtpproxy.visible import visible_text
from tests.fuzz.altered import check_cut, check_order, check_refused
from tests.fuzz.observing import Kept, Observing
from tests.fuzz.script import read, terms_of
from tests.relaying import (
    CLIENT,
    PLAIN,
    UPSTREAM,
    Event,
    Heard,
    Outcome,
    Relaying,
    Terms,
    octet_by_octet,
    outcome_of,
)
from tests.session_reference import story

#: What the proxy says on its own when it ends a session; nothing follows it.
_OWN = re.compile(
    rb"(?:500 5\.5\.2 Line too long|421 \S+ Service not available, closing transmission channel)"
    rb"\r\n\Z"
)
_TOO_LONG = {"line-too-long", "reply-too-long"}
#: With these nobody can know what the reference is to say: it knows no time, and no limits.
_BEYOND_THE_REFERENCE = {"unsolicited-reply", *_TOO_LONG}
_MOST_IN_FLIGHT = 1000


class _Seen(NamedTuple):
    outcome: Outcome
    kept: Kept
    received: dict[Side, bytes]


def check(octets: bytes) -> None:
    """Nothing is lost, added or mistaken, in what is passed on and in what is kept."""
    terms, script = terms_of(octets)
    events = list(read(script))
    whole = _seen(events, terms)
    if terms._replace(limits=DEFAULT_LIMITS) == PLAIN:
        _check_octets(whole)
        if all(event.what in (CLIENT, UPSTREAM) for event in events):
            _check_pairing(whole)
    check_order(whole.outcome, whole.received)
    check_refused(whole.outcome, terms)
    _check_logs(whole.kept)
    _check_cassette(whole)
    cut = _seen(list(octet_by_octet(events)), terms)
    assert _lasting(cut) == _lasting(whole)
    check_cut(cut.outcome, whole.outcome, terms)


def _seen(events: list[Event], terms: Terms) -> _Seen:
    watcher = Observing()
    relaying = Relaying(watcher, watcher.session.state, terms)
    relaying.play(events)
    return _Seen(outcome_of(relaying, watcher), watcher.kept(), relaying.received)


def _lasting(seen: _Seen) -> Kept:
    """Return what remains, whatever the cuts: of a line too long the logs show what had come."""
    if {fact for fact, _ in seen.outcome.notes} & _TOO_LONG:
        return seen.kept._replace(json=[], text=[])
    return seen.kept


def _check_octets(seen: _Seen) -> None:
    """What passes is what was sent, up to a point, and at most one reply of the proxy's own."""
    outcome, received = seen.outcome, seen.received
    assert received[Side.CLIENT].startswith(outcome.upward)
    downward = _OWN.sub(b"", outcome.downward)
    assert received[Side.UPSTREAM].startswith((outcome.downward, downward))


def _check_pairing(seen: _Seen) -> None:
    """Boundaries and pairing are the reference's, which is given all that was said, at once."""
    outcome, received = seen.outcome, seen.received
    facts = {fact for fact, _ in outcome.notes}
    # A line that upstream alone took for DATA is one to the client only if it waited.
    misread = any(
        one.stage == "?" and final_code(one.heard or b"") == 354 for one in outcome.exchanges
    )
    if misread or facts & _BEYOND_THE_REFERENCE or len(outcome.exchanges) >= _MOST_IN_FLIGHT:
        return
    expected = story(received[Side.CLIENT], received[Side.UPSTREAM])
    assert [(one.stage, one.sent, one.heard) for one in outcome.exchanges] == expected.exchanges
    assert outcome.mail == expected.mail
    assert outcome.upward in (expected.upward, expected.upward + expected.rest)


def _check_logs(kept: Kept) -> None:
    """A record is a line, and no octet of a peer's is obeyed by a terminal."""
    for line in kept.json:
        assert line.index(b"\n") == len(line) - 1
        json.loads(line)
    for line in kept.text:
        assert line.index(b"\n") == len(line) - 1
        assert visible_text(line.decode()[:-1]) == line.decode()[:-1]
    assert not kept.failures


def _check_cassette(seen: _Seen) -> None:
    """What is read back is what was said, but for secrets."""
    sessions = read_cassette(seen.kept.cassette, "fuzz.yaml").sessions
    if not sessions:
        return
    # What was said behind the 221 to QUIT, if something was, is a session of its own.
    assert [one.behind for one in sessions] in ([""], ["", sessions[0].label])
    whole = [one for session in sessions for one in session.dialogue]
    dialogue = [one for one in whole if one.stage not in (STRAY, UNSOLICITED)]
    # The answer to a line that was too long stands in no exchange: the line itself is not kept.
    exchanges = _by_message([one for one in seen.outcome.exchanges if one.sent or one.stage != "?"])
    assert len(dialogue) == len(exchanges)
    secret = any(_of_auth(one) for one, *_ in exchanges)
    if not secret:
        assert [(o.stage, o.sent, o.said, o.heard) for o in dialogue] == list(map(_row, exchanges))
    assert seen.outcome.mail.startswith(b"".join(map(_mail_of, dialogue)))


def _of_auth(one: Heard) -> bool:
    """Is a command AUTH, or may it be by another name? What is answered by 334 is."""
    named = one.stage == "AUTH" or b"AUTH" in one.sent.upper() or b"X-EXPS" in one.sent.upper()
    return named or final_code(one.heard or b"") == 334


def _by_message(exchanges: list[Heard]) -> list[list[Heard]]:
    """Return the exchanges, with all replies to one message together."""
    found: list[list[Heard]] = []
    for one in exchanges:
        if one.continues:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def _row(group: list[Heard]) -> tuple[str, bytes, tuple[bytes, ...], bytes | None]:
    said = tuple(one.said for one in group if one.said is not None)
    heard = [one.heard for one in group if one.heard is not None]
    return group[0].stage, group[0].sent, said, b"".join(heard) if heard else None


def _mail_of(one: Recorded) -> bytes:
    """Return mail data, or a chunk, as it was on the wire."""
    if one.kept is None:
        return b""
    if one.sent:
        return one.kept.octets
    return (one.kept.octets if one.kept.wire else stuff(one.kept.octets)) + FINAL_DOT
