"""Ends an encrypted connection so that its peer can't tell whether it has heard all."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL


def close_without_notice(transport: Any) -> None:
    """Close a TLS transport that has written everything, without close_notify (RFC 8446 §6.1)."""
    # OpenSSL takes the alerts for exchanged, so that nothing is left but to close what is below.
    transport.getHandle().set_shutdown(SSL.SENT_SHUTDOWN | SSL.RECEIVED_SHUTDOWN)
    transport.loseConnection()
