"""Which clients send commands without waiting for replies (RFC 2920), as a recording shows it."""

from collections.abc import Callable
from pathlib import Path

import pytest
from twisted.internet.threads import deferToThread

from smtpproxy.cassette.model import RecordedSession
from smtpproxy.cassette.store import load_cassette
from tests.net.loopback import in_reactor
from tests.peers.clients import SendMessage
from tests.peers.mails import sender_of
from tests.peers.matrix import SMTP
from tests.peers.messages import hard_message
from tests.peers.pairs import Extension, Pair
from tests.peers.smtp_sink import SmtpSink
from tests.programs import serving

# So many that the last is on its way before the first has its reply, if a client does not wait.
RECIPIENTS = [f"bob+{number}@example.net" for number in range(50)]
PAIRS = [pair for pair in SMTP.pairs if pair.server.fixture == "smtp_sink"]


@pytest.fixture
def each(senders: Callable[[str], SendMessage]) -> list[tuple[Pair, SendMessage]]:
    """Every client of the matrix."""
    return [(pair, senders(pair.client.name)) for pair in PAIRS]


@in_reactor
async def test_pipelining_is_recorded(
    each: list[tuple[Pair, SendMessage]], smtp_sink: SmtpSink, tmp_path: Path
) -> None:
    """The commands that a client sent in one go are together in the cassette, and no others."""
    upstream = ("--upstream", f"{smtp_sink.host}:{smtp_sink.port}", "--log", "none")
    recording = ("--mode", "record", "--cassette", "clients.yaml")
    with serving(tmp_path, *upstream, *recording) as proxy:
        await deferToThread(_send_all, each, proxy.port)
        assert proxy.end().status == 0
    sessions = load_cassette(tmp_path / "clients.yaml").sessions
    pipelining = {
        pair.client.name
        for pair, _ in each
        for session in sessions
        if _is_of(pair, session) and any(one.pipelined for one in session.dialogue)
    }
    assert pipelining == {
        pair.client.name for pair, _ in each if Extension.PIPELINING in pair.client.uses
    }


def _send_all(each: list[tuple[Pair, SendMessage]], port: int) -> None:
    for pair, send in each:
        sender, message = sender_of(pair.client.name), hard_message(pair.client.name)
        outcome = send("127.0.0.1", port, sender, RECIPIENTS, message, *pair.options)
        assert outcome.ok, outcome.output


def _is_of(pair: Pair, session: RecordedSession) -> bool:
    sender = sender_of(pair.client.name).encode()
    return any(sender in one.sent for one in session.dialogue)
