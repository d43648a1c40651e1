"""An upstream behind TLS: not a single octet goes to it in plain text."""

from __future__ import annotations

import datetime
import socket
import ssl
import threading
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.programs import SECONDS, serving


def make_certificate(folder: Path) -> Path:
    """Write a key and a certificate of its own into one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "mail.example.org")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .sign(key, hashes.SHA256())
    )
    path = folder / "certificate.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path


class TlsServer(threading.Thread):
    """Takes one connection, does the handshake, greets, and answers one line."""

    def __init__(self, folder: Path) -> None:
        super().__init__(daemon=True)
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(make_certificate(folder))
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._listening.settimeout(SECONDS)
        self.port = self._listening.getsockname()[1]
        self.heard = b""

    def run(self) -> None:
        """Serve the one connection."""
        connection, _ = self._listening.accept()
        connection.settimeout(SECONDS)
        with self._context.wrap_socket(connection, server_side=True) as encrypted:
            encrypted.sendall(b"220 mail.example.org ready\r\n")
            self.heard = encrypted.recv(4096)
            encrypted.sendall(b"250 mail.example.org\r\n")


def test_commands_are_encrypted_on_their_way(tmp_path: Path) -> None:
    """The server decrypts what the client said, and its reply comes back."""
    server = TlsServer(tmp_path)
    server.start()
    with serving(tmp_path, "--upstream", f"ssl:127.0.0.1:{server.port}") as proxy:
        with socket.create_connection(("127.0.0.1", proxy.port), SECONDS) as client:
            lines = client.makefile("rb")
            assert lines.readline() == b"220 mail.example.org ready\r\n"
            client.sendall(b"EHLO app.example.org\r\n")
            assert lines.readline() == b"250 mail.example.org\r\n"
        server.join(SECONDS)
        proxy.end()
    assert server.heard == b"EHLO app.example.org\r\n"
