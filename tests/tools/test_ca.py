"""`smtpproxy ca`: the authority, told."""

from __future__ import annotations

import re
import ssl
from pathlib import Path

import pytest

from smtpproxy.net import systemtrust
from smtpproxy.net.authority import Authority
from smtpproxy.tools.ca import ca
from tests.certificates import files_of
from tests.programs import SMTPPROXY, call


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody's own authority is touched."""
    monkeypatch.setenv("SMTPPROXY_CA_FOLDER", str(tmp_path / "by default"))


@pytest.fixture
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the system's authorities, of which there is one."""
    other = Authority.open(tmp_path / "other")
    monkeypatch.setattr(systemtrust, "_KNOWN", ())
    monkeypatch.setenv("SSL_CERT_FILE", str(other.path))
    return other.path


def test_it_tells_where_and_how(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The authority is made where there is none; file, fingerprint, end and ways are told."""
    assert ca([]) == 0
    told = capsys.readouterr().out
    authority = Authority.open(tmp_path / "by default")
    assert f"certificate  {authority.path}\n" in told
    found = re.search(r"SHA-256      ((?:[0-9A-F]{2}:){31}[0-9A-F]{2})\n", told)
    assert found
    assert bytes.fromhex(found[1].replace(":", "")).hex() == authority.fingerprint
    assert f"valid until  {authority.certificate.not_valid_after_utc.date()}\n" in told
    file = f"'{authority.path}'"
    for way in (
        *(f"SSL_CERT_FILE={file}\n", f"NODE_EXTRA_CA_CERTS={file}\n"),
        *(
            f"curl --ssl-reqd --cacert {file}\n",
            f"--tls-ca-path {file}\n",
            "update-ca-certificates\n",
        ),
    ):
        assert way in told


def test_a_folder_that_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The option comes before the environment, and twice gives the same."""
    words = ["--folder", str(tmp_path / "here")]
    assert ca(words) == 0
    first = capsys.readouterr().out
    assert ca(words) == 0
    assert capsys.readouterr().out == first
    assert str(tmp_path / "here" / "ca.pem") in first
    assert not (tmp_path / "by default").exists()


def test_the_certificate_alone(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """What is printed is the file, and nothing else."""
    assert ca(["--print"]) == 0
    assert capsys.readouterr().out.encode() == (tmp_path / "by default/ca.pem").read_bytes()


@pytest.mark.parametrize("times", [1, 2])
def test_a_bundle(tmp_path: Path, system: Path, times: int) -> None:
    """The system's authorities and ours stand in one file, once each, however often it is made."""
    bundle = tmp_path / "all.pem"
    for _ in range(times):
        assert ca(["--bundle", str(bundle)]) == 0
    ours = Authority.open(tmp_path / "by default").pem
    assert bundle.read_bytes() == system.read_bytes() + ours
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(bundle)
    assert context.cert_store_stats()["x509_ca"] == 2
    assert not [name for name in files_of(tmp_path) if name.startswith(".")]


def test_a_bundle_where_the_system_trusts_us_already(tmp_path: Path, system: Path) -> None:
    """Ours does not stand in the file twice."""
    bundle = tmp_path / "all.pem"
    ours = Authority.open(tmp_path / "by default").pem
    theirs = system.read_bytes()
    system.write_bytes(ours + theirs)
    assert ca(["--bundle", str(bundle)]) == 0
    assert bundle.read_bytes().count(b"BEGIN") == 2
    assert bundle.read_bytes().endswith(theirs + ours)


def test_a_bundle_that_can_not_be_written(
    tmp_path: Path, system: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error names the file and the reason, in one line."""
    assert ca(["--bundle", str(tmp_path / "none" / "all.pem")]) == 2
    err = capfd.readouterr().err
    assert err.startswith("smtpproxy: --bundle: ")
    assert err.endswith("No such file or directory\n")
    assert err.count("\n") == 1


def test_a_bundle_without_a_system(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the system's authorities are not found, no bundle pretends to have them."""
    monkeypatch.setattr("smtpproxy.net.bundle.system_authorities", lambda but: b"")
    assert ca(["--bundle", str(tmp_path / "all.pem")]) == 2
    assert "were not found; name their file by SSL_CERT_FILE\n" in capfd.readouterr().err
    assert not (tmp_path / "all.pem").exists()


def test_an_authority_that_can_not_be_opened(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The error is told in one line."""
    (tmp_path / "ca.pem").write_bytes(b"nonsense")
    assert ca(["--folder", str(tmp_path)]) == 2
    err = capfd.readouterr().err
    assert err.startswith(f"smtpproxy: {tmp_path / 'ca-key.pem'}: is missing; ")
    assert err.count("\n") == 1


def test_it_is_a_command(tmp_path: Path) -> None:
    """`smtpproxy ca` is known to the command line, and takes no arguments."""
    outcome = call(tmp_path, [*SMTPPROXY, "ca", "--folder", "here", "--print"])
    assert outcome.status == 0, outcome.err
    assert outcome.out.startswith("-----BEGIN CERTIFICATE-----\n")
    assert call(tmp_path, [*SMTPPROXY, "ca", "word"]).status == 2
