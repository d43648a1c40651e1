"""Whole sessions, made up and cut at random: nothing is lost, added, or taken for another."""

from __future__ import annotations

import re

from hypothesis import given, settings

from tests.generated import Session, broken_sessions, sessions
from tests.relaying import CLIENT, UPSTREAM, Event, Outcome, octet_by_octet, relayed, said_by
from tests.session_reference import story

#: What the proxy says when it ends a session itself; nothing follows it.
GOING = re.compile(rb"421 \S+ Service not available, closing transmission channel\r\n\Z")


def paired(outcome: Outcome) -> list[tuple[str, bytes, bytes | None]]:
    """Return what the client heard in answer to what."""
    return [(one.stage, one.sent, one.heard) for one in outcome.exchanges]


@settings(max_examples=400, deadline=None)
@given(sessions())
def test_generated_sessions_pass_unchanged(session: Session) -> None:
    """No octet differs on either side, whatever both say, and whenever it comes."""
    outcome = relayed(session.events)
    assert (outcome.upward, outcome.downward) == (session.client, session.upstream)


@settings(max_examples=400, deadline=None)
@given(sessions())
def test_generated_sessions_are_read_as_the_reference_reads_them(session: Session) -> None:
    """Boundaries and pairing are those of a model that knows neither time nor segments."""
    outcome = relayed(session.events)
    expected = story(session.client, session.upstream)
    assert paired(outcome) == expected.exchanges
    assert outcome.mail == expected.mail
    assert outcome.upward == expected.upward + expected.rest
    strays = [fact for fact, _ in outcome.notes if fact == "stray-line"]
    assert len(strays) == expected.strays
    # The model itself is judged by whoever made the session up.
    assert [stage for stage, _, _ in expected.exchanges] == [
        unit.stage for unit in session.units if unit.stage
    ]


@settings(max_examples=200, deadline=None)
@given(sessions())
def test_cuts_change_no_fact(session: Session) -> None:
    """The same comes of a session octet by octet."""
    assert relayed(octet_by_octet(session.events)) == relayed(session.events)


@settings(max_examples=300, deadline=None)
@given(broken_sessions())
def test_broken_sessions_stay_whole_up_to_their_end(events: list[Event]) -> None:
    """Whoever ends it: what passed is what was said, up to a point, and at most one 421 more."""
    outcome = relayed(events)
    assert said_by(events, CLIENT).startswith(outcome.upward)
    assert said_by(events, UPSTREAM).startswith(GOING.sub(b"", outcome.downward))
    assert relayed(octet_by_octet(events)) == outcome
