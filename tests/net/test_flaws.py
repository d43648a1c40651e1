"""Faults in TLS: what a client that looks at certificates says to each."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from smtpproxy.net.authority import LOCAL, Authority
from smtpproxy.net.flaws import FLAWS, WRONG_NAME, Shown
from smtpproxy.net.tlscontexts import given_server_context, server_context
from smtpproxy.tlsfacts import TlsFacts
from tests.certificates import alternative_names, issued
from tests.net.encrypted import accepted, trusting
from tests.net.loopback import in_reactor

NAME = "mail.example.org"

# What Python's ssl says, and what our end hears of it.
REFUSALS = [
    ("wrong-name", "Hostname mismatch", "refused our certificate"),
    ("expired", "certificate has expired", "our certificate has expired"),
    ("self-signed", "self-signed certificate", "does not trust our certificate"),
    ("untrusted", "unable to get local issuer", "does not trust our certificate"),
    ("old-version", "protocol version", "no TLS version that both sides have"),
]


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority of its own for each test."""
    return Authority.open(tmp_path / "authority")


def shown(authority: Authority, names: Sequence[str] = ()) -> Shown:
    """What is to be spoilt: what the authority would make."""
    return Shown(lambda: authority, lambda fresh: server_context(authority, names, fresh), names)


def of_an_old_age(ca: Path) -> Any:
    """A client that knows nothing above TLS 1.1; it returns the version that was agreed on."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(ca)
    context.minimum_version, context.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")

    def client(connection: socket.socket) -> str | None:
        with context.wrap_socket(connection, server_hostname=NAME) as encrypted:
            assert encrypted.recv(4096) == b"220 ready\r\n"
            return encrypted.version()

    return client


@pytest.mark.parametrize(("flaw", "theirs", "ours"), REFUSALS)
@in_reactor
async def test_a_client_refuses(authority: Authority, flaw: str, theirs: str, ours: str) -> None:
    """A client that trusts the authority names the fault, and tells us by an alert."""
    creator = FLAWS[flaw](shown(authority))
    heard, said = await accepted(creator, trusting(authority.path, NAME))
    assert theirs.lower() in str(said).lower()
    assert ours in str(heard)


@pytest.mark.parametrize("flaw", ["expired", "self-signed", "untrusted"])
@in_reactor
async def test_all_else_is_in_order(authority: Authority, flaw: str) -> None:
    """The certificate bears the name that is asked for, so that nothing else is refused."""
    creator = FLAWS[flaw](shown(authority, ["192.0.2.1"]))
    facts, _ = await accepted(creator, _careless(NAME))
    assert isinstance(facts, TlsFacts), facts
    assert facts.sni == NAME
    assert _Careless.names == [NAME, "192.0.2.1", *LOCAL]


@in_reactor
async def test_the_wrong_name_is_the_only_one(authority: Authority) -> None:
    """Not even this machine's names are in it, and it is valid and signed."""
    creator = FLAWS["wrong-name"](shown(authority, ["192.0.2.1"]))
    _, certificate = await accepted(creator, trusting(authority.path, WRONG_NAME))
    assert alternative_names(certificate) == [WRONG_NAME]
    for name in ("localhost", "127.0.0.1", "192.0.2.1"):
        _, theirs = await accepted(creator, trusting(authority.path, name))
        assert "mismatch" in str(theirs)


@in_reactor
async def test_an_expired_certificate_was_signed_by_the_authority(authority: Authority) -> None:
    """It had its time, which ended days ago."""
    creator = FLAWS["expired"](shown(authority))
    await accepted(creator, _careless(NAME))
    certificate = _Careless.seen
    assert certificate.issuer == authority.certificate.subject
    certificate.verify_directly_issued_by(authority.certificate)
    assert certificate.not_valid_before_utc < certificate.not_valid_after_utc < datetime.now(UTC)


@in_reactor
async def test_an_expired_certificate_is_kept(authority: Authority) -> None:
    """It is not made anew at each handshake because of its age."""
    creator = FLAWS["expired"](shown(authority))
    numbers = set()
    for _ in range(2):
        await accepted(creator, _careless(NAME))
        numbers.add(_Careless.seen.serial_number)
    assert len(numbers) == 1


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@in_reactor
async def test_an_old_client_takes_the_old_version(authority: Authority) -> None:
    """Nothing but its age is wrong with it."""
    creator = FLAWS["old-version"](shown(authority))
    facts, theirs = await accepted(creator, of_an_old_age(authority.path))
    assert isinstance(facts, TlsFacts), facts
    assert (facts.version, theirs) == ("TLSv1.1", "TLSv1.1")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
@in_reactor
async def test_a_given_certificate_in_an_old_version(authority: Authority, tmp_path: Path) -> None:
    """A certificate from a file can be offered so, too."""
    path = issued(tmp_path / "authority", [NAME])
    given = Shown(lambda: authority, lambda fresh: given_server_context(path, None, fresh))
    _, theirs = await accepted(FLAWS["old-version"](given), of_an_old_age(authority.path))
    assert theirs == "TLSv1.1"


@in_reactor
async def test_a_handshake_that_never_ends(authority: Authority) -> None:
    """The client hears that something begins, and then nothing; it does not hear the end."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority.path)
    heard = bytearray()

    def client(connection: socket.socket) -> str:
        into, out = ssl.MemoryBIO(), ssl.MemoryBIO()
        theirs = context.wrap_bio(into, out, server_hostname=NAME)
        with pytest.raises(ssl.SSLWantReadError):
            theirs.do_handshake()
        connection.sendall(out.read())
        heard.extend(connection.recv(4096))
        into.write(bytes(heard))
        with pytest.raises(ssl.SSLWantReadError):
            theirs.do_handshake()
        connection.settimeout(0.3)
        try:
            return str(connection.recv(4096))
        except TimeoutError:
            return "nothing"

    ours, theirs = await accepted(FLAWS["stall"](shown(authority)), client)
    assert theirs == "nothing"
    assert heard[0] == 22  # RFC 8446 §5.1: a record of the handshake
    assert ours == "handshake broken off"  # by the client, at last


class _Careless:
    """What a client saw that takes any certificate."""

    names: list[str]
    seen: x509.Certificate


def _careless(name: str) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE

    def client(connection: socket.socket) -> None:
        with context.wrap_socket(connection, server_hostname=name) as encrypted:
            octets = encrypted.getpeercert(True) or b""
            assert encrypted.recv(4096)
        _Careless.seen = x509.load_der_x509_certificate(octets)
        _Careless.names = alternative_names(_Careless.seen)

    return client
