"""What TLS is made of, as options ask for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.net.authority import LOCAL
from smtpproxy.net.endpoints import listen_endpoint
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.securing import security_of
from smtpproxy.net.security import Security
from smtpproxy.settings import SettingsError, settle
from smtpproxy.smtp.protocols import SMTP
from smtpproxy.tlsfacts import TlsFacts
from tests.certificates import alternative_names, issued
from tests.net.encrypted import accepted, connected, showing, trusting
from tests.net.loopback import in_reactor

NAME = "mail.example.org"


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the authority will be: nobody's own is touched."""
    monkeypatch.setenv("SMTPPROXY_CA_FOLDER", str(tmp_path / "authority"))
    return tmp_path / "authority"


def asked(where: str = "", listen: str = "2525", **options: str) -> Security:
    """What these options ask for."""
    given = {name.replace("_", "-"): (value,) for name, value in options.items()}
    return security_of(settle(given, {}), [listen_endpoint(listen)], where, SMTP)


@in_reactor
async def test_clients_are_shown_where_they_have_connected(folder: Path) -> None:
    """The address that is listened on is in the certificate, beside this machine's own."""
    security = asked(listen="192.0.2.1:465")
    creator = security.server()
    _, theirs = await accepted(creator, trusting(folder / "ca.pem", "192.0.2.1"))
    assert alternative_names(theirs) == ["192.0.2.1", *LOCAL]


def test_no_authority_is_made_for_nothing(folder: Path) -> None:
    """Where clients may never ask for TLS nothing is made; where they will it is made at once."""
    asked("mail.example.org")
    assert not folder.exists()
    asked("mail.example.org", "tls:465")
    assert (folder / "ca.pem").exists()


def test_a_place_with_tls_that_can_not_have_it(folder: Path) -> None:
    """The error names the place, and what is in the way."""
    folder.write_text("in its place")
    with pytest.raises(SettingsError, match=f"--listen tls: {folder}"):
        asked("mail.example.org", "tls:465")


@pytest.mark.parametrize(
    ("where", "options"),
    [
        (f"smtps://{NAME}", {}),
        (f"{NAME}:587", {}),
        ("unix:/run/smtp", {"upstream_name": NAME}),
        ("192.0.2.1", {"upstream_name": NAME.upper() + "."}),
    ],
)
@in_reactor
async def test_for_whom_upstreams_certificate_must_be(
    tmp_path: Path, where: str, options: dict[str, str]
) -> None:
    """For the host that is connected to, unless another name is said."""
    identity = issued(tmp_path / "theirs")
    security = asked(where, upstream_ca=str(tmp_path / "theirs" / "ca.pem"), **options)
    facts, name = await connected(security.client(), showing(identity))
    assert isinstance(facts, TlsFacts), facts
    assert name == NAME


@pytest.mark.parametrize("where", ["", "sink:"])
def test_what_concerns_upstream_is_left_alone_where_there_is_none(where: str) -> None:
    """A cassette and the built-in server are not verified, so nothing is said of them."""
    security = asked(where, upstream_ca="none.pem", upstream_insecure="true", upstream_name="*")
    assert not security.insecure


def test_an_insecure_upstream() -> None:
    """It is known, so that it can be said."""
    assert asked(NAME, upstream_insecure="true").insecure
    assert not asked(NAME).insecure


def test_a_certificate_that_went_away(tmp_path: Path) -> None:
    """A file is read when the proxy starts; what needs it later says so if it is gone."""
    identity = issued(tmp_path / "own")
    security = asked(NAME, certificate=str(identity))
    identity.unlink()
    assert security.unready() == ""
    with pytest.raises(TlsFileError, match="can't be read"):
        security.server("old-version")
