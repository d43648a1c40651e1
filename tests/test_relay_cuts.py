"""Every cut of the seed dialogues, one by one: the same octets, the same facts, the same pairs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import combinations

import pytest

from smtpproxy.smtp.facts import Reply
from tests.relaying import CLIENT, UPSTREAM, Event, Outcome, octet_by_octet, relayed, said_by
from tests.seeds import SEEDS, SHORT_SEEDS, events_of
from tests.session_reference import story
from tests.smtp.reading import octets_of
from tests.smtp.reference_replies import replies_in


@pytest.fixture(params=SEEDS, name="seed")
def _seed(request: pytest.FixtureRequest) -> list[Event]:
    return events_of(SEEDS[request.param])


def as_judged(outcome: Outcome, client: bytes, upstream: bytes) -> bool:
    """Is this what the reference model says of all that was said?"""
    expected = story(client, upstream)
    pairs = [(one.stage, one.sent, one.heard) for one in outcome.exchanges]
    return (outcome.upward, outcome.downward, pairs, outcome.mail) == (
        *(expected.upward + (b"" if expected.held else expected.rest), upstream),
        *(expected.exchanges, expected.mail),
    )


def timeless(outcome: Outcome) -> Outcome:
    """Return what came of a session but for what depends on who spoke first."""
    return outcome._replace(
        exchanges=[one._replace(pipelined=False, odd=()) for one in outcome.exchanges],
        notes=sorted(outcome.notes),
    )


@pytest.mark.parametrize("script", [*SEEDS.values(), *SHORT_SEEDS.values()])
def test_seeds_are_read_as_the_reference_reads_them(script: str) -> None:
    """No octet differs, and each reply is paired, as by a model that knows no time."""
    seed = events_of(script)
    assert as_judged(relayed(seed), said_by(seed, CLIENT), said_by(seed, UPSTREAM))


def test_cuts_of_each_segment(seed: list[Event]) -> None:
    """A segment may come in two, cut anywhere, or octet by octet."""
    whole = relayed(seed)
    assert relayed(octet_by_octet(seed)) == whole
    for at, (who, octets) in enumerate(seed):
        for cut in range(1, len(octets)):
            pieces = [Event(who, octets[:cut]), Event(who, octets[cut:])]
            assert relayed([*seed[:at], *pieces, *seed[at + 1 :]]) == whole, (at, cut)


def test_cuts_of_a_client_that_sends_ahead(seed: list[Event]) -> None:
    """The client may send all that it has, in two segments, and upstream answer when it can."""
    whole = timeless(relayed(seed))
    client, upstream = said_by(seed, CLIENT), said_by(seed, UPSTREAM)
    for cut in range(len(client) + 1):
        assert timeless(relayed(ahead(client, upstream, [cut]))) == whole, cut


def test_cuts_of_an_upstream_that_answers_late(seed: list[Event]) -> None:
    """Upstream may answer all at once, or in two segments, when everything was sent."""
    whole = timeless(relayed(seed))
    client, upstream = said_by(seed, CLIENT), said_by(seed, UPSTREAM)
    for cut in range(len(upstream) + 1):
        pieces = [Event(UPSTREAM, upstream[:cut]), Event(UPSTREAM, upstream[cut:])]
        assert timeless(relayed([Event(CLIENT, client), *pieces])) == whole, cut


@pytest.mark.parametrize("name", SHORT_SEEDS)
def test_all_pairs_of_cuts(name: str) -> None:
    """Short dialogues stay the same for every two cuts of either side, or one of each."""
    seed = events_of(SHORT_SEEDS[name])
    whole = timeless(relayed(seed))
    client, upstream = said_by(seed, CLIENT), said_by(seed, UPSTREAM)
    for cuts in combinations(range(len(client) + 1), 2):
        assert timeless(relayed(ahead(client, upstream, cuts))) == whole, cuts
    for cuts in combinations(range(len(upstream) + 1), 2):
        late = [Event(CLIENT, client), *in_pieces(UPSTREAM, upstream, cuts)]
        assert timeless(relayed(late)) == whole, cuts
    due = dues(client, upstream)
    for cut in range(len(client) + 1):
        for other in range(due[cut] + 1):
            pieces = [
                *(Event(CLIENT, client[:cut]), Event(UPSTREAM, upstream[:other])),
                *(Event(CLIENT, client[cut:]), Event(UPSTREAM, upstream[other:])),
            ]
            assert timeless(relayed(pieces)) == whole, (cut, other)


def ahead(client: bytes, upstream: bytes, cuts: Iterable[int]) -> Iterator[Event]:
    """Yield a client's pieces, and behind each what upstream can say to that."""
    due = dues(client, upstream)
    sent = answered = 0
    for cut in (*cuts, len(client)):
        yield Event(CLIENT, client[sent:cut])
        yield Event(UPSTREAM, upstream[answered : due[cut]])
        sent, answered = cut, due[cut]
    yield Event(UPSTREAM, upstream[answered:])


def in_pieces(who: str, octets: bytes, cuts: Iterable[int]) -> Iterator[Event]:
    """Yield the octets cut at these places."""
    begin = 0
    for end in (*cuts, len(octets)):
        yield Event(who, octets[begin:end])
        begin = end


def dues(client: bytes, upstream: bytes) -> list[int]:
    """Return how many octets upstream may have said, by how many the client has sent."""
    ends, end = [0], 0
    for fact in replies_in(upstream):
        end += len(octets_of([fact]))
        if isinstance(fact, Reply):
            ends.append(end)
    found = []
    for sent in range(len(client) + 1):
        exchanges = story(client[:sent], upstream).exchanges
        found.append(ends[sum(1 for *_, reply in exchanges if reply is not None)])
    return found
