"""The Postfix server of the tests with TLS, and with logins that Dovecot checks."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from tests.peers.identity import Identity
from tests.peers.postfix import run_postfix
from tests.peers.processes import free_port
from tests.peers.tlsserver import TlsServer

SERVICES = """
127.0.0.1:{insisting} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt{also}
127.0.0.1:{implicit} inet n - n - - smtpd
  -o smtpd_tls_wrappermode=yes{also}
"""
#: A provider takes mail from its customers alone.
CUSTOMERS = "\n  -o smtpd_client_restrictions=permit_sasl_authenticated,reject"


@contextlib.contextmanager
def run_tls_postfix(identity: Identity, logins: Path, also: str = "") -> Iterator[TlsServer]:
    """Run Postfix with this certificate; it offers AUTH to who has come by TLS.

    `logins` is the socket of the Dovecot that it asks; `also` are settings of the ports that take
    no mail in plain text.
    """
    settings = {
        "smtpd_tls_security_level": "may",
        "smtpd_tls_chain_files": f"{identity.key}, {identity.certificate}",
        "smtpd_sasl_auth_enable": "yes",
        "smtpd_sasl_authenticated_header": "yes",
        "smtpd_sasl_type": "dovecot",
        "smtpd_sasl_path": str(logins),
        "smtpd_tls_auth_only": "yes",
    }
    insisting, implicit = free_port(), free_port()
    services = SERVICES.format(insisting=insisting, implicit=implicit, also=also)
    with run_postfix(settings=settings, services=services) as mail:
        yield TlsServer(mail, insisting, implicit)
