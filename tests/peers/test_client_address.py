"""Who the client is, as real programs tell it to the proxy, and the proxy to a real server."""

from __future__ import annotations

import re
import smtplib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from tests.peers.clients import SECONDS, send_swaks
from tests.peers.haproxy import run_haproxy
from tests.peers.mailserver import MailServer
from tests.peers.messages import hard_message
from tests.peers.postfix import run_postfix
from tests.programs import Program, serving

SENDER, RECIPIENTS = "alice@example.org", ["bob@example.net"]
CLIENT = "127.0.0.9"  # all of 127/8 is this machine (RFC 1122 §3.2.1.3), and the proxy is .1
BEHIND = "haproxy:tcp:0:interface=127.0.0.1"
HAPROXY = {"smtpd_upstream_proxy_protocol": "haproxy", "inet_protocols": "all"}
PREFACE = b"PROXY TCP4 127.0.0.1 127.0.0.1 40000 25\r\n"


@pytest.fixture(scope="module")
def told_postfix() -> Iterator[MailServer]:
    """Postfix that must be told by a PROXY header who its client is."""
    with run_postfix(settings=HAPROXY, preface=PREFACE) as server:
        yield server


class Headed(smtplib.SMTP):
    """A client that has come by IPv6, as another proxy says."""

    def _get_socket(self, host: str, port: int, timeout: float) -> socket.socket:
        connected = socket.create_connection((host, port), timeout)
        connected.sendall(b"PROXY TCP6 2001:db8:0::7 2001:db8::1 40000 25\r\n")
        return connected


def _first_port(proxy: Program) -> int:
    """Return where the proxy listens behind another."""
    return int(proxy.place.splitlines()[0].rpartition(":")[2])


def send_from(address: str, port: int, subject: str) -> None:
    """Send a message to this port, from this address."""
    own = ("--local-interface", address)
    outcome = send_swaks("127.0.0.1", port, SENDER, RECIPIENTS, hard_message(subject), *own)
    assert outcome.ok, outcome.output


def seen_client(server: MailServer, subject: str) -> bytes:
    """Return what a server's topmost trace field says of its client (RFC 5321 §4.4)."""
    (mail,) = server.await_mail(containing=subject.encode())
    return mail.octets.partition(b"Received: from ")[2].partition(b"\r\n")[0]


@pytest.mark.parametrize("version", ["v1", "v2"])
def test_a_server_sees_the_client_itself(
    version: str, told_postfix: MailServer, tmp_path: Path
) -> None:
    """By the header, the server's trace field names the client's address, not the proxy's."""
    upstream = f"{told_postfix.host}:{told_postfix.port}"
    words = ("--upstream", upstream, "--upstream-proxy-protocol", version)
    with serving(tmp_path, *words) as proxy:
        send_from(CLIENT, proxy.port, f"told-{version}")
        assert proxy.end().status == 0
    assert f"[{CLIENT}]".encode() in seen_client(told_postfix, f"told-{version}")


def test_a_server_sees_the_proxy(postfix: MailServer, tmp_path: Path) -> None:
    """Without the header it is the proxy's address: what the documentation warns of."""
    with serving(tmp_path, "--upstream", f"{postfix.host}:{postfix.port}") as proxy:
        send_from(CLIENT, proxy.port, "not-told")
        proxy.end()
    assert b"[127.0.0.1]" in seen_client(postfix, "not-told")


@pytest.mark.parametrize(("told", "code"), [(False, 250), (True, 554)])
def test_a_server_that_trusts_the_proxy(told: bool, code: int, tmp_path: Path) -> None:
    """Any client may relay by way of the proxy, unless the server is told who it is."""
    trust = {
        "mynetworks": "127.0.0.1/32",
        "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
    }
    settings = trust | (HAPROXY if told else {})
    words = ("--upstream-proxy-protocol", "v1") if told else ()
    with (
        run_postfix(keep_mail=False, settings=settings, preface=PREFACE * told) as server,
        serving(tmp_path, "--upstream", f"{server.host}:{server.port}", *words) as proxy,
        smtplib.SMTP("127.0.0.1", proxy.port, timeout=SECONDS, source_address=(CLIENT, 0)) as one,
    ):
        one.ehlo()
        one.mail(SENDER)
        assert one.rcpt("stranger@example.com")[0] == code


def test_a_server_is_told_by_xclient(tmp_path: Path) -> None:
    """Postfix, which lets the proxy name its clients, has the client's address in its trace."""
    settings = {"smtpd_authorized_xclient_hosts": "127.0.0.1"}
    with run_postfix(settings=settings) as server:
        upstream = f"{server.host}:{server.port}"
        with serving(tmp_path, "--upstream", upstream, "--xclient") as proxy:
            send_from(CLIENT, proxy.port, "told-by-xclient")
            assert proxy.end().status == 0
        assert f"[{CLIENT}]".encode() in seen_client(server, "told-by-xclient")


def test_a_server_that_takes_no_xclient(postfix: MailServer, tmp_path: Path) -> None:
    """Where Postfix does not trust the proxy, no client is relayed, and a person hears why."""
    with serving(tmp_path, "--upstream", f"{postfix.host}:{postfix.port}", "--xclient") as proxy:
        with pytest.raises(smtplib.SMTPConnectError) as refused:
            smtplib.SMTP("127.0.0.1", proxy.port, timeout=SECONDS)
        ended = proxy.end()
    assert refused.value.smtp_code == 421
    assert "does not offer XCLIENT" in ended.err


def test_a_client_without_an_address(told_postfix: MailServer, tmp_path: Path) -> None:
    """Postfix takes version 2's LOCAL (and not version 1's UNKNOWN) for who has no address."""
    upstream = f"{told_postfix.host}:{told_postfix.port}"
    words = ("--upstream", upstream, "--upstream-proxy-protocol", "v2", "--listen", "unix:smtp")
    with serving(tmp_path, *words), socket.socket(socket.AF_UNIX) as client:
        client.settimeout(SECONDS)
        client.connect(str(tmp_path / "smtp"))
        assert client.makefile("rb").readline().startswith(b"220 postfix.example.net")


@pytest.mark.parametrize(("header", "version"), [("send-proxy", "v2"), ("send-proxy-v2", "v1")])
def test_behind_haproxy(
    header: str, version: str, told_postfix: MailServer, tmp_path: Path
) -> None:
    """The client of HAProxy is the session's client in the log, and the server's as well."""
    subject = f"behind-{header}"
    upstream = ("--upstream", f"{told_postfix.host}:{told_postfix.port}")
    words = (*upstream, "--upstream-proxy-protocol", version, "--listen", BEHIND)
    with (
        serving(tmp_path, *words) as proxy,
        run_haproxy(_first_port(proxy), header) as port,
    ):
        send_from(CLIENT, port, subject)
        ended = proxy.end()
    assert (ended.status, ended.err.count("PROXY")) == (0, 0)
    assert f"[{CLIENT}]".encode() in seen_client(told_postfix, subject)
    assert re.search(rf"#\d+ {CLIENT}:\d+ -> tcp:", ended.out)


def test_a_client_by_ipv6(told_postfix: MailServer, tmp_path: Path) -> None:
    """An IPv6 address comes from header to header, into the log in brackets, and is recorded."""
    upstream = ("--upstream", f"{told_postfix.host}:{told_postfix.port}")
    words = (*upstream, "--upstream-proxy-protocol", "v1", "--listen", BEHIND)
    recording = ("--mode", "record", "--cassette", "mail.yaml")
    with serving(tmp_path, *words, *recording) as proxy:
        with Headed("127.0.0.1", _first_port(proxy), timeout=SECONDS) as client:
            client.sendmail(SENDER, RECIPIENTS, hard_message("by-ipv6"))
        ended = proxy.end()
    assert b"[IPv6:2001:db8::7]" in seen_client(told_postfix, "by-ipv6")
    assert " [2001:db8::7]:40000 -> tcp:" in ended.out
    assert load_cassette(tmp_path / "mail.yaml").sessions[0].client == "2001:db8::7"
