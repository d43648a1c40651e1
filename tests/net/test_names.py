"""Names that a certificate can bear."""

from __future__ import annotations

import pytest

from smtpproxy.net.names import dns_name, ip_address

LABEL = "a" * 63


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("localhost", "localhost"),
        ("Mail.Example.ORG", "mail.example.org"),
        ("mail_server", "mail_server"),
        ("_25._tcp.example.org", "_25._tcp.example.org"),
        ("1and1.example", "1and1.example"),
        ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ("bücher.example", "xn--bcher-kva.example"),
        (f"{LABEL}.example", f"{LABEL}.example"),
        (".".join([LABEL] * 3 + ["a" * 61]), ".".join([LABEL] * 3 + ["a" * 61])),
    ],
)
def test_a_dns_name_is_told_as_on_the_wire(text: str, name: str) -> None:
    """What is a DNS name comes back in lower case, in ASCII."""
    assert dns_name(text) == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        ".",
        "example.org.",
        "a..example",
        "*.example.org",
        "*",
        "-a.example",
        "a-.example",
        "a b.example",
        "a/b",
        "a@b.example",
        "a\0b.example",
        "a.example\n",
        "a,DNS:b.example",
        "127.0.0.1",
        "127.1",
        "1",
        "::1",
        f"{LABEL}a.example",
        ".".join([LABEL] * 3 + ["a" * 62]),
        "\udcff.example",
        "\u2028.example",
        "ü" * 300,
    ],
)
def test_what_is_no_dns_name(text: str) -> None:
    """What is odd in any way is no DNS name, and nothing is raised."""
    assert dns_name(text) == ""


def test_addresses() -> None:
    """IP addresses of both kinds are known, and names are none."""
    assert str(ip_address("127.0.0.1")) == "127.0.0.1"
    assert str(ip_address("0:0::1")) == "::1"
    assert ip_address("localhost") is None
