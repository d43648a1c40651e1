"""What TLS is made of: files that are named are read at once, the authority when it is needed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from smtpproxy.net.authority import LOCAL, Authority, AuthorityError
from smtpproxy.net.endpoints import WhereError
from smtpproxy.net.flaws import FLAWS
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.security import Security
from smtpproxy.tlsfacts import TlsFacts
from tests.certificates import alternative_names, files_of, issued
from tests.net.encrypted import accepted, connected, showing, trusting
from tests.net.loopback import in_reactor

NAME = "mail.example.org"


def made(folder: Path, **options: Any) -> Security:
    """What makes an authority in a folder."""
    return Security(folder=lambda: folder / "made", **options)


def test_the_authority_is_made_when_it_is_needed(tmp_path: Path) -> None:
    """Nobody finds a folder in their home who never needed one; what is made once is kept."""
    security = made(tmp_path)
    assert files_of(tmp_path) == []
    first = security.server()
    assert files_of(tmp_path / "made") == ["ca-key.pem", "ca.pem"]
    assert security.server() is first
    assert security.authority() is security.authority()


@in_reactor
async def test_a_client_is_shown_what_it_asks_for(tmp_path: Path) -> None:
    """Or the names that belong to where the proxy listens."""
    security = made(tmp_path, names=["192.0.2.1"])
    ca = tmp_path / "made" / "ca.pem"
    for name in (NAME, "192.0.2.1", "localhost"):
        _, theirs = await accepted(security.server(), trusting(ca, name))
        assert "192.0.2.1" in alternative_names(theirs), theirs


@in_reactor
async def test_a_certificate_that_is_given(tmp_path: Path) -> None:
    """It is shown whatever name is asked for, and no authority is made."""
    security = made(tmp_path, certificate=issued(tmp_path))
    _, theirs = await accepted(security.server(), trusting(tmp_path / "ca.pem", None))
    assert alternative_names(theirs) == [NAME, *LOCAL]
    assert security.unready() == ""
    assert security.authority() is None
    security.server("old-version"), security.server("stall"), security.server("self-signed")
    assert not (tmp_path / "made").exists()


@pytest.mark.parametrize("flaw", FLAWS)
def test_a_flaw_is_made_once(tmp_path: Path, flaw: str) -> None:
    """Each has a context of its own, which is kept."""
    security = made(tmp_path)
    assert security.server(flaw) is security.server(flaw)
    assert security.server(flaw) is not security.server()


@pytest.mark.parametrize("flaw", ["wrong-name", "expired"])
@in_reactor
async def test_a_flaw_of_what_would_be_good_otherwise(tmp_path: Path, flaw: str) -> None:
    """A client that trusts the authority refuses it all the same."""
    security = made(tmp_path)
    creator = security.server(flaw)
    ours, _ = await accepted(creator, trusting(tmp_path / "made" / "ca.pem", NAME))
    assert not isinstance(ours, TlsFacts)


def test_an_authority_that_can_not_be_had(tmp_path: Path) -> None:
    """Why is told in one line; it is looked for once, and never half made."""
    (tmp_path / "made").write_text("in its place")
    security = made(tmp_path)
    why = security.unready()
    assert str(tmp_path / "made") in why
    assert "\n" not in why
    with pytest.raises(AuthorityError):
        security.server()
    (tmp_path / "made").unlink()
    assert security.unready() == why
    assert made(tmp_path).unready() == ""


@pytest.mark.parametrize("option", ["certificate", "ca"])
def test_files_are_read_at_once(tmp_path: Path, option: str) -> None:
    """What is wrong with them is told before anything listens."""
    with pytest.raises(TlsFileError, match=r"none\.pem: can't be read"):
        made(tmp_path, **{option: tmp_path / "none.pem"})


@in_reactor
async def test_upstream_is_verified(tmp_path: Path) -> None:
    """By its name and by the authorities that are named; what is made is kept."""
    identity = issued(tmp_path)
    security = Security(upstream=NAME, ca=tmp_path / "ca.pem")
    facts, asked = await connected(security.client(), showing(identity))
    assert isinstance(facts, TlsFacts), facts
    assert asked == NAME
    assert security.client() is security.client()
    other = Security(upstream="other.example.org", ca=tmp_path / "ca.pem")
    ours, _ = await connected(other.client(), showing(identity))
    assert ours == "the certificate is not for other.example.org"


@in_reactor
async def test_an_upstream_that_is_not_verified(tmp_path: Path) -> None:
    """Whoever says so takes any certificate, and asks for the name all the same."""
    security = Security(upstream="other.example.org", insecure=True)
    facts, asked = await connected(security.client(), showing(issued(tmp_path)))
    assert isinstance(facts, TlsFacts), facts
    assert asked == "other.example.org"


def test_an_upstream_without_a_name() -> None:
    """There is nothing to verify a certificate by; the error says what names it."""
    with pytest.raises(WhereError, match="--upstream-name"):
        Security().client()


def test_the_authority_of_other_users_is_left_alone(tmp_path: Path) -> None:
    """One that is there is used as it is."""
    there = Authority.open(tmp_path / "made")
    security = made(tmp_path)
    found = security.authority()
    assert found is not None
    assert found.fingerprint == there.fingerprint
