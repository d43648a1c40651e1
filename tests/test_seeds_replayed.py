"""Every seed dialogue, recorded and replayed: the same client hears the same octets again."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.cassette.matching import USUAL, Matching
from smtpproxy.responder import LocalServer
from tests.cassette.recording import Recording
from tests.cassette.replaying import Replaying
from tests.relaying import CLIENT, UPSTREAM, Event, said_by
from tests.seeds import SEEDS, events_of

#: All of a message counts.
EXACT = Matching(message=True, ignored=())
#: What can't be told by a cassette that stands in for upstream, and why.
NOT_REPLAYED = {
    "AUTH, cancelled": "the challenge may be a secret: another one stands in its place",
    "STARTTLS": "what follows was not read",
    "ETRN and TURN": "what follows was not read",
    "unfinished": "half a reply is no reply",
    "odd replies": "replies come before their commands, or answer nothing",
}


def recorded(seed: list[Event], folder: Path) -> Recording:
    """Return the recording of a session that went like this."""
    recording = Recording(folder)
    conversation = recording.begin()
    for who, octets in seed:
        (conversation.client if who == CLIENT else conversation.upstream)(octets)
    conversation.client_leaves()
    return recording


@pytest.mark.parametrize("matching", [USUAL, EXACT], ids=["usual", "exact"])
@pytest.mark.parametrize("name", [name for name in SEEDS if name not in NOT_REPLAYED])
def test_a_seed_is_replayed(name: str, matching: Matching, tmp_path: Path) -> None:
    """No octet differs, nothing is missed, and nothing is left over; messages are as recorded."""
    seed = events_of(SEEDS[name])
    replaying = Replaying(recorded(seed, tmp_path).cassette(), matching=matching)
    server = LocalServer(replaying.player.connection())
    heard = server.connected()
    for who, octets in seed:
        heard += server.receive(octets) if who == CLIENT else b""
    assert heard == said_by(seed, UPSTREAM)
    assert replaying.misses == []
    assert replaying.unused == 0


@pytest.mark.parametrize("name", NOT_REPLAYED)
def test_the_other_seeds_are_recorded(name: str, tmp_path: Path) -> None:
    """What can't be replayed can be read all the same."""
    recording = recorded(events_of(SEEDS[name]), tmp_path)
    assert recording.cassette().sessions[0].dialogue
    assert recording.problems == []
