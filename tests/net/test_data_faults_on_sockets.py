"""What befalls messages, as smtplib meets it on real sockets before a strict upstream."""

from __future__ import annotations

import smtplib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.programs import HOST, SECONDS, serving
from tests.strictserver import StrictServer

SENDER, PEOPLE = "a@example.org", ["b@example.net", "c@example.net"]
GOOD = b"Subject: hello\r\n\r\nHi.\r\n..\r\n"
BAD = b"Subject: invoice\r\n\r\nPay.\r\n"
LARGE = b"Subject: large\r\n\r\n" + (b"x" * 70 + b"\r\n") * 40_000  # 2.9 MB


class Row(NamedTuple):
    """A rule, what the client hears to its message, and what upstream has of it by then."""

    rule: str
    message: bytes
    heard: int  # 0: the connection ended without a word
    delivered: bool
    goes_on: bool = True  # so that the next message is delivered


HEADER = 'when: {header: {Subject: "*invoice*"}}'
SIZE = "when: {size: over 1 MiB}"
ROWS = {
    "loss": Row("END-OF-DATA: {reply: 250, upstream: none}", GOOD, 250, False),
    "refusal": Row("END-OF-DATA: 554", GOOD, 554, False),
    "delivered and refused": Row("END-OF-DATA: {reply: 451, upstream: deliver}", GOOD, 451, True),
    "duplicate": Row("END-OF-DATA: {client: drop, upstream: deliver}", GOOD, 0, True, False),
    "dropped": Row("END-OF-DATA: drop", GOOD, 0, False, False),
    "header": Row(f"{{END-OF-DATA: 554, {HEADER}}}", BAD, 554, False),
    "another header": Row(f"{{END-OF-DATA: 554, {HEADER}}}", GOOD, 250, True),
    "size": Row(f"{{END-OF-DATA: 552, {SIZE}}}", LARGE, 552, False),
    "large and kept": Row(f"{{END-OF-DATA: 554, {HEADER}}}", LARGE, 250, True),
    "421 in the middle": Row(
        "DATA: {mid-data: {after: 10 KiB, reply: 421}}", LARGE, 421, False, False
    ),
    "drop in the middle": Row(
        "DATA: {mid-data: {after: 10 KiB, client: drop}}", LARGE, 0, False, False
    ),
    "reset in the middle": Row(
        "DATA: {mid-data: {after: 10 KiB, client: reset}}", LARGE, 0, False, False
    ),
}


@contextmanager
def strict_upstream() -> Iterator[tuple[int, list[StrictServer]]]:
    """Serve strictly at a port; the servers are those of the connections so far."""
    servers: list[StrictServer] = []
    threads: list[threading.Thread] = []

    def serve(connection: socket.socket) -> None:
        server = StrictServer()
        servers.append(server)
        with connection:
            connection.settimeout(SECONDS)
            connection.sendall(b"220 mail.example.org ESMTP\r\n")
            try:
                while octets := connection.recv(65536):
                    connection.sendall(server.receive(octets))
            except OSError:
                return  # the proxy has gone

    def accept() -> None:
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return  # nobody listens any more
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    with socket.create_server((HOST, 0)) as listening:
        acceptor = threading.Thread(target=accept)
        acceptor.start()
        yield listening.getsockname()[1], servers
        listening.shutdown(socket.SHUT_RDWR)
    acceptor.join(SECONDS)
    for thread in threads:
        thread.join(SECONDS)
    assert not acceptor.is_alive()


def heard_by(client: smtplib.SMTP, message: bytes) -> int:
    """Send a message; return the code that the client heard last, or 0."""
    try:
        client.sendmail(SENDER, PEOPLE, message)
    except smtplib.SMTPResponseException as error:
        return error.smtp_code
    except (smtplib.SMTPServerDisconnected, OSError):
        return _last_words(client)
    return 250


def _last_words(client: smtplib.SMTP) -> int:
    """Return the code of what had come when the client could send no more, or 0."""
    if client.file is None:
        return 0
    try:
        return client.getreply()[0]
    except (smtplib.SMTPServerDisconnected, OSError):
        return 0


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_row(row: Row, tmp_path: Path) -> None:
    """The client hears what the rule says, upstream has what it says, and the session goes on."""
    rules = tmp_path / "rules.yaml"
    once = row.rule[1:-1] if row.rule.startswith("{") else row.rule
    rules.write_text(f"smtpproxy-rules: 1\nrules:\n- {{{once}, times: 1}}\n")
    with (
        strict_upstream() as (port, servers),
        serving(tmp_path, "--upstream", f"{HOST}:{port}", "--rules", str(rules)) as proxy,
    ):
        client = smtplib.SMTP(HOST, proxy.port, timeout=SECONDS)
        assert heard_by(client, row.message) == row.heard
        if row.goes_on:
            assert heard_by(client, GOOD) == 250
        client.close()
        assert proxy.end().status == 0
    expected = [row.message] * row.delivered + [GOOD] * row.goes_on
    assert [one.message for server in servers for one in server.delivered] == expected
