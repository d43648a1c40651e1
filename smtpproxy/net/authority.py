"""The local certificate authority: made once in a folder, it signs what a client's leg shows.

Owns `ca.pem` and `ca-key.pem`. Knows nothing of connections.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from smtpproxy.net.certificates import (
    Issuer,
    SigningKey,
    authority_certificate,
    server_certificate,
)
from smtpproxy.net.names import dns_name, ip_address
from smtpproxy.net.newfile import create_exclusively

CERTIFICATE, KEY = "ca.pem", "ca-key.pem"
#: What every certificate is for, beside the names that are asked for.
LOCAL = ("localhost", "127.0.0.1", "::1")

Clock: TypeAlias = Callable[[], datetime]


class AuthorityError(ValueError):
    """The authority can't be opened or made, or a name can't be certified. Says what to do."""


def default_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Return where the authority is kept unless somebody says otherwise.

    Raises AuthorityError where nobody says, and there is no home folder.
    """
    if named := environment.get("SMTPPROXY_CA_FOLDER"):
        return Path(named).expanduser()
    # XDG Base Directory Specification: a relative path is invalid and is ignored.
    shared = Path(environment.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else _home() / ".local" / "share") / "smtpproxy"


def _home() -> Path:
    try:
        return Path.home()
    except RuntimeError:
        problem = "expected a home folder; name the authority's own by SMTPPROXY_CA_FOLDER"
        raise AuthorityError(problem) from None


def now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Authority:
    """A certificate authority with its key."""

    def __init__(
        self, folder: Path, certificate: x509.Certificate, key: SigningKey, clock: Clock = now
    ) -> None:
        self.path = folder / CERTIFICATE
        self.certificate = certificate
        self.clock = clock
        self._key = key

    @classmethod
    def open(cls, folder: Path, clock: Clock = now) -> Authority:
        """Return the authority of a folder, which is made where there is none.

        Safe where several processes do so at once. Raises AuthorityError.
        """
        # The key is made first, so that it is there wherever the certificate is.
        made = _is_there(folder / CERTIFICATE)
        key = _read_key(folder / KEY) if made else _made_key(folder / KEY)
        certificate = _read_certificate(folder / CERTIFICATE) if made else None
        if certificate is None:
            certificate = _made_certificate(folder / CERTIFICATE, key, clock())
        _check(folder, certificate, key, clock())
        return cls(folder, certificate, key, clock)

    @property
    def pem(self) -> bytes:
        """The certificate, as it is given to those who are to trust it."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, in hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def issue(
        self, names: Sequence[str] = ()
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Return a certificate for DNS names and IP addresses, and its key.

        It is for this machine's own names, too. Raises AuthorityError for what is no name.
        """
        return self.sign((*names, *LOCAL))

    def sign(
        self, names: Sequence[str], ended: datetime | None = None
    ) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
        """Return a certificate for these names alone, and its key; it may have `ended` already.

        Raises AuthorityError for what is no name.
        """
        key = ec.generate_private_key(ec.SECP256R1())
        wanted = [general_name(name) for name in names]
        issuer = Issuer(self.certificate, self._key)
        certificate = server_certificate(issuer, key.public_key(), wanted, self.clock(), ended)
        return certificate, key


def _made_key(path: Path) -> SigningKey:
    """Return the key that is there, or a new one; of several processes one makes it."""
    if not _is_there(path):
        key = ec.generate_private_key(ec.SECP256R1())
        octets = key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        _create(path, octets, 0o600)
    return _read_key(path)


def _made_certificate(path: Path, key: SigningKey, time: datetime) -> x509.Certificate:
    """Return the certificate that is there, or a new one of this key."""
    certificate = authority_certificate(key, time)
    _create(path, certificate.public_bytes(serialization.Encoding.PEM), 0o644)
    return _read_certificate(path)


def _create(path: Path, octets: bytes, mode: int) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        create_exclusively(path, octets, mode)
    except FileExistsError:
        if path.parent.is_dir():
            return  # another process was faster: its file is as good
        raise AuthorityError(f"{path.parent}: expected a folder for {CERTIFICATE}") from None
    except OSError as error:
        raise AuthorityError(
            f"{path}: can't be written: {error.strerror}; "
            "name another folder by SMTPPROXY_CA_FOLDER"
        ) from None


def _is_there(path: Path) -> bool:
    """Is a file there, or something else in its place?"""
    return os.path.lexists(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise AuthorityError(f"{path}: is missing; {_remedy(path.parent)}") from None
    except OSError as error:
        raise AuthorityError(f"{path}: can't be read: {error.strerror}") from None


def _read_certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except AuthorityError:
        raise
    except ValueError:
        problem = f"{path}: expected a certificate in PEM; {_remedy(path.parent)}"
        raise AuthorityError(problem) from None


def _read_key(path: Path) -> SigningKey:
    octets = _read(path)
    try:
        key = serialization.load_pem_private_key(octets, password=None)
    except TypeError:
        raise AuthorityError(f"{path}: expected a key that no pass phrase protects") from None
    except Exception as error:  # also UnsupportedAlgorithm, which is no ValueError
        problem = f"{path}: expected a private key in PEM; {_remedy(path.parent)}"
        raise AuthorityError(problem) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey):
        raise AuthorityError(f"{path}: expected an EC or RSA key; {_remedy(path.parent)}")
    return key


def _check(folder: Path, certificate: x509.Certificate, key: SigningKey, time: datetime) -> None:
    """Raise AuthorityError unless this certificate and key can sign."""
    path = folder / CERTIFICATE
    if certificate.public_key() != key.public_key():
        raise AuthorityError(f"{path}: {KEY} is not its key; {_remedy(folder)}")
    if not _may_sign(certificate):
        problem = "is not the certificate of an authority"
        raise AuthorityError(f"{path}: {problem}; {_remedy(folder)}")
    if time > certificate.not_valid_after_utc:
        ended = certificate.not_valid_after_utc.date()
        raise AuthorityError(f"{path}: expired on {ended}; {_remedy(folder)}")
    if time < certificate.not_valid_before_utc:
        begins = certificate.not_valid_before_utc.date()
        raise AuthorityError(f"{path}: is not valid before {begins}; is the clock right?")


def _may_sign(certificate: x509.Certificate) -> bool:
    try:
        found = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return found.value.ca


def _remedy(folder: Path) -> str:
    return f"remove {CERTIFICATE} and {KEY} from {folder}, and new ones are made, to be trusted"


def general_name(name: str) -> x509.GeneralName:
    """Return a DNS name or an IP address as certificates bear it. Raises AuthorityError."""
    if (address := ip_address(name)) is not None:
        return x509.IPAddress(address)
    if found := dns_name(name):
        return x509.DNSName(found)
    raise AuthorityError(f"expected a host name or an IP address, got {name!r}")
