"""Real clients through the proxy to real servers: relayed, recorded, and replayed.

What arrives is what was sent, and what was recorded; the replay needs no server at all.
"""

import itertools
from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from smtpproxy.smtp.maildata import unstuff
from tests.peers.clients import (
    SendMessage,
    send_curl,
    send_msmtp,
    send_smtplib,
    send_swaks,
)
from tests.peers.mailserver import MailServer
from tests.peers.messages import assert_same_message, hard_message
from tests.programs import serving

SENDER, RECIPIENTS = "alice@example.org", ["bob@example.net", "carol@example.net"]
CLIENTS = {
    "smtplib": send_smtplib,
    "swaks": send_swaks,
    "msmtp": send_msmtp,
    "curl": send_curl,
}
SERVERS = ("smtp_sink", "postfix", "exim", "aiosmtpd_server")
_NUMBERS = itertools.count(1)


@pytest.mark.parametrize("server_name", SERVERS)
@pytest.mark.parametrize("client_name", CLIENTS)
def test_client_and_server_meet(
    client_name: str, server_name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """The message arrives whole, is recorded whole, and the cassette answers the same client."""
    server: MailServer = request.getfixturevalue(server_name)
    send: SendMessage = CLIENTS[client_name]
    subject = f"through-{client_name}-{server_name}-{next(_NUMBERS)}"
    message = hard_message(subject)
    cassette = tmp_path / "cassette.yaml"
    upstream = f"{server.host}:{server.port}"
    options = ("--mode", "record", "--cassette", cassette.name, "--log", "none")
    with serving(tmp_path, "--upstream", upstream, *options) as proxy:
        outcome = send("127.0.0.1", proxy.port, SENDER, RECIPIENTS, message)
        assert outcome.ok, outcome.output
        ended = proxy.end()
    assert ended.status == 0, ended.err
    for mail in server.await_recipients(RECIPIENTS, containing=subject.encode()):
        assert_same_message(message, mail.octets)
    assert_same_message(message, _recorded(cassette)[0])

    replay = tmp_path / "replay"
    replay.mkdir()
    with serving(replay, "--mode", "replay", "--cassette", str(cassette), "--log", "none") as proxy:
        again = send("127.0.0.1", proxy.port, SENDER, RECIPIENTS, message)
        assert again.ok, again.output
        ended = proxy.end()
    assert (ended.status, "replay miss" in ended.err) == (0, False), ended.err


@pytest.mark.parametrize("client_name", CLIENTS)
def test_refused_recipient_is_told_and_the_other_is_served(
    client_name: str, aiosmtpd_server: MailServer, tmp_path: Path
) -> None:
    """A rule refuses one recipient; the server never hears of it, and nothing goes astray."""
    subject = f"refused-{client_name}-{next(_NUMBERS)}"
    upstream = f"{aiosmtpd_server.host}:{aiosmtpd_server.port}"
    rule = "RCPT carol@example.net: 550 5.1.1 No such user here"
    with serving(tmp_path, "--upstream", upstream, "--rule", rule) as proxy:
        outcome = CLIENTS[client_name](
            "127.0.0.1", proxy.port, SENDER, RECIPIENTS, hard_message(subject)
        )
        proxy.end()
    assert "No such user here" in outcome.output
    delivered = [m for m in aiosmtpd_server.delivered() if subject.encode() in m.octets]
    # Whether a client goes on with the other recipient is its own choice.
    assert all(mail.recipients == ("bob@example.net",) for mail in delivered)


def _recorded(cassette: Path) -> list[bytes]:
    """Return the messages in a cassette, as their receiver understands them."""
    return [
        unstuff(one.kept.octets) if one.kept.wire else one.kept.octets
        for session in load_cassette(cassette).sessions
        for one in session.dialogue
        if one.kept is not None
    ]
