"""aiosmtpd with TLS: three of it in threads, which keep what they get in one place.

Unlike aiosmtpd by itself they write a trace field, as mail servers do (RFC 5321 §4.4).
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import Iterator
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.peers.aiosmtpd_server import AiosmtpdServer, Keeper
from tests.peers.dovecot import PASSWORD
from tests.peers.identity import Identity
from tests.peers.processes import HOST, free_port
from tests.peers.tlsserver import TlsServer

SERVER_NAME = "aio.example.net"
USER = "bob@example.net"


class Tracing(Keeper):
    """Keeps every envelope, with a field on top that tells how it came."""

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Keep the envelope and its mail data, traced."""
        secure = server.transport is not None and server.transport.get_extra_info("ssl_object")
        # RFC 3848's words.
        protocol = f"ESMTP{'S' if secure else ''}{'A' if session.authenticated else ''}"
        trace = f"Received: from {session.host_name} by {SERVER_NAME} with {protocol}\r\n"
        envelope.original_content = trace.encode() + (envelope.original_content or b"")
        return await super().handle_DATA(server, session, envelope)


def _login(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, said: Any
) -> AuthResult:
    """Whether the one user whom it knows gave the right password, by PLAIN or LOGIN."""
    right = LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=said == right, handled=False)  # a refusal is left to aiosmtpd


@contextlib.contextmanager
def run_tls_aiosmtpd(identity: Identity) -> Iterator[TlsServer]:
    """Run aiosmtpd with this certificate; it offers AUTH to who has come by TLS."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(identity.certificate, identity.key)
    keeper = Tracing()
    with (
        _listening(keeper, tls_context=context) as offering,
        _listening(keeper, tls_context=context, require_starttls=True) as insisting,
        # It knows of no TLS but by STARTTLS, so that it must not ask for any here.
        _listening(keeper, ssl_context=context, auth_require_tls=False) as implicit,
    ):
        yield TlsServer(AiosmtpdServer(HOST, offering, keeper), insisting, implicit)


@contextlib.contextmanager
def _listening(keeper: Keeper, **settings: Any) -> Iterator[int]:
    """Have one aiosmtpd listen until the block ends; the port."""
    port = free_port()
    controller = Controller(
        *(keeper, HOST, port), server_hostname=SERVER_NAME, authenticator=_login, **settings
    )
    controller.start()
    try:
        yield port
    finally:
        controller.stop()
