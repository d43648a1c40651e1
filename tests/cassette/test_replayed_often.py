"""A cassette that is replayed again and again: the same octets, no socket, no more memory."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import NoReturn

import pytest

from smtpproxy.cassette.misses import Miss
from smtpproxy.cassette.store import load_cassette
from smtpproxy.replay import Player
from smtpproxy.responder import LocalServer
from tests.allocated import memory
from tests.cassette.dialogues import segments, wire
from tests.cassette.replaying import CLOSING, OPENING, Replaying, letter, lines, replaying
from tests.test_samples import SAMPLES, groups, sent

TIMES = 1_000
SESSIONS = 10_000
#: What may stay behind for all that is replayed, in octets: 25 a session. Python itself keeps up
#: to 2,000 tuples of each length for later.
SPARE = 256 * 1024


@pytest.fixture
def without_sockets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody can make a socket, or look up a name."""

    def refuse(*_: object, **__: object) -> NoReturn:
        pytest.fail("a replay asked for a socket")

    monkeypatch.setattr(socket, "socket", refuse)
    monkeypatch.setattr(socket, "create_connection", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


@pytest.mark.usefixtures("without_sockets")
@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_each_replay_says_the_same(path: Path) -> None:
    """A thousand replays of a sample give what was recorded, to the octet, with nothing missed."""
    cassette = load_cassette(path)
    steps = [
        [
            (
                b"".join(sent(one, path) for one in group),
                b"".join(one.heard or b"" for one in group),
            )
            for group in groups(session)
        ]
        for session in cassette.sessions
    ]
    misses: list[Miss] = []
    for _ in range(TIMES):
        player = Player(cassette, misses.append)
        for (_, greeting), *rest in steps:
            server = LocalServer(player.connection())
            assert server.connected() == greeting
            for octets, answer in rest:
                assert server.receive(octets) == answer
            server.gone()
        assert player.tree.unused_count() == 0
    assert misses == []


def test_the_sockets_are_really_gone(without_sockets: None) -> None:
    """Who asked for a socket would be told of."""
    assert without_sockets is None
    with pytest.raises(pytest.fail.Exception):
        socket.create_connection(("192.0.2.1", 25))


LETTER = lines(OPENING, letter(1), CLOSING)
GREETING, *ANSWERS = [wire(said) for who, said in segments(LETTER) if who == "S"]
SENT = [wire(said) for who, said in segments(LETTER) if who == "C"]


def replay(replayed: Replaying, sessions: int) -> None:
    """Let clients send the same letter, one after another."""
    for _ in range(sessions):
        server = LocalServer(replayed.player.connection())
        assert server.connected() == GREETING
        assert list(map(server.receive, SENT)) == ANSWERS
        server.gone()


def test_memory_stays_with_repeat() -> None:
    """Ten thousand sessions of one that is repeated leave nothing behind."""
    replayed = replaying(LETTER, repeat=True)
    assert memory(lambda: replay(replayed, SESSIONS)) < SPARE
    assert replayed.misses == []


def test_memory_stays_while_a_cassette_is_used_up() -> None:
    """Ten thousand recorded sessions, each replayed once, take no more memory by that."""
    replayed = replaying(*[LETTER] * SESSIONS)
    assert replayed.unused == SESSIONS
    assert memory(lambda: replay(replayed, SESSIONS)) < SPARE
    assert (replayed.unused, replayed.misses) == (0, [])
