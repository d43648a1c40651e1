"""The local certificate authority, and what can be wrong with its folder."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from smtpproxy.net.authority import Authority, AuthorityError, default_folder
from tests.certificates import AT, DAY, alternative_names, at, certificate_pem, files_of, key_pem

WINDOWS = sys.platform == "win32"
LOCAL = ["localhost", "127.0.0.1", "::1"]


def _problem(folder: Path) -> str:
    with pytest.raises(AuthorityError) as raised:
        Authority.open(folder, at())
    text = str(raised.value)
    assert "\n" not in text
    return text


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of an authority."""
    Authority.open(tmp_path, at())
    return tmp_path


def test_it_is_made_once(tmp_path: Path) -> None:
    """The folder is made, too, and whoever opens it again finds the same authority."""
    folder = tmp_path / "a" / "b"
    first = Authority.open(folder, at())
    second = Authority.open(folder, at())
    assert first.certificate == second.certificate
    assert first.path.read_bytes() == first.pem
    assert files_of(folder) == ["ca-key.pem", "ca.pem"]


@pytest.mark.skipif(WINDOWS, reason="Windows has no file modes")
def test_its_key_is_its_owners_alone(folder: Path) -> None:
    """Nobody else may read the key; anybody may read the certificate."""
    umask = os.umask(0)
    os.umask(umask)
    assert stat.S_IMODE((folder / "ca-key.pem").stat().st_mode) == 0o600
    assert stat.S_IMODE((folder / "ca.pem").stat().st_mode) == 0o644 & ~umask


_OPEN = """
import sys
from pathlib import Path
from smtpproxy.net.authority import Authority
sys.stdin.readline()
authority = Authority.open(Path(sys.argv[1]))
authority.issue(["mail.example.org"])
print(authority.fingerprint)
"""


def test_processes_that_start_at_once_agree(tmp_path: Path) -> None:
    """Of several processes that find nothing, one makes the authority, and all use it."""
    words = [sys.executable, "-c", _OPEN, str(tmp_path)]
    pipe = subprocess.PIPE
    started = [subprocess.Popen(words, stdin=pipe, stdout=pipe, text=True) for _ in range(4)]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("\n")
        process.stdin.flush()
    said = {process.communicate(timeout=60)[0].strip() for process in started}
    assert said == {Authority.open(tmp_path).fingerprint}
    assert files_of(tmp_path) == ["ca-key.pem", "ca.pem"]


def test_a_key_without_its_certificate_gets_one(folder: Path) -> None:
    """A process that ended between the two is no harm."""
    key = (folder / "ca-key.pem").read_bytes()
    (folder / "ca.pem").unlink()
    Authority.open(folder, at())
    assert (folder / "ca-key.pem").read_bytes() == key


def test_a_faster_process_wins(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where both files appear after they were missed, they are used as they are."""
    before = (folder / "ca.pem").read_bytes()
    monkeypatch.setattr("smtpproxy.net.authority._is_there", lambda path: False)
    assert Authority.open(folder, at()).pem == before


def test_names(folder: Path) -> None:
    """A certificate is for the names and addresses asked for, and for this machine."""
    authority = Authority.open(folder, at())
    certificate, key = authority.issue(["Mail.Example.org", "192.0.2.1", "localhost"])
    assert certificate.public_key() == key.public_key()
    names = alternative_names(certificate)
    assert names == ["mail.example.org", "192.0.2.1", *LOCAL]
    assert alternative_names(authority.issue()[0]) == LOCAL


@pytest.mark.parametrize("name", ["", "*.example.org", "a b", "a\0b.example", "a" * 64])
def test_what_is_no_name_is_not_signed(folder: Path, name: str) -> None:
    """The error says what was expected."""
    with pytest.raises(AuthorityError, match="expected a host name or an IP address, got"):
        Authority.open(folder, at()).issue([name])


def test_an_expired_authority(folder: Path) -> None:
    """The error says when, and what to do."""
    ended = AT + timedelta(days=3653)
    with pytest.raises(AuthorityError, match=r"ca\.pem: expired on 2036-05-31; remove ca\.pem"):
        Authority.open(folder, at(ended))


def test_an_authority_that_is_not_valid_yet(folder: Path) -> None:
    """The error asks about the clock."""
    with pytest.raises(AuthorityError, match=r"is not valid before 2026-05-31; is the clock"):
        Authority.open(folder, at(AT - 2 * DAY))


def test_a_key_of_another_authority(folder: Path) -> None:
    """A key that doesn't fit is not used."""
    (folder / "ca-key.pem").write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))
    assert "ca.pem: ca-key.pem is not its key; remove " in _problem(folder)


def test_a_missing_key(folder: Path) -> None:
    """A certificate whose key is gone is not replaced behind its user's back."""
    (folder / "ca-key.pem").unlink()
    assert "ca-key.pem: is missing; remove " in _problem(folder)


@pytest.mark.parametrize("octets", [b"", b"nonsense\n", b"\xff\xfe"])
def test_what_is_no_certificate(folder: Path, octets: bytes) -> None:
    """The error names the file, and says what was expected."""
    (folder / "ca.pem").write_bytes(octets)
    assert "ca.pem: expected a certificate in PEM; remove " in _problem(folder)


@pytest.mark.parametrize("octets", [b"", b"nonsense\n", b"\xff\xfe"])
def test_what_is_no_key(folder: Path, octets: bytes) -> None:
    """The error names the file, and says what was expected."""
    (folder / "ca-key.pem").write_bytes(octets)
    assert "ca-key.pem: expected a private key in PEM; remove " in _problem(folder)


def test_a_key_of_another_kind(folder: Path) -> None:
    """Only EC and RSA keys sign what every client understands."""
    (folder / "ca-key.pem").write_bytes(key_pem(ed25519.Ed25519PrivateKey.generate()))
    assert "ca-key.pem: expected an EC or RSA key" in _problem(folder)


def test_a_key_behind_a_pass_phrase(folder: Path) -> None:
    """Nobody is asked for a pass phrase."""
    path = folder / "ca-key.pem"
    key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    protected = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.BestAvailableEncryption(b"secret"),
    )
    path.write_bytes(protected)
    assert "ca-key.pem: expected a key that no pass phrase protects" in _problem(folder)


def test_a_certificate_that_may_not_sign(folder: Path) -> None:
    """A server's certificate in the place of the authority's is told."""
    certificate, key = Authority.open(folder, at()).issue()
    (folder / "ca.pem").write_bytes(certificate_pem(certificate))
    (folder / "ca-key.pem").write_bytes(key_pem(key))
    assert "ca.pem: is not the certificate of an authority" in _problem(folder)


def test_a_certificate_that_can_not_be_read(tmp_path: Path) -> None:
    """A folder in the place of the file is told."""
    (tmp_path / "ca.pem").mkdir()
    (tmp_path / "ca-key.pem").mkdir()
    assert "can't be read: " in _problem(tmp_path)


def test_a_file_in_the_place_of_the_folder(tmp_path: Path) -> None:
    """The error says that a folder was expected."""
    (tmp_path / "file").write_bytes(b"")
    assert "expected a folder" in _problem(tmp_path / "file")


@pytest.mark.skipif(WINDOWS or os.getuid() == 0, reason="needs a user whom modes hold back")
def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    """The error says how to name another folder."""
    tmp_path.chmod(0o500)
    assert "can't be written: Permission denied; name another folder by SM" in _problem(tmp_path)


def test_a_disk_that_takes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says why, and nothing is left in the folder."""

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    assert "can't be written: No space left on device; name another folder" in _problem(tmp_path)
    assert files_of(tmp_path) == []


def test_the_default_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is named comes first, then XDG's folder if it is absolute, then the home folder."""
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    shared = str(tmp_path / "data")
    named = {"SMTPPROXY_CA_FOLDER": "here", "XDG_DATA_HOME": shared}
    assert default_folder(named) == Path("here")
    assert default_folder({"XDG_DATA_HOME": shared}) == tmp_path / "data" / "smtpproxy"
    home = tmp_path / ".local" / "share" / "smtpproxy"
    assert default_folder({"XDG_DATA_HOME": "relative"}) == home
    assert default_folder({}) == home


def test_no_home_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says how to name a folder."""

    def homeless() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", homeless)
    with pytest.raises(AuthorityError, match="SMTPPROXY_CA_FOLDER"):
        default_folder({})
