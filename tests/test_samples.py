"""The sample cassettes: each can be read, replayed, and recorded again from its own replay."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.actions import Action, Close, Send, Side
from smtpproxy.cassette.matching import Matching
from smtpproxy.cassette.misses import Miss
from smtpproxy.cassette.model import Cassette, Recorded, RecordedSession
from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.store import CassetteFile, load_cassette, mail_data_on_the_wire
from smtpproxy.relay import Relay
from smtpproxy.replay import Player
from smtpproxy.responder import LocalServer
from smtpproxy.transcript import Session, Transcript

SAMPLES = sorted((Path(__file__).parents[1] / "cassettes").glob("*.yaml"))
REAL_SERVERS = {"aiosmtpd", "exim", "postfix"}


class Replayed:
    """A session of a client with a proxy that replays and records, without sockets."""

    def __init__(self, player: Player, recorder: Recorder, number: int) -> None:
        self.heard = b""
        self.closed = False
        self._server = LocalServer(player.connection())
        session = Session(number, f"run-{number}", "127.0.0.1:4000", "cassette", 0.0)
        transcript = Transcript(session, [recorder], lambda: 0.0)
        self.relay = Relay(transcript, lambda: 0.0, state=session.state)
        self._carry_out(self.relay.connected())
        self._carry_out(self.relay.upstream_received(self._server.connected()))

    def send(self, octets: bytes) -> None:
        """The client sends octets."""
        self._carry_out(self.relay.client_received(octets))

    def leave(self) -> None:
        """The client closes its connection."""
        self._carry_out(self.relay.client_closed(clean=True))
        self.relay.finished()

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            match action:
                case Send(Side.CLIENT, octets):
                    self.heard += octets
                case Send(Side.UPSTREAM, octets):
                    answer = self._server.receive(octets)
                    self._carry_out(self.relay.upstream_received(answer))
                case Close(Side.CLIENT):
                    self.closed = True


def groups(session: RecordedSession) -> list[list[Recorded]]:
    """Return the exchanges that were sent in one go, together."""
    found: list[list[Recorded]] = []
    for one in session.dialogue:
        if one.pipelined:
            found[-1].append(one)
        else:
            found.append([one])
    return found


def sent(one: Recorded, path: Path) -> bytes:
    """Return what the client sent in an exchange, as on the wire."""
    if one.kept is None:
        return one.sent
    return one.sent or mail_data_on_the_wire(one.kept, path) + b".\r\n"


def replay(path: Path, again: Path) -> tuple[Cassette, list[Miss]]:
    """Play the client's side of a cassette against its own replay, and record that."""
    cassette = load_cassette(path)
    misses: list[Miss] = []
    player = Player(
        cassette,
        misses.append,
        matching=Matching(message=True, ignored=()),
        octets_of=lambda kept: mail_data_on_the_wire(kept, path),
    )
    recorder = Recorder(CassetteFile(again, cassette.upstream, cassette.recorded), pytest.fail)
    for number, session in enumerate(cassette.sessions, start=1):
        client = Replayed(player, recorder, number)
        for group in groups(session):
            client.send(b"".join(sent(one, path) for one in group if one.stage != "CONNECT"))
        assert client.heard == b"".join(one.heard or b"" for one in session.dialogue)
        client.leave()
    recorder.finish()
    assert player.tree.unused_count() == 0
    return cassette, misses


@pytest.mark.parametrize("path", SAMPLES, ids=[path.stem for path in SAMPLES])
def test_sample_replays_and_records_again(path: Path, tmp_path: Path) -> None:
    """The same client hears the same octets, and recording that gives the same dialogue."""
    cassette, misses = replay(path, tmp_path / "again.yaml")
    assert misses == []
    again = load_cassette(tmp_path / "again.yaml")
    assert [s.dialogue for s in again.sessions] == [s.dialogue for s in cassette.sessions]
    assert [s.ended for s in again.sessions] == [s.ended for s in cassette.sessions]
    # But for the time of recording and the milliseconds, the file is the same to the letter.
    assert timeless(tmp_path / "again.yaml") == timeless(path)


def timeless(path: Path) -> list[str]:
    """Return a cassette's lines without its times."""
    return [line for line in path.read_text().splitlines() if not line.startswith("timing-ms:")]


def test_samples_come_from_real_servers() -> None:
    """Postfix, Exim and aiosmtpd at least are among them."""
    assert {path.stem.partition("-")[0] for path in SAMPLES} >= REAL_SERVERS
