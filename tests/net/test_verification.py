"""The look at a certificate fails closed. What is refused on the wire, test_tlscontexts sees."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from OpenSSL import SSL
from OpenSSL.crypto import X509

from smtpproxy.net.certificates import Issuer, authority_certificate, server_certificate
from smtpproxy.net.verification import CertificateRefused, VerifiedConnection, _look
from tests.certificates import AT

KEY = ec.generate_private_key(ec.SECP256R1())


def _certificate(name: str) -> X509:
    issuer = Issuer(authority_certificate(KEY, AT), KEY)
    names = [x509.DNSName(name), x509.DNSName("localhost")]
    made = server_certificate(issuer, KEY.public_key(), names, AT)
    return X509.from_cryptography(made)


def _connection() -> VerifiedConnection:
    return VerifiedConnection(SSL.Context(SSL.TLS_METHOD), "mail.example.org")


def test_the_name_is_looked_at_in_the_hosts_certificate_alone() -> None:
    """What an authority is called does not matter."""
    assert _look(_connection(), _certificate("other.example.org"), 0, 1, 1)
    assert not _look(_connection(), _certificate("other.example.org"), 0, 0, 1)
    assert _look(_connection(), _certificate("mail.example.org"), 0, 0, 1)


def test_an_error_that_we_have_no_words_for() -> None:
    """Its number is told."""
    connection = _connection()
    assert not _look(connection, _certificate("mail.example.org"), 9999, 0, 0)
    assert connection._problem == "certificate verify failed: verification error 9999"


def test_a_look_that_fails_refuses() -> None:
    """What is no certificate at all is not taken."""
    assert not _look(_connection(), None, 0, 0, 1)


def test_a_certificate_that_nobody_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """A handshake that is through without a look at the name is no good."""
    monkeypatch.setattr(SSL.Connection, "do_handshake", lambda self: None)
    connection: Any = _connection()
    with pytest.raises(CertificateRefused):
        connection.do_handshake()
    connection.look(_certificate("mail.example.org"), 0, 0, True)
    connection.do_handshake()
