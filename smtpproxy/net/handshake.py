"""What a TLS handshake came to: what is known of the connection, or why there is none, in words."""

from __future__ import annotations

import re
from functools import lru_cache
from hashlib import sha256
from typing import Any

from cryptography import x509
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, dump_certificate
from service_identity import CertificateError, VerificationError
from twisted.internet import error
from twisted.python.failure import Failure

from smtpproxy.net.verification import CertificateRefused
from smtpproxy.tlsfacts import NOT_TLS, TlsFacts

#: Characters of a subject that are kept: a peer may send a certificate of any length.
_SUBJECT_LIMIT = 256
#: Reasons of OpenSSL that say little to whoever does not know them.
_PLAINER = {
    "wrong version number": NOT_TLS,
    "packet length too long": NOT_TLS,
    "record layer failure": NOT_TLS,
    "http request": "what came was HTTP, not TLS",
    "no shared cipher": "no cipher that both sides have",
    "unsupported protocol": "no TLS version that both sides have",
    "alert unknown ca": "the peer does not trust our certificate",
    "alert bad certificate": "the peer refused our certificate",
    "alert certificate unknown": "the peer refused our certificate",
    "alert certificate expired": "to the peer our certificate has expired",
    "alert protocol version": "the peer has no TLS version that we have",
    "alert handshake failure": "the peer found no way to agree",
}
_ALERT = re.compile(r"(?:ssl/)?(?:sslv3|tlsv1|tls) alert")
#: What is said of a handshake that its peer did not go on with.
BROKEN_OFF = "handshake broken off"


def facts_of(transport: Any) -> TlsFacts:
    """Return what is known of a Twisted transport's TLS, after its handshake."""
    connection = transport.getHandle()
    certificate = connection.get_peer_certificate()
    subject, fingerprint = ("", "")
    if certificate is not None:
        subject, fingerprint = _certificate_facts(dump_certificate(FILETYPE_ASN1, certificate))
    return TlsFacts(
        version=connection.get_protocol_version_name(),
        cipher=connection.get_cipher_name() or "",
        sni=_text(connection.get_servername()),
        alpn=_text(connection.get_alpn_proto_negotiated()),
        subject=subject,
        fingerprint=fingerprint,
    )


def failure_words(failure: Failure) -> str:
    """Return why a handshake failed, in a few plain words."""
    match failure.value:
        case CertificateRefused(words=words):
            return words
        case VerificationError():
            return "the certificate is not for this host"
        case CertificateError():
            return "the certificate bears no name that can be read"
        case SSL.Error() as problem:
            return _reason(problem)
        case error.ConnectionClosed() | error.ConnectionLost():
            return BROKEN_OFF
        case other:
            return f"handshake failed: {type(other).__name__}"


def _reason(problem: SSL.Error) -> str:
    """Return the last of OpenSSL's reasons, which is the outermost."""
    queue = problem.args[0] if problem.args else ()
    if not isinstance(queue, list | tuple) or not queue:
        return BROKEN_OFF
    reason = str(queue[-1][-1])
    if reason.startswith("unexpected eof"):
        return BROKEN_OFF
    # "sslv3 alert …" of old; OpenSSL 3.2 says "ssl/sslv3 alert …", and 4.0 "tls alert …".
    plain = _ALERT.sub("alert", reason)
    return _PLAINER.get(plain, plain)


@lru_cache(maxsize=16)
def _certificate_facts(der: bytes) -> tuple[str, str]:
    """Return subject and fingerprint. Upstream shows the same certificate each time."""
    try:
        subject = x509.load_der_x509_certificate(der).subject.rfc4514_string()[:_SUBJECT_LIMIT]
    except (ValueError, x509.InvalidVersion):
        subject = ""  # OpenSSL takes what can't be read; the fingerprint tells it all the same
    return subject, sha256(der).hexdigest()


def _text(octets: bytes | None) -> str:
    return (octets or b"").decode("ascii", "backslashreplace")
