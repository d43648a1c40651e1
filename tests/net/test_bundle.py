"""A command that is to trust the local authority: the file and the variables that tell it so."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.net import bundle as bundle_module
from smtpproxy.net import systemtrust
from smtpproxy.net.authority import Authority
from smtpproxy.net.bundle import trusting, write_bundle
from tests.certificates import files_of


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority of its own for each test."""
    return Authority.open(tmp_path / "ours")


@pytest.fixture(autouse=True)
def system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the system's authorities, of which there is one."""
    other = Authority.open(tmp_path / "other").path
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    monkeypatch.setattr(systemtrust, "system_file", lambda but: other)
    return other


def test_a_command_trusts_us_beside_the_system(authority: Authority, system: Path) -> None:
    """OpenSSL is given all authorities, and Node.js ours, which stands beside its own there."""
    lacking, problems = trusting(authority, {})
    bundle = authority.path.with_name("bundle.pem")
    ca = str(authority.path)
    assert lacking == {"SSL_CERT_FILE": str(bundle), "NODE_EXTRA_CA_CERTS": ca}
    assert problems == []
    assert bundle.read_bytes() == system.read_bytes() + authority.pem


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
def test_what_was_chosen_stays(authority: Authority, system: Path, name: str) -> None:
    """The file of --set is not replaced; where our authority is not in it, that is told."""
    lacking, problems = trusting(authority, {name: str(system)}, [name])
    assert name not in lacking
    assert len(lacking) == 1
    (problem,) = problems
    assert problem.startswith(f"{name} is set to a file without our authority")
    assert str(authority.path) in problem
    assert "\n" not in problem


@pytest.mark.parametrize("name", ["SSL_CERT_FILE", "NODE_EXTRA_CA_CERTS"])
def test_what_the_environment_names_is_trusted_beside_us(
    authority: Authority, tmp_path: Path, name: str
) -> None:
    """As in images that bring authorities of their own: the file is one of both, not theirs."""
    theirs = tmp_path / "theirs.pem"
    theirs.write_bytes(Authority.open(tmp_path / "image").pem)
    lacking, problems = trusting(authority, {name: str(theirs)})
    assert problems == []
    assert Path(lacking[name]).read_bytes() == theirs.read_bytes() + authority.pem
    assert Path(lacking[name]).parent == authority.path.parent
    assert trusting(authority, {name: lacking[name]})[0].get(name) is None


@pytest.mark.parametrize("file", ["ca.pem", "bundle.pem"])
def test_who_trusts_us_already_is_told_nothing(authority: Authority, file: str) -> None:
    """As in a run within a run."""
    write_bundle(authority, authority.path.with_name("bundle.pem"))
    there = str(authority.path.with_name(file))
    told = {"SSL_CERT_FILE": there, "NODE_EXTRA_CA_CERTS": there}
    assert trusting(authority, told) == ({}, [])


def test_a_file_that_is_set_and_can_not_be_read(authority: Authority, tmp_path: Path) -> None:
    """It is no file with our authority."""
    _, problems = trusting(authority, {"SSL_CERT_FILE": str(tmp_path / "none.pem")})
    assert len(problems) == 1


def test_variables_that_are_empty(authority: Authority) -> None:
    """They name nothing: it is as if they were not set."""
    told = {"SSL_CERT_FILE": "", "NODE_EXTRA_CA_CERTS": ""}
    assert trusting(authority, told) == trusting(authority, {})
    assert trusting(authority, told, list(told))[0] == {}


def test_a_bundle_is_written_when_it_changes(authority: Authority, tmp_path: Path) -> None:
    """One that is there and right stays; one that is not is replaced whole."""
    bundle = tmp_path / "all.pem"
    assert write_bundle(authority, bundle) == ""
    first = bundle.stat()
    assert write_bundle(authority, bundle) == ""
    assert bundle.stat().st_ino == first.st_ino
    bundle.write_bytes(b"of another time")
    assert write_bundle(authority, bundle) == ""
    assert bundle.read_bytes().endswith(authority.pem)
    assert [name for name in files_of(tmp_path) if name.startswith(".")] == []


def test_a_bundle_lies_elsewhere_where_its_folder_is_read_only(authority: Authority) -> None:
    """As where a good authority is mounted for everybody: the file is one of this run."""
    authority.path.with_name("bundle.pem").mkdir()
    lacking, problems = trusting(authority, {})
    assert problems == []
    bundle = Path(lacking["SSL_CERT_FILE"])
    assert bundle.parent != authority.path.parent
    assert bundle.read_bytes().endswith(authority.pem)


def test_where_no_authorities_are_found_that_is_told(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """OpenSSL is left with the system's; Node.js is told of ours all the same."""
    monkeypatch.setattr(bundle_module, "system_authorities", lambda but: b"")
    lacking, problems = trusting(authority, {})
    assert list(lacking) == ["NODE_EXTRA_CA_CERTS"]
    (problem,) = problems
    assert problem.startswith("SSL_CERT_FILE is not set for the command: ")
