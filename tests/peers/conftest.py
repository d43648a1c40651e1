"""The real servers as fixtures, each started once for all the tests that ask for it.

A test that needs another configuration runs its own by the context manager of that server.
"""

from collections.abc import Iterator

import pytest

from tests.peers.aiosmtpd_server import AiosmtpdServer, run_aiosmtpd
from tests.peers.exim import run_exim
from tests.peers.mailserver import MaildirServer
from tests.peers.postfix import run_postfix
from tests.peers.smtp_sink import SmtpSink, run_smtp_sink


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
    """Exim, delivering all mail to a maildir; it offers CHUNKING."""
    with run_exim() as server:
        yield server


@pytest.fixture(scope="session")
def aiosmtpd_server() -> Iterator[AiosmtpdServer]:
    """aiosmtpd, keeping envelopes."""
    with run_aiosmtpd() as server:
        yield server
