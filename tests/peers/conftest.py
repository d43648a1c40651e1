"""The real servers as fixtures, each started once for all the tests that ask for it.

A test that needs another configuration runs its own by the context manager of that server.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.peers.aiosmtpd_server import AiosmtpdServer, run_aiosmtpd
from tests.peers.aiosmtpd_tls import run_tls_aiosmtpd
from tests.peers.clients import SendMessage
from tests.peers.dovecot import Dovecot, run_dovecot
from tests.peers.exim import run_exim
from tests.peers.exim_tls import run_tls_exim
from tests.peers.identity import Identity, open_identity
from tests.peers.mailserver import MaildirServer
from tests.peers.node_server import NodeServer, run_node_server
from tests.peers.opensmtpd import run_opensmtpd
from tests.peers.postfix import run_postfix
from tests.peers.postfix_client import PostfixClient, run_postfix_client
from tests.peers.postfix_tls import run_tls_postfix
from tests.peers.senders import SENDERS
from tests.peers.smtp_sink import SmtpSink, run_smtp_sink
from tests.peers.tls_senders import TLS_SENDERS, SendByTls, by_postfix
from tests.peers.tlsserver import TlsServer


@pytest.fixture(scope="session")
def smtp_sink() -> Iterator[SmtpSink]:
    """Postfix's smtp-sink, which takes everything."""
    with run_smtp_sink() as server:
        yield server


@pytest.fixture(scope="session")
def postfix() -> Iterator[MaildirServer]:
    """Postfix, delivering mail for example.net to a maildir."""
    with run_postfix() as server:
        yield server


@pytest.fixture(scope="session")
def exim() -> Iterator[MaildirServer]:
    """Exim, delivering all mail to a maildir; it offers CHUNKING and DSN."""
    with run_exim("dsn_advertise_hosts = *") as server:
        yield server


@pytest.fixture(scope="session")
def aiosmtpd_server() -> Iterator[AiosmtpdServer]:
    """aiosmtpd, keeping envelopes."""
    with run_aiosmtpd() as server:
        yield server


@pytest.fixture(scope="session")
def opensmtpd() -> Iterator[MaildirServer]:
    """OpenSMTPD, delivering mail for example.net to a maildir."""
    with run_opensmtpd() as server:
        yield server


@pytest.fixture(scope="session")
def node_server() -> Iterator[NodeServer]:
    """Node's smtp-server, keeping messages as it gets them."""
    with run_node_server() as server:
        yield server


@pytest.fixture(scope="session")
def dovecot() -> Iterator[Dovecot]:
    """Dovecot's LMTP server, delivering to a maildir for each recipient."""
    with run_dovecot() as server:
        yield server


@pytest.fixture(scope="session")
def node_lmtp_server() -> Iterator[NodeServer]:
    """Node's smtp-server, speaking LMTP."""
    with run_node_server(lmtp=True) as server:
        yield server


@pytest.fixture(scope="session")
def lmtp_sink() -> Iterator[SmtpSink]:
    """Postfix's smtp-sink, speaking LMTP."""
    with run_smtp_sink("-L") as server:
        yield server


@pytest.fixture(scope="session")
def identity() -> Iterator[Identity]:
    """Who the servers are that speak TLS."""
    with open_identity() as made:
        yield made


@pytest.fixture(scope="session")
def proxy_identity() -> Iterator[Identity]:
    """Another authority, which is for a proxy, and in whose folder it may make what it needs."""
    with open_identity() as made:
        yield made


@pytest.fixture(scope="session")
def tls_postfix(identity: Identity, dovecot: Dovecot) -> Iterator[TlsServer]:
    """Postfix, speaking TLS; Dovecot checks its logins."""
    with run_tls_postfix(identity, dovecot.logins) as server:
        yield server


@pytest.fixture(scope="session")
def tls_exim(identity: Identity) -> Iterator[TlsServer]:
    """Exim, speaking TLS."""
    with run_tls_exim(identity) as server:
        yield server


@pytest.fixture(scope="session")
def tls_aiosmtpd(identity: Identity) -> Iterator[TlsServer]:
    """aiosmtpd, speaking TLS."""
    with run_tls_aiosmtpd(identity) as server:
        yield server


@pytest.fixture(scope="session")
def postfix_client(identity: Identity, proxy_identity: Identity) -> Iterator[PostfixClient]:
    """A Postfix that sends, and takes no mail from the network; it may trust either authority."""
    with run_postfix_client(identity.authority, proxy_identity.authority) as client:
        yield client


@pytest.fixture
def tls_senders(request: pytest.FixtureRequest) -> Callable[[str], SendByTls]:
    """What finds a client that speaks TLS by its name; Postfix is started for it."""

    def find(name: str) -> SendByTls:
        if name in TLS_SENDERS:
            return TLS_SENDERS[name]
        client: PostfixClient = request.getfixturevalue("postfix_client")
        return by_postfix(client, "encrypt" if "encrypt" in name else "verify")

    return find


@pytest.fixture
def senders(request: pytest.FixtureRequest) -> Callable[[str], SendMessage]:
    """What finds a client by the name that the matrix has for it; Postfix is started for it."""

    def find(name: str) -> SendMessage:
        if name in SENDERS:
            return SENDERS[name]
        client: PostfixClient = request.getfixturevalue("postfix_client")
        return client.send

    return find
