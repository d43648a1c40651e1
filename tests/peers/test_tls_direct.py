"""Real clients and servers by TLS with nothing between: what the tests of the proxy build upon."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.peers.aiosmtpd_tls import USER
from tests.peers.clients import CLIENT_NAME, SECONDS, send_msmtp
from tests.peers.dovecot import PASSWORD
from tests.peers.identity import NAME, Identity
from tests.peers.mails import hard_mail
from tests.peers.messages import assert_same_message
from tests.peers.processes import HOST
from tests.peers.tls import CLIENTS, Tls, TlsClient
from tests.peers.tls_senders import SendByTls
from tests.peers.tlsserver import TlsServer, came_with

SERVERS = ("tls_postfix", "tls_exim", "tls_aiosmtpd")
MECHANISMS = ("plain", "login", "cram-md5", "scram-sha-1", "scram-sha-256")
each_client = pytest.mark.parametrize("client", CLIENTS, ids=lambda client: client.name)


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> TlsServer:
    """Each of the real servers in turn."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, TlsServer)
    return found


def port_for(server: TlsServer, tls: Tls) -> int:
    """The port of a server at which only such a client gets through."""
    ports = {Tls.MUST: server.insisting, Tls.IMPLICIT: server.implicit}
    return ports.get(tls, server.offering)


@each_client
def test_mail_comes_by_tls(
    client: TlsClient,
    server: TlsServer,
    identity: Identity,
    tls_senders: Callable[[str], SendByTls],
) -> None:
    """The message arrives whole, and the server says that it came as the client was told."""
    send = tls_senders(client.name)

    def assert_arrives(tls: Tls) -> None:
        mail = hard_mail()
        outcome = send(port_for(server, tls), mail, tls, identity.authority)
        assert outcome.ok, outcome.output
        for one in server.mail.await_recipients(mail.recipients, containing=mail.identity):
            assert_same_message(mail.octets, one.octets)
            assert came_with(one) == ("ESMTP" if tls is Tls.PLAIN else "ESMTPS")

    with ThreadPoolExecutor() as pool:
        list(pool.map(assert_arrives, client.does))


@each_client
def test_a_stranger_gets_no_mail(
    client: TlsClient,
    tls_aiosmtpd: TlsServer,
    proxy_identity: Identity,
    tls_senders: Callable[[str], SendByTls],
) -> None:
    """A client that verifies sends nothing to a server whose authority it does not trust."""
    send = tls_senders(client.name)

    def refuses(tls: Tls) -> bool:
        mail = hard_mail()
        outcome = send(port_for(tls_aiosmtpd, tls), mail, tls, proxy_identity.authority)
        arrived = [one for one in tls_aiosmtpd.mail.messages() if mail.identity in one]
        assert bool(arrived) == outcome.ok, outcome.output
        return not outcome.ok

    for tls in client.does & {Tls.MUST, Tls.IMPLICIT}:
        assert refuses(tls) == client.verifies


def test_a_server_may_insist(server: TlsServer) -> None:
    """At the port where STARTTLS must be used, MAIL is refused without it."""
    with smtplib.SMTP(HOST, server.insisting, CLIENT_NAME, timeout=SECONDS) as client:
        client.ehlo()
        code, _ = client.mail("alice@example.org")
    assert code >= 500


@pytest.mark.parametrize("fixture", ["tls_postfix", "tls_aiosmtpd"])
def test_logins_need_tls(fixture: str, identity: Identity, request: pytest.FixtureRequest) -> None:
    """AUTH is offered by TLS alone, and what was right is told from what was wrong."""
    server: TlsServer = request.getfixturevalue(fixture)
    context = ssl.create_default_context(cafile=identity.authority)
    with smtplib.SMTP("localhost", server.offering, CLIENT_NAME, timeout=SECONDS) as client:
        client.ehlo()
        assert not client.has_extn("auth")
        client.starttls(context=context)
        with pytest.raises(smtplib.SMTPAuthenticationError):
            client.login(USER, "wrong")
        assert client.login(USER, PASSWORD)[0] == 235


@pytest.mark.parametrize("mechanism", MECHANISMS)
def test_mechanisms_of_postfix(mechanism: str, tls_postfix: TlsServer, identity: Identity) -> None:
    """Dovecot gives Postfix each of its mechanisms, and Postfix says who has logged in."""
    mail = hard_mail()
    trust = ("--tls=on", f"--tls-trust-file={identity.authority}", f"--tls-host-override={NAME}")
    login = (f"--auth={mechanism}", f"--user={USER}", f"--passwordeval=echo {PASSWORD}")
    envelope = (mail.sender, mail.recipients, mail.octets)
    outcome = send_msmtp(HOST, tls_postfix.insisting, *envelope, *trust, *login)
    assert outcome.ok, outcome.output
    for one in tls_postfix.mail.await_recipients(mail.recipients, containing=mail.identity):
        assert came_with(one) == "ESMTPSA"
        assert f"(Authenticated sender: {USER})".encode() in one.octets
