"""Clients under TLS from the first octet on, as programs meet it."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.certificates import issued
from tests.programs import SECONDS, SERVE, Program, call, serving

SINK = ("--upstream", "sink:")


@pytest.fixture(autouse=True)
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the authority will be: nobody's own is touched."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "smtpproxy" / "ca.pem"


@contextmanager
def secure(folder: Path, *options: str, listen: str = "tls:0") -> Iterator[tuple[Program, int]]:
    """A proxy that runs, and the port where it has TLS."""
    with serving(folder, *SINK, "--listen", listen, *options) as proxy:
        # The other place is plain; each stands in the ready file as HOST:PORT.
        first, _ = proxy.place.splitlines()
        assert first.startswith("127.0.0.1:")
        yield proxy, int(first.rpartition(":")[2])


def talk(port: int, ca: Path | None, host: str = "127.0.0.1") -> int:
    """Hold a dialogue; return the code of EHLO's reply."""
    context = ssl.create_default_context(cafile=ca)
    with smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context) as client:
        code, _ = client.ehlo("app.example.org")
        client.sendmail("a@example.org", ["b@example.net"], "Subject: hello\r\n\r\nHi.\r\n")
    return code


@pytest.mark.parametrize("listen", ["tls:0", "tls:localhost:0", "ssl:0"])
def test_a_client_that_trusts_the_authority(tmp_path: Path, ca: Path, listen: str) -> None:
    """It sends its message, by address and by name; the log has the dialogue."""
    with secure(tmp_path, listen=listen) as (proxy, port):
        assert talk(port, ca) == 250
        assert talk(port, ca, "localhost") == 250
        ended = proxy.end()
    assert ended.status == 0
    assert "ehlo app.example.org" in ended.out
    assert "no TLS" not in ended.err


def test_a_certificate_that_is_given(tmp_path: Path, ca: Path) -> None:
    """It is shown, and no authority is made."""
    identity = issued(tmp_path / "own")
    with secure(tmp_path, "--certificate", str(identity)) as (_, port):
        assert talk(port, tmp_path / "own" / "ca.pem") == 250
    assert not ca.exists()


def test_a_client_that_trusts_nobody(tmp_path: Path) -> None:
    """There is no session; one line says who and why, however often it tries."""
    with secure(tmp_path) as (proxy, port):
        for _ in range(3):
            with pytest.raises(ssl.SSLError, match="certificate verify failed"):
                talk(port, None)
        socket.create_connection(("127.0.0.1", port), SECONDS).close()
        proxy.await_err("no TLS with 127.0.0.1:")
        ended = proxy.end()
    assert ended.status == 0
    assert ended.out == ""
    assert ended.err.count("no TLS with") == 1
    assert "the peer does not trust our certificate\n" in ended.err


def test_an_authority_that_can_not_be_had(tmp_path: Path) -> None:
    """One line names the place and what to do; nothing listens."""
    (tmp_path / "data").write_text("in its place")
    ended = call(tmp_path, (*SERVE, *SINK, "--listen", "tls:0"))
    assert ended.status == 2
    assert ended.err.startswith("smtpproxy: --listen tls: ")
    assert ended.err.count("\n") == 1
    assert str(tmp_path / "data") in ended.err


def test_a_handshake_takes_as_long_as_it_may(tmp_path: Path) -> None:
    """The option counts here, too, and not only behind STARTTLS."""
    with secure(tmp_path, "--handshake-timeout", "0.2") as (proxy, port):
        with (
            socket.create_connection(("127.0.0.1", port), SECONDS) as client,
            suppress(ConnectionResetError),
        ):
            assert client.recv(1) == b""
        ended = proxy.end()
    assert "the handshake was not over in 0.2 s" in ended.err
