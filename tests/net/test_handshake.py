"""How a failed handshake is told. What is known of a good one, test_tlscontexts sees."""

from __future__ import annotations

from hashlib import sha256
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL
from OpenSSL.crypto import FILETYPE_ASN1, X509, load_certificate
from service_identity import CertificateError, VerificationError
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.python.failure import Failure

from smtpproxy.net.certificates import Issuer, authority_certificate, server_certificate
from smtpproxy.net.handshake import facts_of, failure_words
from smtpproxy.net.verification import CertificateRefused
from tests.certificates import AT


def _openssl(reason: str) -> SSL.Error:
    return SSL.Error([("SSL routines", "", "the innermost"), ("SSL routines", "", reason)])


@pytest.mark.parametrize(
    ("raised", "words"),
    [
        (CertificateRefused("the certificate is not for a"), "the certificate is not for a"),
        (VerificationError([]), "the certificate is not for this host"),
        (CertificateError("no names"), "the certificate bears no name that can be read"),
        (_openssl("certificate verify failed"), "certificate verify failed"),
        (_openssl("wrong version number"), "what came was not TLS"),
        (_openssl("tlsv1 alert unknown ca"), "the peer does not trust our certificate"),
        (_openssl("ssl/tlsv1 alert unknown ca"), "the peer does not trust our certificate"),
        (_openssl("sslv3 alert bad certificate"), "the peer refused our certificate"),
        (_openssl("tls alert bad certificate"), "the peer refused our certificate"),
        (_openssl("tls alert certificate expired"), "to the peer our certificate has expired"),
        (_openssl("no shared cipher"), "no cipher that both sides have"),
        (_openssl("unexpected eof while reading"), "handshake broken off"),
        (SSL.Error([]), "handshake broken off"),
        (SSL.Error(), "handshake broken off"),
        (SSL.SysCallError(-1, "Unexpected EOF"), "handshake broken off"),
        (SSL.ZeroReturnError(), "handshake broken off"),
        (ConnectionDone(), "handshake broken off"),
        (ConnectionLost(), "handshake broken off"),
        (ConnectionAborted(), "handshake broken off"),
        (MemoryError(), "handshake failed: MemoryError"),
    ],
)
def test_why_a_handshake_failed(raised: Exception, words: str) -> None:
    """Each reason is told in a few plain words."""
    assert failure_words(Failure(raised)) == words


class _Transport:
    """A TLS transport, whose connection it is itself."""

    def __init__(self, certificate: x509.Certificate | None = None, der: bytes = b"") -> None:
        self._certificate = X509.from_cryptography(certificate) if certificate else None
        if der:
            self._certificate = load_certificate(FILETYPE_ASN1, der)

    def getHandle(self) -> _Transport:
        return self

    def get_peer_certificate(self) -> X509 | None:
        return self._certificate

    def get_protocol_version_name(self) -> str:
        return "TLSv1.2"

    def get_cipher_name(self) -> str | None:
        return "ECDHE-RSA-AES128-GCM-SHA256"

    def get_servername(self) -> bytes | None:
        return b"b\xfccher.example"

    def get_alpn_proto_negotiated(self) -> bytes:
        return b"smtp"


def test_facts_of_a_peer_without_a_certificate() -> None:
    """What a peer sent is told as text, whatever its octets; what is not there is empty."""
    version, cipher, sni, alpn, subject, fingerprint = facts_of(_Transport())
    assert (version, cipher) == ("TLSv1.2", "ECDHE-RSA-AES128-GCM-SHA256")
    assert (sni, alpn) == ("b\\xfccher.example", "smtp")
    assert (subject, fingerprint) == ("", "")


def test_a_long_subject_is_cut() -> None:
    """A peer's certificate does not fill the log."""
    key: Any = ec.generate_private_key(ec.SECP256R1())
    own = authority_certificate(key, AT)
    good = server_certificate(Issuer(own, key), key.public_key(), [x509.DNSName("a")], AT)
    units = [x509.NameAttribute(x509.NameOID.ORGANIZATIONAL_UNIT_NAME, "u" * 60)] * 100
    builder = x509.CertificateBuilder().subject_name(x509.Name(units)).issuer_name(own.subject)
    long = (
        builder.public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(good.not_valid_before_utc)
        .not_valid_after(good.not_valid_after_utc)
        .sign(key, hashes.SHA256())
    )
    assert facts_of(_Transport(good)).subject == "CN=a,O=smtpproxy"
    assert len(facts_of(_Transport(long)).subject) == 256


def test_a_certificate_that_only_openssl_can_read() -> None:
    """Where upstream is not verified any certificate is taken: it is told by its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    good = authority_certificate(key, AT).public_bytes(Encoding.DER)
    version = b"\xa0\x03\x02\x01"
    odd = good.replace(version + b"\x02", version + b"\x05", 1)  # there is no version 6
    facts = facts_of(_Transport(der=odd))
    assert (facts.subject, facts.fingerprint) == ("", sha256(odd).hexdigest())
