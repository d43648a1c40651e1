"""PEM files that a user names: a certificate with its chain and key, or authorities to trust."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import serialization

_LARGEST = 4 * 1024 * 1024  # a system's authorities take 250 KiB
_KEY = re.compile(
    rb"-----BEGIN (?P<kind>[A-Z ]*PRIVATE KEY)-----.*?-----END (?P=kind)-----\s", re.DOTALL
)


class TlsFileError(ValueError):
    """A file can't be used. Names it, and says what was expected."""


class Identity(NamedTuple):
    """What a server shows, and the key that proves it."""

    key: Any
    certificate: x509.Certificate
    chain: list[x509.Certificate]


def read_certificates(path: Path) -> list[x509.Certificate]:
    """Return the certificates of a file, one at the least. Raises TlsFileError."""
    try:
        return x509.load_pem_x509_certificates(_read(path))
    except TlsFileError:
        raise
    except ValueError:
        raise TlsFileError(f"{path}: expected a certificate in PEM") from None


def read_identity(certificate: Path, key: Path | None) -> Identity:
    """Return a server's certificate, what completes its chain, and its key.

    Without `key`, the key is in the same file. Raises TlsFileError.
    """
    first, *chain = read_certificates(certificate)
    place = key or certificate
    private = _read_key(place, alone=key is not None)
    if private.public_key() != first.public_key():
        raise TlsFileError(f"{place}: expected the key of the first certificate in {certificate}")
    return Identity(private, first, chain)


def _read_key(path: Path, alone: bool) -> Any:
    found = _KEY.search(_read(path) + b"\n")
    if found is None:
        where = "" if alone else "; name its file if it is in another"
        raise TlsFileError(f"{path}: expected a private key in PEM{where}")
    try:
        return serialization.load_pem_private_key(found[0], password=None)
    except TypeError:
        raise TlsFileError(f"{path}: expected a key that no pass phrase protects") from None
    except Exception as error:  # also UnsupportedAlgorithm, which is no ValueError
        raise TlsFileError(f"{path}: expected a private key in PEM") from error


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            octets = file.read(_LARGEST + 1)
    except OSError as error:
        raise TlsFileError(f"{path}: can't be read: {error.strerror}") from None
    if len(octets) > _LARGEST:
        raise TlsFileError(f"{path}: is larger than {_LARGEST} octets; expected PEM")
    return octets
