"""An upstream behind TLS: not a single octet goes to it in plain text."""

from __future__ import annotations

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.certificates import issued, nameless
from tests.programs import SECONDS, SERVE, Outcome, call, serving


class TlsServer(threading.Thread):
    """Takes one connection, does the handshake, greets, and answers one line."""

    def __init__(self, identity: Path) -> None:
        super().__init__(daemon=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(identity)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(SECONDS)
        self.port = self._listening.getsockname()[1]
        self.heard = b""

    def run(self) -> None:
        """Serve the one connection."""
        connection, _ = self._listening.accept()
        connection.settimeout(SECONDS)
        with (
            contextlib.suppress(ssl.SSLError, ConnectionError),
            self._context.wrap_socket(connection, server_side=True) as encrypted,
        ):
            encrypted.sendall(b"220 mail.example.org ready\r\n")
            self.heard = encrypted.recv(4096)
            encrypted.sendall(b"250 mail.example.org\r\n")


def talk(folder: Path, server: TlsServer, *options: str) -> tuple[bytes, Outcome]:
    """Return the greeting that a client of the proxy hears, which then says EHLO, and the end."""
    server.start()
    with serving(folder, *options) as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client:
            lines = client.makefile("rb")
            greeting = lines.readline()
            if greeting.startswith(b"220"):
                client.sendall(b"EHLO app.example.org\r\n")
                lines.readline()
        server.join(SECONDS)
        return greeting, proxy.end()


@pytest.mark.parametrize(
    "where",
    [
        *("tls:127.0.0.1:{}", "ssl:localhost:{}", "smtps://localhost:{}"),
        "tls:localhost:{}:timeout=9:bindAddress=127.0.0.1",
    ],
)
def test_commands_are_encrypted_on_their_way(where: str, tmp_path: Path) -> None:
    """The server decrypts what the client said, and its reply comes back."""
    server = TlsServer(issued(tmp_path))
    place = ("--upstream", where.format(server.port))
    greeting, _ = talk(tmp_path, server, *place, "--upstream-ca", str(tmp_path / "ca.pem"))
    assert greeting == b"220 mail.example.org ready\r\n"
    assert server.heard == b"EHLO app.example.org\r\n"


def test_a_name_that_upstream_is_not_connected_by(tmp_path: Path) -> None:
    """--upstream-name says for whom the certificate must be."""
    server = TlsServer(issued(tmp_path))
    named = ("--upstream-name", "mail.example.org", "--upstream-ca", str(tmp_path / "ca.pem"))
    talk(tmp_path, server, "--upstream", f"smtps://127.0.0.1:{server.port}", *named)
    assert server.heard == b"EHLO app.example.org\r\n"


def test_without_a_look_at_the_certificate(tmp_path: Path) -> None:
    """--upstream-insecure takes it whatever it is, and says so at the beginning and at the end."""
    server = TlsServer(nameless(tmp_path))
    place = ("--upstream", f"ssl:localhost:{server.port}")
    _, ended = talk(tmp_path, server, *place, "--upstream-insecure")
    assert server.heard == b"EHLO app.example.org\r\n"
    lines = ended.err.splitlines()
    told = [at for at, line in enumerate(lines) if "--upstream-insecure" in line]
    assert len(told) == 2
    listening = [at for at, line in enumerate(lines) if line.startswith("listening on ")]
    assert told[0] < listening[0] < told[1]


@pytest.mark.parametrize(
    ("make", "ca", "why"),
    [(nameless, True, "not for localhost"), (issued, False, "issuer")],
    ids=["a certificate that names nobody", "an authority that nobody trusts"],
)
@pytest.mark.parametrize("kind", ["tls", "ssl"])
def test_an_upstream_that_can_not_be_verified(
    make: Callable[[Path], Path], ca: bool, why: str, kind: str, tmp_path: Path
) -> None:
    """It hears nothing of what the client has to say; the client hears 421, and a person why."""
    server = TlsServer(make(tmp_path))
    trusted = ("--upstream-ca", str(tmp_path / "ca.pem")) if ca else ()
    place = ("--upstream", f"{kind}:localhost:{server.port}")
    greeting, ended = talk(tmp_path, server, *place, *trusted)
    assert greeting.startswith(b"421 ")
    assert server.heard == b""
    assert "no TLS with upstream: " in ended.err
    assert why in ended.err


def test_an_upstream_that_never_shakes_hands(tmp_path: Path) -> None:
    """A client that resets its connection meanwhile takes upstream's with it."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(SECONDS)
        place = f"tls:127.0.0.1:{listening.getsockname()[1]}"
        with serving(tmp_path, "--upstream", place) as proxy:
            with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client:
                upstream, _ = listening.accept()
                upstream.settimeout(SECONDS)
                assert upstream.recv(5)  # a client hello
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with upstream, contextlib.suppress(ConnectionError):
                while upstream.recv(4096):
                    pass
            assert proxy.end().status == 0


def test_an_authority_that_is_none(tmp_path: Path) -> None:
    """One line says which file, and what was expected."""
    (tmp_path / "ca.pem").write_text("no certificate")
    options = ("--upstream", "smtps://mail.example.org", "--upstream-ca", "ca.pem")
    ended = call(tmp_path, (*SERVE, *options))
    assert ended.status == 2
    assert ended.err.startswith("smtpproxy: --upstream-ca: ca.pem: ")
    assert ended.err.count("\n") == 1
