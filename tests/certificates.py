"""Certificates for tests: good ones, and ones with a fault that nobody would sign in earnest."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from smtpproxy.net.authority import Authority

AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def at(time: datetime = AT) -> Any:
    """A clock that stands still."""
    return lambda: time


def key_pem(key: Any) -> bytes:
    """A private key in PEM."""
    octets: bytes = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return octets


def certificate_pem(certificate: x509.Certificate) -> bytes:
    """A certificate in PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def write_identity(path: Path, certificate: x509.Certificate, key: Any) -> Path:
    """Write a certificate and its key into one file."""
    path.write_bytes(certificate_pem(certificate) + key_pem(key))
    return path


def issued(folder: Path, names: Sequence[str] = ("mail.example.org",), ago: int = 0) -> Path:
    """Write what the authority of `folder` would have signed so many days ago."""
    time = datetime.now(UTC) - ago * DAY
    authority = Authority.open(folder, at(time))
    return write_identity(folder / "server.pem", *authority.issue(names))


def nameless(folder: Path) -> Path:
    """Write a certificate of the authority of `folder` that bears no alternative name."""
    authority = Authority.open(folder)
    key = ec.generate_private_key(ec.SECP256R1())
    common_name = x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([common_name]))
        .issuer_name(authority.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY / 2)
        .not_valid_after(now + DAY)
        .sign(_key_of(folder), hashes.SHA256())
    )
    return write_identity(folder / "nameless.pem", certificate, key)


def files_of(folder: Path) -> list[str]:
    """The names of what is in a folder, hidden or not, in order."""
    return sorted(path.name for path in folder.iterdir())


def alternative_names(certificate: x509.Certificate) -> list[str]:
    """The names that a certificate is for."""
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    return [str(name.value) for name in found.value]


def _key_of(folder: Path) -> Any:
    octets = (folder / "ca-key.pem").read_bytes()
    return serialization.load_pem_private_key(octets, password=None)
