"""Whether upstream's certificate is good: its chain, and its name.

Twisted's own check takes a certificate that bears no name at all, of any authority that is trusted,
for every host (it lets pass what service_identity raises for that), and refuses names with an
underscore. So the name is looked at here, and a connection whose name nobody has looked at fails.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import extract_patterns
from service_identity.hazmat import DNS_ID, IPAddress_ID, verify_service_identity

from smtpproxy.net.names import ip_address

#: OpenSSL's words for its X509_V_ERR numbers, which pyOpenSSL does not tell.
_WORDS = {
    2: "unable to get issuer certificate",
    7: "certificate signature failure",
    9: "certificate is not yet valid",
    10: "certificate has expired",
    18: "self-signed certificate",
    19: "self-signed certificate in certificate chain",
    20: "unable to get local issuer certificate",
    21: "unable to verify the first certificate",
    22: "certificate chain too long",
    23: "certificate revoked",
    24: "invalid CA certificate",
    25: "path length constraint exceeded",
    26: "unsuitable certificate purpose",
    34: "unhandled critical extension",
    47: "permitted subtree violation",
    48: "excluded subtree violation",
    66: "key too weak",
    67: "CA key too weak",
    68: "CA signature digest algorithm too weak",
    79: "invalid CA certificate",
}
_VERIFY = SSL.VERIFY_PEER | SSL.VERIFY_FAIL_IF_NO_PEER_CERT


class CertificateRefused(SSL.Error):
    """Upstream's certificate is not good. Says why."""

    def __init__(self, words: str) -> None:
        super().__init__([("SSL routines", "", words)])
        self.words = words


class VerifiedConnection(SSL.Connection):
    """A client's connection that stands only if the certificate is good for a host.

    The peer is told by a TLS alert; `do_handshake` raises CertificateRefused.
    """

    def __init__(self, context: SSL.Context, host: str) -> None:
        """`host` is a DNS name as it stands on the wire, or an IP address."""
        super().__init__(context)
        self._host = host
        self._good = False
        self._problem = ""

    def do_handshake(self) -> None:
        """Go on with the handshake."""
        try:
            super().do_handshake()
        except SSL.Error as error:
            if self._problem:
                raise CertificateRefused(self._problem) from error
            raise
        if not self._good:
            raise CertificateRefused("nobody has looked at the certificate")

    def look(self, certificate: Any, error: int, depth: int, ok: bool) -> bool:
        """Is this certificate of the chain good? The last that is asked about is the host's."""
        if not ok:
            words = _WORDS.get(error, f"verification error {error}")
            self._problem = f"certificate verify failed: {words}"
        elif depth == 0:
            self._problem = _name_problem(dump_certificate(FILETYPE_ASN1, certificate), self._host)
            self._good = not self._problem
        return not self._problem


def ask_about_certificates(context: SSL.Context) -> None:
    """Let each VerifiedConnection of a context be asked about certificates.

    Where that was forgotten, its handshakes fail.
    """
    context.set_verify(_VERIFY, _look)


def _look(connection: Any, certificate: Any, error: int, depth: int, ok: int) -> bool:
    # What is raised here would be lost in OpenSSL.
    try:
        return bool(connection.look(certificate, error, depth, bool(ok)))
    except Exception:
        return False


@lru_cache(maxsize=16)
def _name_problem(der: bytes, host: str) -> str:
    """Return why the certificate is not for the host, or "". Upstream shows the same each time."""
    wanted = IPAddress_ID(host) if ip_address(host) is not None else DNS_ID(host)
    try:
        certificate = x509.load_der_x509_certificate(der)
        verify_service_identity(extract_patterns(certificate), [wanted], [])
    except VerificationError:
        return f"the certificate is not for {host}"
    except (CertificateError, ValueError):
        return f"the certificate is not for {host}: it bears no name that can be read"
    return ""
