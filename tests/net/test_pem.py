"""PEM files that a user names, and what can be wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from smtpproxy.net.authority import Authority
from smtpproxy.net.pem import TlsFileError, read_certificates, read_identity
from tests.certificates import certificate_pem, key_pem


@pytest.fixture
def made(tmp_path: Path) -> tuple[Any, Any, Any]:
    """An authority's certificate, and one that it signed, with its key."""
    authority = Authority.open(tmp_path / "authority")
    return authority.certificate, *authority.issue()


def _file(folder: Path, *parts: bytes) -> Path:
    path = folder / "file.pem"
    path.write_bytes(b"".join(parts))
    return path


@pytest.mark.parametrize("order", ["key first", "key last", "key between"])
def test_all_in_one_file(tmp_path: Path, made: tuple[Any, Any, Any], order: str) -> None:
    """Certificate, chain and key may stand in one file, the key anywhere."""
    top, leaf, key = made
    parts = [certificate_pem(leaf), certificate_pem(top)]
    parts.insert({"key first": 0, "key last": 2, "key between": 1}[order], key_pem(key))
    found = read_identity(_file(tmp_path, *parts), None)
    assert found.certificate == leaf
    assert found.chain == [top]
    assert found.key.public_key() == key.public_key()


def test_an_ec_key_as_openssl_writes_it(tmp_path: Path, made: tuple[Any, Any, Any]) -> None:
    """The parameters before such a key, and text before and behind, are passed over."""
    _, leaf, key = made
    old = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    )
    parameters = b"-----BEGIN EC PARAMETERS-----\nBggqhkjOPQMBBw==\n-----END EC PARAMETERS-----\n"
    path = _file(tmp_path, b"subject=a\n", parameters, old, certificate_pem(leaf))
    assert read_identity(path, None).key.public_key() == key.public_key()


def test_a_key_in_a_file_of_its_own(tmp_path: Path, made: tuple[Any, Any, Any]) -> None:
    """The other file is looked at for the key alone."""
    _, leaf, key = made
    (tmp_path / "key.pem").write_bytes(key_pem(key).rstrip())
    found = read_identity(_file(tmp_path, certificate_pem(leaf)), tmp_path / "key.pem")
    assert found.chain == []


def test_no_key(tmp_path: Path, made: tuple[Any, Any, Any]) -> None:
    """A file without a key is told, and that the key may be elsewhere."""
    path = _file(tmp_path, certificate_pem(made[1]))
    with pytest.raises(TlsFileError, match=r"file\.pem: expected a private key in PEM; name its"):
        read_identity(path, None)
    with pytest.raises(TlsFileError, match=r"file\.pem: expected a private key in PEM$"):
        read_identity(path, path)


def test_a_key_that_does_not_fit(tmp_path: Path, made: tuple[Any, Any, Any]) -> None:
    """A key of another certificate, be it in the chain, is told."""
    other = key_pem(ec.generate_private_key(ec.SECP256R1()))
    path = _file(tmp_path, certificate_pem(made[1]), other)
    with pytest.raises(TlsFileError, match="expected the key of the first certificate in"):
        read_identity(path, None)


def test_a_key_behind_a_pass_phrase(tmp_path: Path, made: tuple[Any, Any, Any]) -> None:
    """Nobody is asked for a pass phrase."""
    _, leaf, key = made
    protected = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    path = _file(tmp_path, certificate_pem(leaf), protected)
    with pytest.raises(TlsFileError, match="expected a key that no pass phrase protects"):
        read_identity(path, None)


def test_a_key_that_is_broken(tmp_path: Path, made: tuple[Any, Any, Any]) -> None:
    """What stands where a key should be is told."""
    broken = b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"
    path = _file(tmp_path, certificate_pem(made[1]), broken)
    with pytest.raises(TlsFileError, match="expected a private key in PEM"):
        read_identity(path, None)


@pytest.mark.parametrize("octets", [b"", b"\xff", b"-----BEGIN CERTIFICATE-----\nAAAA\n"])
def test_what_is_no_certificate(tmp_path: Path, octets: bytes) -> None:
    """The error names the file, and says what was expected."""
    with pytest.raises(TlsFileError, match=r"file\.pem: expected a certificate in PEM"):
        read_certificates(_file(tmp_path, octets))


def test_what_can_not_be_read(tmp_path: Path) -> None:
    """A file that is not there, a folder and a file without end are told in one line."""
    with pytest.raises(TlsFileError, match=r"none\.pem: can't be read: No such file"):
        read_certificates(tmp_path / "none.pem")
    with pytest.raises(TlsFileError, match="can't be read: "):
        read_certificates(tmp_path)
    with pytest.raises(TlsFileError, match="is larger than"):
        read_certificates(_file(tmp_path, b"\n" * (4 * 1024 * 1024 + 1)))
