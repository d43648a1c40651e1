"""TLS on real connections: what clients of ours see, and which upstreams we take."""

from __future__ import annotations

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from smtpproxy.net.authority import Authority, AuthorityError
from smtpproxy.net.endpoints import WhereError
from smtpproxy.net.pem import TlsFileError
from smtpproxy.net.tlscontexts import (
    KEPT,
    client_context,
    given_server_context,
    server_context,
)
from smtpproxy.tlsfacts import TlsFacts
from tests.certificates import (
    alternative_names,
    certificate_pem,
    issued,
    key_pem,
    nameless,
    write_identity,
)
from tests.net.encrypted import accepted, connected, showing, trusting
from tests.net.loopback import in_reactor

LOCAL = ["localhost", "127.0.0.1", "::1"]
NAME = "mail.example.org"
REFUSED = "certificate verify failed: unable to get local issuer certificate"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority of its own for each test."""
    return Authority.open(tmp_path / "authority")


# The client's leg.


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", NAME, "Mail.Example.Org", "mail_box"])
@in_reactor
async def test_a_client_finds_the_name_that_it_asks_for(authority: Authority, name: str) -> None:
    """A client that trusts the authority alone takes the certificate for any name."""
    _, theirs = await accepted(server_context(authority), trusting(authority.path, name))
    assert isinstance(theirs, x509.Certificate), theirs


@in_reactor
async def test_a_client_that_asks_for_no_name(authority: Authority) -> None:
    """It sees the certificate for the names given and for this machine."""
    context = server_context(authority, ["relay.example.org"])
    facts, theirs = await accepted(context, trusting(authority.path, None))
    assert alternative_names(theirs) == ["relay.example.org", *LOCAL]
    assert isinstance(facts, TlsFacts)
    assert (facts.sni, facts.subject, facts.fingerprint) == ("", "", "")


@in_reactor
async def test_what_is_known_of_a_client(authority: Authority) -> None:
    """The version, the cipher and the name that it asked for are told."""
    facts, _ = await accepted(server_context(authority), trusting(authority.path, NAME))
    assert isinstance(facts, TlsFacts)
    assert facts.version == "TLSv1.3"
    assert facts.cipher.startswith("TLS_")
    assert facts.sni == NAME


@in_reactor
async def test_a_client_that_does_not_trust_the_authority(
    authority: Authority, tmp_path: Path
) -> None:
    """It is told in words that say whose trust is missing."""
    other = Authority.open(tmp_path / "other")
    # Under TLS 1.3 we are through with the handshake before the client looks at the certificate.
    client = trusting(other.path, NAME, maximum_version=ssl.TLSVersion.TLSv1_2)
    ours, theirs = await accepted(server_context(authority), client)
    assert ours == "the peer does not trust our certificate"
    assert "certificate verify failed" in theirs


@in_reactor
async def test_a_client_that_goes_in_the_midst(authority: Authority) -> None:
    """A handshake that nobody goes on with is broken off."""
    ours, _ = await accepted(server_context(authority), lambda connection: None)
    assert ours == "handshake broken off"


@in_reactor
async def test_a_client_that_speaks_plain_text(authority: Authority) -> None:
    """What is no TLS is told as such."""

    def client(connection: Any) -> None:
        connection.sendall(b"EHLO app.example.org\r\n")
        connection.recv(4096)

    ours, _ = await accepted(server_context(authority), client)
    assert ours == "what came was not TLS"


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@in_reactor
async def test_tls_1_1_is_refused(authority: Authority) -> None:
    """RFC 8996: nothing below TLS 1.2."""
    old = ssl.TLSVersion.TLSv1_1
    client = trusting(authority.path, None, minimum_version=old, maximum_version=old)
    ours, _ = await accepted(server_context(authority), client)
    assert isinstance(ours, str)


class _Asked:
    """A connection whose client has asked for a name; what stands in for it is kept."""

    def __init__(self, name: bytes | None) -> None:
        self._name = name
        self.context: Any = None

    def get_servername(self) -> bytes | None:
        return self._name

    def set_context(self, context: Any) -> None:
        self.context = context


def _shown(context: Any, name: bytes | None) -> Any:
    asked = _Asked(name)
    context._asked(asked)
    return asked.context


@pytest.mark.parametrize(
    "name",
    [
        *(None, b"", b".", b"*.example.org", b"127.0.0.1", b"-a.example", b"a b", b"a\nb"),
        *(b"\xff\xfe.example", b"a" * 64 + b".example", b"a." * 200 + b"example", b"a" * 65535),
        *("bücher.example".encode(), b"a,DNS:b.example", b"a\x00.example"),
    ],
)
def test_a_hostile_server_name(authority: Authority, name: bytes | None) -> None:
    """What is no name never enters a certificate: the default one stays."""
    context: Any = server_context(authority)
    assert _shown(context, name) is None


def test_names_that_are_kept_are_bounded(authority: Authority) -> None:
    """The name that was asked for last is kept, and those asked for long ago are not."""
    context: Any = server_context(authority)
    often = _shown(context, b"often.example.org")
    for number in range(KEPT + 10):
        _shown(context, b"%d.example.org" % number)
        assert _shown(context, b"often.example.org") is often
    assert len(context._kept) == KEPT
    assert "0.example.org" not in context._kept


def test_a_certificate_is_renewed_before_it_expires(tmp_path: Path) -> None:
    """A proxy that runs for a year goes on with new certificates."""
    authority = Authority.open(tmp_path)
    context: Any = server_context(authority)
    first, default = _shown(context, b"a.example"), context._default
    later = authority.clock() + timedelta(days=395)
    authority.clock = lambda: later
    assert _shown(context, b"a.example") is not first
    context.serverConnectionForTLS(None)
    assert context._default is not default


def test_a_failure_to_sign_leaves_the_default(
    authority: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The handshake goes on, whatever happens while a certificate is made."""
    context: Any = server_context(authority)

    def fail(_: object) -> None:
        raise OSError

    monkeypatch.setattr(authority, "issue", fail)
    assert _shown(context, b"a.example") is None


def test_a_name_given_that_is_none(authority: Authority) -> None:
    """What the user named is looked at before anything listens."""
    with pytest.raises(AuthorityError, match="expected a host name or an IP address"):
        server_context(authority, ["*.example.org"])


# The client's leg with certificates from files.


@in_reactor
async def test_a_certificate_from_a_file(authority: Authority, tmp_path: Path) -> None:
    """The file's certificate is shown whatever name is asked for; the key may stand beside it."""
    path = issued(tmp_path / "authority", [NAME])
    context = given_server_context(path)
    _, theirs = await accepted(context, trusting(authority.path, NAME))
    assert alternative_names(theirs) == [NAME, *LOCAL]
    _, theirs = await accepted(context, trusting(authority.path, "other.example.org"))
    assert "Hostname mismatch" in theirs


@in_reactor
async def test_a_chain_from_a_file(tmp_path: Path) -> None:
    """What stands behind the certificate completes its chain for a client that has the root."""
    root, middle, leaf = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
    top = _certificate("root", "root", root, root, ca=True)
    between = _certificate("middle", "root", middle, root, ca=True)
    (tmp_path / "root.pem").write_bytes(certificate_pem(top))
    end = _certificate(NAME, "middle", leaf, middle, ca=False)
    (tmp_path / "chain.pem").write_bytes(certificate_pem(end) + certificate_pem(between))
    (tmp_path / "key.pem").write_bytes(key_pem(leaf))
    context = given_server_context(tmp_path / "chain.pem", tmp_path / "key.pem")
    _, theirs = await accepted(context, trusting(tmp_path / "root.pem", NAME))
    assert theirs == end


def _certificate(name: str, issuer: str, key: Any, signer: Any, ca: bool) -> x509.Certificate:
    begin = x509.NameAttribute(x509.NameOID.COMMON_NAME, name)
    by = x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([begin]))
        .issuer_name(x509.Name([by]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(signer, hashes.SHA256())
    )


def test_a_key_too_weak_for_tls(tmp_path: Path) -> None:
    """The error names the file, and why OpenSSL refuses it."""
    key = rsa.generate_private_key(65537, 1024)
    path = write_identity(tmp_path / "weak.pem", _certificate(NAME, NAME, key, key, False), key)
    with pytest.raises(TlsFileError, match=r"weak\.pem: expected a certificate that can be used"):
        given_server_context(path)


# The leg to upstream.


@pytest.mark.parametrize("host", [NAME, "Mail.Example.Org.", "127.0.0.1", "localhost"])
@in_reactor
async def test_a_good_upstream(authority: Authority, tmp_path: Path, host: str) -> None:
    """A certificate of an authority that is trusted, for the name or address, is taken."""
    identity = issued(tmp_path / "authority")
    facts, asked = await connected(client_context(host, authority.path), showing(identity))
    assert isinstance(facts, TlsFacts), facts
    # RFC 6066 §3: an address is no server name.
    assert asked == (None if host == "127.0.0.1" else host.lower().rstrip("."))
    certificate = x509.load_pem_x509_certificate(identity.read_bytes())
    assert facts.fingerprint == certificate.fingerprint(hashes.SHA256()).hex()
    assert facts.subject == f"CN={NAME},O=smtpproxy"
    assert facts.sni == (asked or "")
    assert facts.version == "TLSv1.3"


@pytest.mark.parametrize("host", ["other.example.org", "192.0.2.1", "example.org", "a_b"])
@in_reactor
async def test_a_wrong_name(authority: Authority, tmp_path: Path, host: str) -> None:
    """A certificate for another name or address is refused, and the server told by an alert."""
    identity = issued(tmp_path / "authority")
    ours, theirs = await connected(client_context(host, authority.path), showing(identity))
    assert ours == f"the certificate is not for {host}"
    assert "alert" in theirs.lower()


@in_reactor
async def test_a_certificate_without_a_name(authority: Authority, tmp_path: Path) -> None:
    """A common name counts for nothing (RFC 9525 §2), and no name at all fits no host."""
    identity = nameless(tmp_path / "authority")
    ours, _ = await connected(client_context(NAME, authority.path), showing(identity))
    assert ours == f"the certificate is not for {NAME}: it bears no name that can be read"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
@in_reactor
async def test_an_authority_that_is_not_trusted(tmp_path: Path, version: ssl.TLSVersion) -> None:
    """A certificate of somebody else's authority is refused, under each version of TLS."""
    identity = issued(tmp_path)
    other = Authority.open(tmp_path / "other")
    server = showing(identity, maximum_version=version)
    ours, theirs = await connected(client_context(NAME, other.path), server)
    # Both authorities bear one name; which of the two words is right is OpenSSL's to say.
    assert ours in (REFUSED, "certificate verify failed: certificate signature failure")
    assert "alert" in theirs.lower()


@in_reactor
async def test_the_system_does_not_trust_the_authority(tmp_path: Path) -> None:
    """Without a file, the system's authorities are asked, and they don't know ours."""
    ours, _ = await connected(client_context(NAME), showing(issued(tmp_path)))
    assert ours == REFUSED


@in_reactor
async def test_what_the_system_trusts(
    authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SSL_CERT_FILE says what the system trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.path))
    identity = issued(tmp_path / "authority")
    facts, _ = await connected(client_context(NAME), showing(identity))
    assert isinstance(facts, TlsFacts), facts


@in_reactor
async def test_a_certificate_that_has_expired(authority: Authority, tmp_path: Path) -> None:
    """A certificate of the year before last is refused."""
    # The authority was made long ago, too.
    folder = tmp_path / "old"
    identity = issued(folder, ago=500)
    context = client_context(NAME, folder / "ca.pem")
    ours, _ = await connected(context, showing(identity))
    assert ours == "certificate verify failed: certificate has expired"


@pytest.mark.parametrize("case", ["good", "name", "untrusted", "expired", "nameless"])
@in_reactor
async def test_without_verification_all_are_taken(tmp_path: Path, case: str) -> None:
    """Whatever is wrong with a certificate, it is taken, and told."""
    host = "other.example.org" if case == "name" else NAME
    ago = 500 if case == "expired" else 0
    identity = nameless(tmp_path) if case == "nameless" else issued(tmp_path, ago=ago)
    context = client_context(host, verify=False)
    facts, asked = await connected(context, showing(identity))
    assert isinstance(facts, TlsFacts), facts
    assert asked == host
    assert len(facts.fingerprint) == 64


@in_reactor
async def test_an_upstream_that_speaks_plain_text(tmp_path: Path) -> None:
    """What is no TLS is told as such."""

    def greet(connection: Any) -> None:
        connection.sendall(b"220 mail.example.org ESMTP\r\n")
        connection.recv(4096)

    ours, _ = await connected(client_context(NAME), greet)
    assert ours == "what came was not TLS"


@in_reactor
async def test_an_upstream_that_goes_in_the_midst() -> None:
    """A handshake that nobody goes on with is broken off."""
    ours, _ = await connected(client_context(NAME), lambda connection: connection.recv(4096))
    assert ours == "handshake broken off"


@pytest.mark.parametrize("host", ["", "a b", "*.example.org", "a" * 64, "300.0.0.1"])
def test_an_upstream_whose_name_is_none(host: str) -> None:
    """What could fit no certificate is told before anybody connects."""
    with pytest.raises(WhereError, match="expected a host name or an IP address, got"):
        client_context(host)


def test_authorities_that_can_not_be_read(tmp_path: Path) -> None:
    """The error names the file, and says what was expected."""
    with pytest.raises(TlsFileError, match=r"none\.pem: can't be read: No such file"):
        client_context(NAME, tmp_path / "none.pem")
    (tmp_path / "empty.pem").write_bytes(b"")
    with pytest.raises(TlsFileError, match=r"empty\.pem: expected a certificate in PEM"):
        client_context(NAME, tmp_path / "empty.pem")
