"""WHERE: short forms become endpoint strings that Twisted reads, and nothing remote slips in."""

from __future__ import annotations

import re

import pytest
from twisted.internet.endpoints import clientFromString, serverFromString
from twisted.internet.testing import MemoryReactorClock

from smtpproxy.net.endpoints import (
    SECURE,
    WhereError,
    interfaces,
    is_loopback,
    listen_endpoint,
    upstream_endpoint,
    with_timeout,
)
from smtpproxy.smtp.protocols import LMTP, SMTP, MailProtocol


@pytest.mark.parametrize(
    ("where", "port", "interface"),
    [
        ("2525", 2525, "127.0.0.1"),
        ("0", 0, "127.0.0.1"),
        ("localhost:2525", 2525, "127.0.0.1"),
        ("127.0.0.1:25", 25, "127.0.0.1"),
        ("[::1]:2525", 2525, "::1"),
        ("192.0.2.1:65535", 65535, "192.0.2.1"),
        ("[2001:db8::25]:25", 25, "2001:db8::25"),
        ("tcp:2525:interface=127.0.0.1", 2525, "127.0.0.1"),
    ],
)
def test_where_to_listen(where: str, port: int, interface: str) -> None:
    """Twisted listens on the port and the interface that were meant; a port alone is loopback."""
    reactor = MemoryReactorClock()
    serverFromString(reactor, listen_endpoint(where)).listen(None)
    ((listens_on, _, _, on_interface),) = reactor.tcpServers
    assert (listens_on, on_interface) == (port, interface)


@pytest.mark.parametrize("where", ["unix:/run/smtp", "systemd:domain=INET:index=0", "tcp:25"])
def test_endpoint_strings_stay_as_they_are(where: str) -> None:
    """Whoever writes Twisted's own form gets it."""
    assert listen_endpoint(where) == where


@pytest.mark.parametrize(
    "where",
    ["", "65536", "-1", "mail.example.org", "127.0.0.1:", "127.0.0.1:65536", "a:b:c", ":25", "²"],
)
def test_what_is_no_place_to_listen(where: str) -> None:
    """What is neither port, HOST:PORT nor endpoint string is refused, with what was expected."""
    with pytest.raises(WhereError, match="expected"):
        listen_endpoint(where)


@pytest.mark.parametrize(
    "where",
    ["2525", "localhost:0", "127.0.0.1:25", "127.1.2.3:25", "[::1]:25", "unix:/run/smtp"],
)
def test_what_only_this_machine_can_reach(where: str) -> None:
    """Loopback addresses and sockets of the file system need no leave."""
    assert is_loopback(listen_endpoint(where))


@pytest.mark.parametrize(
    "where",
    [
        "0.0.0.0:25",
        "[::]:25",
        "192.0.2.1:25",
        "mail.example.org:25",
        "tcp:25",
        "tcp:25:interface=",
        "tcp:25:interface=0.0.0.0",
        "tcp6:25",
        "tls:0.0.0.0:465",
        "tls:mail.example.org:465",
        "tls:tcp:465",
        "ssl:465:interface=0.0.0.0",
        "ssl:465:interface=",
        "ssl:465:interface=127.0.0.1:interface=192.0.2.1",
        "haproxy:tcp:25",
        "haproxy:tcp:25:interface=0.0.0.0",
        # Of two interfaces Twisted takes the last, and another argument's value is none.
        "tcp:25:interface=127.0.0.1:interface=0.0.0.0",
        "tcp:25:backlog=interface=127.0.0.1",
    ],
)
def test_what_others_can_reach(where: str) -> None:
    """Everything else could be an open relay, however it is written."""
    assert not is_loopback(listen_endpoint(where))


@pytest.mark.parametrize(
    ("where", "endpoint"),
    [
        ("tls:465", "tls:tcp:465:interface=127.0.0.1"),
        ("tls:0", "tls:tcp:0:interface=127.0.0.1"),
        ("ssl:465", "tls:tcp:465:interface=127.0.0.1"),
        ("tls:localhost:465", "tls:tcp:465:interface=127.0.0.1"),
        ("tls:[::1]:465", "tls:tcp6:465:interface=\\:\\:1"),
        ("ssl:465:backlog=9", "tls:tcp:465:backlog=9:interface=127.0.0.1"),
        ("ssl:465:interface=127.0.0.2", "tls:tcp:465:interface=127.0.0.2"),
        ("ssl:465:interface=\\:\\:1:backlog=9", "tls:tcp6:465:interface=\\:\\:1:backlog=9"),
        ("tls:tcp:465:interface=127.0.0.1", "tls:tcp:465:interface=127.0.0.1"),
        ("tls:unix:/run/smtps", "tls:unix:/run/smtps"),
    ],
)
def test_tls_from_the_first_octet_on(where: str, endpoint: str) -> None:
    """Behind tls: stands any place, and what Twisted listens on is plain; a port is loopback."""
    assert listen_endpoint(where) == endpoint
    assert is_loopback(endpoint)
    serverFromString(MemoryReactorClock(), endpoint.removeprefix(SECURE))


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ("ssl:465:privateKey=key.pem", "privateKey=; expected --certificate FILE and --key FILE"),
        ("tls:465:certKey=a.pem:interface=127.0.0.1", "certKey=; expected --certificate FILE"),
        ("tls:tcp:465:extraCertChain=a.pem", "extraCertChain=; expected --certificate FILE"),
        ("haproxy:tls:465", "expected haproxy:tcp:"),
        ("haproxy:ssl:465:privateKey=key.pem", "expected haproxy:tcp:"),
        ("tls:haproxy:tcp:465", "expected tls:PORT"),
        ("tls:tls:465", "expected tls:PORT"),
        ("tls:", "expected HOST"),
        ("tls:65536", "from 0 to 65535"),
        ("ssl:65536:backlog=9", "from 0 to 65535"),
        ("ssl:mail.example.org", "expected a port, HOST:PORT"),
    ],
)
def test_what_tls_can_not_stand_before(where: str, expected: str) -> None:
    """Twisted's own arguments and what is not built are refused, with what is there instead."""
    with pytest.raises(WhereError, match=re.escape(expected)):
        listen_endpoint(where)


def test_which_names_belong_to_the_places() -> None:
    """Certificates can bear what is listened on; the address of all addresses is no name."""
    places = ["465", "tls:[::1]:465", "0.0.0.0:25", "[::]:25", "192.0.2.1:25", "a.example.org:25"]
    found = interfaces(map(listen_endpoint, [*places, "unix:/run/smtp", "[fe80::1%eth0]:25"]))
    assert found == ["127.0.0.1", "::1", "192.0.2.1", "a.example.org", "fe80::1"]


@pytest.mark.parametrize(
    "where", ["haproxy:tcp:25:interface=127.0.0.1", "tcp6:25:interface=\\:\\:1"]
)
def test_loopback_in_twisteds_own_form(where: str) -> None:
    """Wrapped and escaped forms of loopback are known as such."""
    assert is_loopback(listen_endpoint(where))


@pytest.mark.parametrize(
    ("where", "host", "port"),
    [
        ("192.0.2.25", "192.0.2.25", 25),
        ("192.0.2.25:2525", "192.0.2.25", 2525),
        ("smtp://192.0.2.25", "192.0.2.25", 25),
        ("smtp://192.0.2.25:587/", "192.0.2.25", 587),
        ("[2001:db8::25]", "2001:db8::25", 25),
        ("[2001:db8::25]:587", "2001:db8::25", 587),
        ("tcp:192.0.2.25:26", "192.0.2.25", 26),
    ],
)
def test_where_upstream_is(where: str, host: str, port: int) -> None:
    """Twisted connects to the host and the port that were meant; 25 is SMTP's."""
    reactor = MemoryReactorClock()
    endpoint = clientFromString(reactor, upstream_endpoint(where))
    endpoint.connect(None)
    ((to_host, to_port, *_),) = reactor.tcpClients
    assert (to_host, to_port) == (host, port)


@pytest.mark.parametrize(
    ("where", "endpoint"),
    [
        ("mail.example.org", "tcp:mail.example.org:25"),
        ("smtps://mail.example.org", "tls:mail.example.org:465"),
        ("smtps://mail.example.org:4650", "tls:mail.example.org:4650"),
        ("tls:mail.example.org:465", "tls:mail.example.org:465"),
        ("unix:/run/smtp", "unix:/run/smtp"),
        ("sink:", "sink:"),
    ],
)
def test_upstreams_endpoint_string(where: str, endpoint: str) -> None:
    """RFC 8314 §7.3: 465 is the port of TLS from the first octet on."""
    assert upstream_endpoint(where) == endpoint


@pytest.mark.parametrize("host", ["tcp", "ssl", "unix", "host"])
def test_a_host_may_be_named_as_a_kind_of_endpoint(host: str) -> None:
    """HOST:PORT stays HOST:PORT where a machine has such a name."""
    assert upstream_endpoint(f"{host}:2525") == f"tcp:{host}:2525"


@pytest.mark.parametrize(
    "where",
    [
        "",
        "http://mail.example.org",
        "smtp://",
        "mail example.org",
        "a:b:c",
        "a:65536",
        "[::1",
        ":25",
    ],
)
def test_what_is_no_upstream(where: str) -> None:
    """What can't be read is refused, with what was expected."""
    with pytest.raises(WhereError, match="expected"):
        upstream_endpoint(where)


@pytest.mark.parametrize(
    ("where", "endpoint"),
    [
        ("mail.example.org:24", "tcp:mail.example.org:24"),
        ("lmtp://mail.example.org:24/", "tcp:mail.example.org:24"),
        ("[2001:db8::25]:24", "tcp:2001\\:db8\\:\\:25:24"),
        ("unix:/run/dovecot/lmtp", "unix:/run/dovecot/lmtp"),
        ("sink:", "sink:"),
    ],
)
def test_upstreams_endpoint_string_in_lmtp(where: str, endpoint: str) -> None:
    """A port that is named, or a socket of the file system, is as good as in SMTP."""
    assert upstream_endpoint(where, LMTP) == endpoint


@pytest.mark.parametrize("where", ["mail.example.org", "lmtp://mail.example.org", "[::1]", "tcp"])
def test_lmtp_has_no_standard_port(where: str) -> None:
    """RFC 2033 §3: nobody can guess it, and it is never 25; the error shows what to write."""
    host = where.removeprefix("lmtp://")
    with pytest.raises(WhereError, match=rf"{re.escape(host)}:PORT, or unix:/PATH"):
        upstream_endpoint(where, LMTP)


@pytest.mark.parametrize(
    ("where", "protocol", "expected"),
    [
        ("smtp://mail.example.org", LMTP, "expected lmtp://HOST:PORT"),
        ("lmtp://mail.example.org:24", SMTP, "expected smtp://HOST or smtps://HOST"),
        ("sink", LMTP, "did you mean 'sink:'"),
    ],
)
def test_upstream_of_the_other_protocol(where: str, protocol: MailProtocol, expected: str) -> None:
    """What belongs to the other protocol is refused, with what belongs to this one."""
    with pytest.raises(WhereError, match=expected):
        upstream_endpoint(where, protocol)


@pytest.mark.parametrize(
    ("where", "seconds"),
    [
        ("tcp:192.0.2.25:25", 41),
        ("tcp:2001\\:db8\\:\\:25:25", 41),
        ("tcp:192.0.2.25:25:timeout=7", 7),
        # Of two Twisted takes the last, and what is part of a value is no argument.
        ("tcp:192.0.2.25:25:timeout=6:timeout=7", 7),
        ("tcp:timeout\\=7:25", 41),
    ],
)
def test_how_long_connecting_may_take(where: str, seconds: int) -> None:
    """Twisted reads the timeout that was given, unless the string has one of its own."""
    reactor = MemoryReactorClock()
    clientFromString(reactor, with_timeout(where, 41)).connect(None)
    ((_, _, _, timeout, _),) = reactor.tcpClients
    assert timeout == seconds
