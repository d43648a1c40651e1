"""What stands in the certificates that we make."""

from __future__ import annotations

import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from smtpproxy.net.certificates import (
    SERVER_LIFE,
    Issuer,
    SigningKey,
    authority_certificate,
    server_certificate,
)
from tests.certificates import AT, alternative_names, certificate_pem

EC_KEY = ec.generate_private_key(ec.SECP256R1())
RSA_KEY = rsa.generate_private_key(65537, 2048)
LOCALHOST = x509.DNSName("localhost")


def test_an_authority() -> None:
    """It lasts ten years, and signs certificates, but no other authority's."""
    certificate = authority_certificate(EC_KEY, AT)
    extensions = certificate.extensions
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical
    assert basic.value == x509.BasicConstraints(ca=True, path_length=0)
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical
    assert usage.value.key_cert_sign
    assert not usage.value.digital_signature
    assert certificate.not_valid_after_utc.year == AT.year + 10
    certificate.verify_directly_issued_by(certificate)


@pytest.mark.parametrize("key", [EC_KEY, RSA_KEY], ids=["EC", "RSA"])
def test_a_server(key: SigningKey) -> None:
    """It is for servers alone, signs nothing, and lasts 397 days at the most."""
    issuer = Issuer(authority_certificate(key, AT), key)
    certificate = server_certificate(issuer, EC_KEY.public_key(), [LOCALHOST, LOCALHOST], AT)
    extensions = certificate.extensions
    assert not extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.SERVER_AUTH]
    assert certificate.not_valid_before_utc <= AT
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == SERVER_LIFE
    assert alternative_names(certificate) == ["localhost"]
    certificate.verify_directly_issued_by(issuer.certificate)


def test_a_server_does_not_outlive_its_authority() -> None:
    """Near the authority's end, both end at once."""
    issuer = Issuer(authority_certificate(EC_KEY, AT), EC_KEY)
    late = issuer.certificate.not_valid_after_utc - timedelta(days=10)
    certificate = server_certificate(issuer, EC_KEY.public_key(), [LOCALHOST], late)
    assert certificate.not_valid_after_utc == issuer.certificate.not_valid_after_utc


def test_a_long_name_stands_beside_the_subject() -> None:
    """A name that a common name has no room for is an alternative name all the same."""
    issuer = Issuer(authority_certificate(EC_KEY, AT), EC_KEY)
    long = x509.DNSName("a" * 63 + ".example")
    certificate = server_certificate(issuer, EC_KEY.public_key(), [long, LOCALHOST], AT)
    assert certificate.subject.rfc4514_string() == "CN=localhost,O=smtpproxy"
    assert alternative_names(certificate) == [long.value, "localhost"]


def test_openssl_finds_nothing_wrong(tmp_path: Path) -> None:
    """The strict checks of the openssl command pass."""
    issuer = Issuer(authority_certificate(EC_KEY, AT), EC_KEY)
    leaf = server_certificate(issuer, EC_KEY.public_key(), [LOCALHOST], AT)
    (tmp_path / "ca.pem").write_bytes(certificate_pem(issuer.certificate))
    (tmp_path / "leaf.pem").write_bytes(certificate_pem(leaf))
    words = "openssl verify -x509_strict -purpose sslserver -verify_hostname localhost"
    time = ["-attime", str(int(AT.timestamp()))]
    try:
        ran = subprocess.run(
            [*words.split(), *time, "-CAfile", "ca.pem", "leaf.pem"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
        )
    except FileNotFoundError:
        pytest.skip("there is no openssl command")
    assert ran.stdout == "leaf.pem: OK\n", ran.stderr
