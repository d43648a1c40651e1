"""What goes over the wires once TLS has begun: TLS and nothing else."""

from __future__ import annotations

import os
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller

from tests.certificates import issued
from tests.net.sniffer import Wire, records, wire
from tests.peers.processes import free_port
from tests.programs import serving

CANARY = b"a secret that only its recipient shall read"
MESSAGE = b"Subject: hello\r\n\r\n" + CANARY + b"\r\n..\r\n" + (CANARY + b"\r\n") * 4000


class Kept:
    """Keeps the messages, and whether they came by TLS."""

    def __init__(self) -> None:
        self.messages: list[tuple[bytes, bool]] = []

    async def handle_DATA(self, server: object, session: object, envelope: object) -> str:
        """Keep one."""
        content = getattr(envelope, "original_content", b"")
        self.messages.append((content, getattr(session, "ssl", None) is not None))
        return "250 2.0.0 Kept"


@contextmanager
def server(folder: Path) -> Iterator[tuple[int, Kept]]:
    """Run a server that offers STARTTLS."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(issued(folder, ["localhost"]))
    kept = Kept()
    port = free_port()
    controller = Controller(kept, hostname="127.0.0.1", port=port, tls_context=context)
    controller.start()
    try:
        yield port, kept
    finally:
        controller.stop()


@contextmanager
def between(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *options: str
) -> Iterator[tuple[Wire, Wire, Kept]]:
    """Run the proxy with a wire to listen to on each side."""
    ca = tmp_path / "smtpproxy"  # where the proxy will look for its authority
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with server(ca) as (port, kept), wire(port) as above:
        told = ("--upstream", f"localhost:{above.port}", "--upstream-ca", str(ca / "ca.pem"))
        with serving(tmp_path, *told, *options) as program, wire(program.port) as below:
            yield below, above, kept


def send(port: int, folder: Path, encrypted: bool = True) -> None:
    """Send one message."""
    context = ssl.create_default_context(cafile=os.fspath(folder / "smtpproxy" / "ca.pem"))
    with smtplib.SMTP("localhost", port, "app.example.org", 10) as client:
        client.ehlo()
        if encrypted:
            client.starttls(context=context)
        client.sendmail("a@example.org", ["b@example.net"], MESSAGE)


def behind(octets: bytes, line: bytes) -> bytes:
    """Return what came behind the line that begins so: the last one in plain text."""
    at = octets.rindex(line)
    return octets[octets.index(b"\r\n", at) + 2 :]


def test_mirror_sends_nothing_in_plain_text(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Behind STARTTLS and its 220 there are only TLS records, on all four ways."""
    with between(tmp_path, monkeypatch, "--tls", "mirror") as (below, above, kept):
        send(below.port, tmp_path)
    assert [encrypted for _, encrypted in kept.messages] == [True]
    assert kept.messages[0][0].startswith(MESSAGE)
    for one in (below, above):
        for octets, last in ((one.up, b"STARTTLS"), (one.down, b"220 ")):
            assert len(records(behind(bytes(octets), last))) > 3
            assert CANARY not in octets


def test_terminate_encrypts_the_clients_leg_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What went to upstream can be read, what came from the client can't."""
    with between(tmp_path, monkeypatch, "--tls", "terminate") as (below, above, kept):
        send(below.port, tmp_path)
    assert [encrypted for _, encrypted in kept.messages] == [False]
    assert records(behind(bytes(below.up), b"STARTTLS"))
    assert records(behind(bytes(below.down), b"220 2.0.0 Ready"))
    assert CANARY in above.up
    assert b"STARTTLS" not in above.up


def test_originate_encrypts_upstreams_leg_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client needs to know nothing of TLS."""
    with between(tmp_path, monkeypatch, "--tls", "originate") as (below, above, kept):
        send(below.port, tmp_path, encrypted=False)
    assert [encrypted for _, encrypted in kept.messages] == [True]
    assert records(behind(bytes(above.up), b"STARTTLS"))
    assert CANARY in below.up
    assert b"STARTTLS" not in below.down
