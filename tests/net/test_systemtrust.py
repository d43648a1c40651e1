"""The authorities that the system trusts, wherever it keeps them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from smtpproxy.net import systemtrust
from smtpproxy.net.authority import Authority
from smtpproxy.net.systemtrust import system_authorities, system_file


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A system that keeps none, unless the test says where."""
    monkeypatch.setattr(systemtrust, "_KNOWN", (str(tmp_path / "known.pem"),))
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "named.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))


def test_the_file_that_is_named_comes_first(tmp_path: Path) -> None:
    """SSL_CERT_FILE is looked at before the places that are known."""
    (tmp_path / "known.pem").write_bytes(b"known")
    assert system_authorities() == b"known"
    (tmp_path / "named.pem").write_bytes(b"named")
    assert system_authorities() == b"named"


def test_a_file_that_is_ours_is_passed_over(tmp_path: Path) -> None:
    """What we write is not what we read, by whatever name it goes."""
    (tmp_path / "named.pem").write_bytes(b"named")
    (tmp_path / "known.pem").write_bytes(b"known")
    (tmp_path / "link.pem").symlink_to("named.pem")
    assert system_authorities(but=[tmp_path / "link.pem", tmp_path / "none"]) == b"known"


def test_a_system_that_keeps_them_in_a_store(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a file, those that Python loads by itself are told in PEM."""
    authority = Authority.open(tmp_path / "authority")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.path)
    monkeypatch.setattr(ssl, "create_default_context", lambda: context)
    assert system_authorities() == authority.pem


def test_a_system_that_has_none() -> None:
    """Nothing is found, and nothing is raised."""
    assert system_file() is None
    assert system_authorities() == b""
