"""What is known of a connection once it is encrypted.

Knows nothing of how that is found out: `net/handshake.py` looks at the connection.
"""

from __future__ import annotations

from typing import NamedTuple

#: Why a handshake fails where a peer goes on in plain text.
NOT_TLS = "what came was not TLS"


class TlsFacts(NamedTuple):
    """One side's TLS, after its handshake. A text is "" where there is nothing to tell."""

    version: str  # as OpenSSL calls it: TLSv1.3
    cipher: str  # the cipher suite's name
    sni: str  # the server name that the client asked for (RFC 6066 §3)
    alpn: str  # the protocol that was agreed on (RFC 7301)
    subject: str  # of the peer's certificate (RFC 4514)
    fingerprint: str  # SHA-256 of the peer's certificate, in hex
