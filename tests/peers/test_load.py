"""A load of a thousand messages through the proxy: delivered, logged, recorded, and replayed.

smtp-source spreads its messages over connections differently at every run.
"""

import json
from collections import Counter
from email import message_from_bytes
from email.policy import compat32
from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from tests.peers.clients import run_smtp_source
from tests.peers.mailserver import MailServer
from tests.peers.messages import assert_same_message
from tests.programs import serving

MESSAGES, SESSIONS = 1000, 20


@pytest.mark.parametrize("keep", [False, True], ids=["new", "kept"])
@pytest.mark.parametrize("server_name", ["smtp_sink", "postfix"])
def test_load_is_delivered_logged_recorded_and_replayed(
    server_name: str, keep: bool, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Log and cassette agree with what arrived, message for message; replay answers them all."""
    server: MailServer = request.getfixturevalue(server_name)
    subject = f"load-{server_name}-{'kept' if keep else 'new'}"
    cassette, log = tmp_path / "load.yaml", tmp_path / "load.jsonl"
    with serving(
        tmp_path,
        *("--upstream", f"{server.host}:{server.port}"),
        *("--mode", "record", "--cassette", cassette.name),
        *("--log", log.name, "--log-format", "json"),
    ) as proxy:
        sent = run_smtp_source(
            "127.0.0.1", proxy.port, MESSAGES, SESSIONS, keep=keep, subject=subject
        )
        assert sent.ok, sent.output
        ended = proxy.end()
    assert ended.status == 0, ended.err

    delivered = {
        _identity(mail.octets): mail.octets
        for mail in server.await_mail(MESSAGES, containing=subject.encode())
    }
    recorded = {
        _identity(one.kept.octets): one.kept.octets
        for session in load_cassette(cassette).sessions
        for one in session.dialogue
        if one.kept is not None
    }
    assert len(delivered) == len(recorded) == MESSAGES
    for identity, octets in recorded.items():
        assert_same_message(octets, delivered[identity])

    replies = Counter(
        (record["stage"], record["code"])
        for record in map(json.loads, log.read_text().splitlines())
        if "stage" in record
    )
    assert replies["END-OF-DATA", 250] == MESSAGES
    assert replies["RCPT", 250] == MESSAGES
    assert replies["CONNECT", 220] == replies["QUIT", 221] >= SESSIONS

    replay = tmp_path / "replay"
    replay.mkdir()
    with serving(replay, "--mode", "replay", "--cassette", str(cassette), "--log", "none") as proxy:
        again = run_smtp_source(
            "127.0.0.1", proxy.port, MESSAGES, SESSIONS, keep=keep, subject=subject
        )
        assert again.ok, again.output
        ended = proxy.end()
    assert ended.status == 0, ended.err
    assert "not replayed" not in ended.err


def _identity(octets: bytes) -> str:
    """Return what tells this message from the others of its load."""
    return str(message_from_bytes(octets, policy=compat32)["Message-Id"])
