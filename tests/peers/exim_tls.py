"""The Exim server of the tests with TLS, which it does by GnuTLS where the others use OpenSSL."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

from tests.peers.exim import run_exim
from tests.peers.identity import Identity
from tests.peers.processes import free_port
from tests.peers.tlsserver import TlsServer

SETTINGS = """
tls_advertise_hosts = *
tls_certificate = {identity.certificate}
tls_privatekey = {identity.key}
tls_on_connect_ports = {implicit}
acl_smtp_mail = ${{if and{{{{eq{{$received_port}}{{{insisting}}}}}{{!def:tls_in_cipher}}}}\
  {{deny message = 530 5.7.0 Must issue a STARTTLS command first}}{{accept}}}}
"""


@contextlib.contextmanager
def run_tls_exim(identity: Identity) -> Iterator[TlsServer]:
    """Run Exim with this certificate."""
    insisting, implicit = free_port(), free_port()
    tls = SETTINGS.format(identity=identity, insisting=insisting, implicit=implicit)
    with run_exim(tls=tls, more_ports=(insisting, implicit)) as mail:
        yield TlsServer(mail, insisting, implicit)
