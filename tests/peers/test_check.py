"""A cassette that was recorded from a real server, checked against it."""

import itertools
import time
from pathlib import Path

import pytest

from tests.peers.clients import send_swaks
from tests.peers.mailserver import MailServer
from tests.programs import SMTPPROXY, Outcome, call, serving

SENDER, RECIPIENTS = "alice@example.org", ["bob@example.net", "carol@example.net"]
_NUMBERS = itertools.count(1)


def record(server: MailServer, folder: Path, subject: str) -> str:
    """Record the session of one message; return where the server is."""
    upstream = f"{server.host}:{server.port}"
    options = ("--mode", "record", "--cassette", "signup.yaml", "--log", "none")
    message = f"From: {SENDER}\r\nSubject: {subject}\r\n\r\n.Hi.\r\n".encode()
    with serving(folder, "--upstream", upstream, *options) as proxy:
        outcome = send_swaks("127.0.0.1", proxy.port, SENDER, RECIPIENTS, message)
        assert outcome.ok, outcome.output
        assert proxy.end().status == 0
    server.await_recipients(RECIPIENTS, containing=subject.encode())
    return upstream


def check(folder: Path, upstream: str, *options: str) -> Outcome:
    """Check the cassette."""
    return call(folder, (*SMTPPROXY, "check", "signup.yaml", "--upstream", upstream, *options))


@pytest.mark.parametrize("server_name", ["postfix", "exim", "aiosmtpd_server"])
def test_a_server_says_the_same_again(
    server_name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    """Queue ids and times are no drift; nothing is delivered but by --deliver, and then once."""
    server: MailServer = request.getfixturevalue(server_name)
    subject = f"check-{server_name}-{next(_NUMBERS)}"
    upstream = record(server, tmp_path, subject)
    before = len(server.await_mail(1, containing=subject.encode()))
    checked = check(tmp_path, upstream)
    assert (checked.status, checked.out) == (0, ""), checked.err
    time.sleep(1)  # what would be delivered in spite of it
    assert len(server.await_mail(1, containing=subject.encode())) == before
    delivered = check(tmp_path, upstream, "--deliver", "--yes")
    assert (delivered.status, delivered.out) == (0, ""), delivered.err
    server.await_mail(2 * before, containing=subject.encode())


def test_another_server(postfix: MailServer, exim: MailServer, tmp_path: Path) -> None:
    """Exim in Postfix's place is drift: what it offers, at the least."""
    record(postfix, tmp_path, f"check-another-{next(_NUMBERS)}")
    checked = check(tmp_path, f"{exim.host}:{exim.port}")
    assert checked.status == 1, checked.err
    assert "keywords EHLO" in checked.out
