"""Upstreams under TLS: what their strings mean, and what they may not say."""

from __future__ import annotations

import pytest

from smtpproxy.net.endpoints import WhereError, upstream_endpoint
from smtpproxy.net.secureplaces import TcpPlace, plain_place, secure_place, upstream_host


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        ("tls:mail.example.org:465", TcpPlace("mail.example.org", 465, 30, "")),
        ("ssl:mail.example.org:465", TcpPlace("mail.example.org", 465, 30, "")),
        ("tls:2001\\:db8\\:\\:25:465", TcpPlace("2001:db8::25", 465, 30, "")),
        ("ssl:host=192.0.2.25:port=465", TcpPlace("192.0.2.25", 465, 30, "")),
        ("ssl:192.0.2.25:port=465", TcpPlace("192.0.2.25", 465, 30, "")),
        ("tls:a:1:timeout=7:bindAddress=192.0.2.1", TcpPlace("a", 1, 7, "192.0.2.1")),
        ("tls:a:1:timeout=7:timeout=8", TcpPlace("a", 1, 8, "")),
        ("tcp:mail.example.org:25", None),
        ("unix:/run/smtp", None),
    ],
)
def test_what_a_string_means(endpoint: str, place: TcpPlace | None) -> None:
    """Twisted's two kinds mean one thing; other kinds have no TLS."""
    assert secure_place(endpoint) == place


@pytest.mark.parametrize(
    "argument",
    [
        *("trustRoots=/etc/ssl", "caCertsDir=/etc/ssl", "hostname=mail.example.org"),
        *("certificate=a.pem", "privateKey=a.pem", "certKey=a.pem", "endpoint=tcp\\:a\\:25"),
        *("x", "timeuot=3"),
    ],
)
@pytest.mark.parametrize("kind", ["tls", "ssl"])
def test_how_upstream_is_verified_is_not_said_there(kind: str, argument: str) -> None:
    """No argument can undo the verification, and the error names the options that say how."""
    with pytest.raises(WhereError, match="--upstream-ca, --upstream-name and --upstream-insecure"):
        secure_place(f"{kind}:mail.example.org:465:{argument}")


@pytest.mark.parametrize(
    "endpoint",
    [
        "tls:a",
        "tls:",
        "ssl:a:b",
        "tls:a:65536",
        "tls::465",
        "tls:a:1:timeout=x",
        "tls:a:1:timeout=",
    ],
)
def test_what_is_no_place(endpoint: str) -> None:
    """What was expected is told."""
    with pytest.raises(WhereError, match=r"expected (tls|ssl):HOST:PORT"):
        secure_place(endpoint)


@pytest.mark.parametrize(
    ("where", "host"),
    [
        ("mail.example.org", "mail.example.org"),
        ("smtps://mail.example.org", "mail.example.org"),
        ("[2001:db8::25]:587", "2001:db8::25"),
        ("ssl:host=mail.example.org:port=465", "mail.example.org"),
        ("tcp:port=25:host=mail.example.org", "mail.example.org"),
        ("unix:/run/smtp", ""),
        ("sink:", ""),
    ],
)
def test_whose_certificate_is_expected(where: str, host: str) -> None:
    """The host that is connected to; a socket of the file system has none."""
    assert upstream_host(upstream_endpoint(where)) == host


@pytest.mark.parametrize(
    ("endpoint", "place"),
    [
        ("tcp:mail.example.org:25", TcpPlace("mail.example.org", 25, 0, "")),
        ("tcp:host=192.0.2.25:port=2525:timeout=90", TcpPlace("192.0.2.25", 2525, 90, "")),
        (r"tcp:\:\:1:25:bindAddress=\:\:1", TcpPlace("::1", 25, 0, "::1")),
        ("tcp:mail.example.org:smtp", None),
        ("tcp:mail.example.org", None),
        ("tcp:mail.example.org:25:strange=1", None),
        ("tls:mail.example.org:465", None),
        ("unix:/run/lmtp", None),
    ],
)
def test_plain_places(endpoint: str, place: TcpPlace | None) -> None:
    """A host and a port are connected to directly; what else there is is Twisted's to read."""
    assert plain_place(endpoint) == place
