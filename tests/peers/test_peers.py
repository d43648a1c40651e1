"""Real servers with nothing between: what later tests build upon.

That messages arrive as they were sent is told by test_pairs, for every client.
"""

import secrets
import smtplib

import pytest

from tests.peers.clients import (
    CLIENT_NAME,
    SECONDS,
    SendMessage,
    run_smtp_source,
    send_curl,
    send_msmtp,
    send_smtplib,
    send_swaks,
)
from tests.peers.mailserver import MailServer
from tests.peers.matrix import SMTP
from tests.peers.messages import hard_message
from tests.peers.postfix import run_postfix

pytestmark = pytest.mark.peer("aiosmtpd", "curl", "exim4", "msmtp", "postfix", "swaks")

SENDER = "alice@example.org"
RECIPIENTS = ("bob@example.net", "carol@example.net")
UNKNOWN = "nobody@example.net"
SERVERS = [server.fixture for server in SMTP.servers]
REFUSING = [server.fixture for server in SMTP.servers if server.refuses]
LOADS = [("smtp_sink", 1000), ("postfix", 1000), ("aiosmtpd_server", 1000), ("exim", 200)]
CLIENTS: list[SendMessage] = [send_smtplib, send_swaks, send_msmtp, send_curl]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> MailServer:
    """Each of the real servers in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, MailServer)
    return found


@pytest.fixture
def subject() -> str:
    """A subject that no other message has: the servers are shared by all tests."""
    return secrets.token_hex(8)


@pytest.mark.parametrize("server", REFUSING, indirect=True)
@pytest.mark.parametrize("send", CLIENTS)
def test_refusal_is_told(server: MailServer, send: SendMessage, subject: str) -> None:
    """A server's 550 for an unknown recipient makes the client say that it failed, and why."""
    outcome = send(server.host, server.port, SENDER, [UNKNOWN], hard_message(subject))
    assert not outcome.ok
    assert "550" in outcome.output


def test_null_reverse_path(server: MailServer, subject: str) -> None:
    """A message with the null reverse-path, as a bounce has it, keeps it."""
    outcome = send_smtplib(server.host, server.port, "", RECIPIENTS, hard_message(subject))
    assert outcome.ok, outcome.output
    arrived = server.await_recipients(RECIPIENTS, containing=subject.encode())
    assert {mail.sender for mail in arrived} == {""}


@pytest.mark.parametrize("keep", [False, True], ids=["one-each", "kept-open"])
@pytest.mark.parametrize(("server", "count"), LOADS, indirect=["server"])
def test_load_is_taken_whole(server: MailServer, count: int, keep: bool, subject: str) -> None:
    """A load from 20 sessions at once arrives, each message once and no session refused."""
    outcome = run_smtp_source(server.host, server.port, count, keep=keep, subject=subject)
    assert outcome.ok, outcome.output
    assert len(server.await_mail(count, subject.encode(), seconds=60)) == count


def test_exim_offers_chunking(exim: MailServer) -> None:
    """Exim's EHLO has CHUNKING, so that tests with BDAT have a real server."""
    with smtplib.SMTP(exim.host, exim.port, CLIENT_NAME, timeout=SECONDS) as client:
        client.ehlo()
        assert client.has_extn("chunking")


def test_postfix_discarding(subject: str) -> None:
    """A Postfix that keeps nothing takes a load too, and still refuses an unknown recipient."""
    with run_postfix(keep_mail=False) as server:
        outcome = run_smtp_source(server.host, server.port, subject=subject)
        assert outcome.ok, outcome.output
        refused = send_smtplib(server.host, server.port, SENDER, [UNKNOWN], hard_message(subject))
        assert "550" in refused.output
        assert server.messages() == []
