"""Who reads slowly slows the other side down, and fills no memory: the proxy as it is run."""

from __future__ import annotations

import hashlib
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.memory.measure import memory, reset_peak
from tests.programs import HOST, SECONDS, Program, serving

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="another's memory is read in /proc")

BOUND = 1024 * 1024
STUCK_SECONDS = 2.0  # without progress: nobody reads on
REPLY = (b"250-" + b"x" * 4090 + b"\r\n") * 16 + b"250 ok\r\n"
REPLIES = 850
LINE = b"x" * 1022 + b"\r\n"
LINES = 52_000
OPEN = b"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"


class Ends:
    """A client and its upstream, with the proxy between them."""

    def __init__(self, proxy: Program, client: socket.socket, upstream: socket.socket) -> None:
        self.proxy, self.client, self.upstream = proxy, client, upstream

    def growth(self, before: int) -> int:
        """Return by how much the proxy's memory has grown, at its peak."""
        return memory(self.proxy.pid, "VmHWM") - before


@contextmanager
def both_ends(folder: Path) -> Iterator[Ends]:
    """Connect both."""
    with socket.create_server((HOST, 0)) as server:
        server.settimeout(SECONDS)
        where = f"{HOST}:{server.getsockname()[1]}"
        with (
            serving(folder, "--upstream", where) as proxy,
            socket.create_connection((HOST, proxy.port), SECONDS) as client,
            server.accept()[0] as upstream,
        ):
            upstream.settimeout(SECONDS)
            yield Ends(proxy, client, upstream)


def offer(connection: socket.socket, octets: bytes) -> bytes:
    """Send until nobody reads on; return what is left."""
    rest = memoryview(octets)
    connection.settimeout(STUCK_SECONDS)
    try:
        while rest:
            rest = rest[connection.send(rest) :]
    except TimeoutError:
        pass
    connection.settimeout(SECONDS)
    return bytes(rest)


def take(connection: socket.socket, octets: int) -> str:
    """Read so many octets; return their SHA-256."""
    digest = hashlib.sha256()
    while octets and (piece := connection.recv(min(octets, 1 << 16))):
        digest.update(piece)
        octets -= len(piece)
    return digest.hexdigest()


def through(sender: socket.socket, rest: bytes, taken: Future[str]) -> str:
    """Send the rest while the other side reads; return the digest of all that it read."""
    sender.sendall(rest)
    return taken.result(60)


def test_an_upstream_that_reads_slowly(tmp_path: Path) -> None:
    """50 MB of mail data wait at the client while upstream does not read, and all arrive then."""
    mail_data = LINE * LINES + b".\r\n"
    with both_ends(tmp_path) as ends, ThreadPoolExecutor(1) as pool:
        ends.upstream.sendall(b"220 ready\r\n250 ok\r\n250 ok\r\n250 ok\r\n354 go on\r\n")
        ends.client.sendall(OPEN)
        take(ends.upstream, len(OPEN))
        before = reset_peak(ends.proxy.pid)
        rest = offer(ends.client, mail_data)
        assert rest, "it was read on and on"
        taken = pool.submit(take, ends.upstream, len(mail_data))
        digest = through(ends.client, rest, taken)
        assert ends.growth(before) < BOUND
    assert digest == hashlib.sha256(mail_data).hexdigest()


def test_a_client_that_reads_slowly(tmp_path: Path) -> None:
    """50 MB of replies wait at upstream while the client does not read, and all arrive then."""
    greeting = b"220 ready\r\n"
    commands, replies = b"NOOP\r\n" * REPLIES, REPLY * REPLIES
    with both_ends(tmp_path) as ends, ThreadPoolExecutor(1) as pool:
        ends.upstream.sendall(greeting)
        take(ends.client, len(greeting))
        ends.client.sendall(commands)
        take(ends.upstream, len(commands))
        before = reset_peak(ends.proxy.pid)
        rest = offer(ends.upstream, replies)
        assert rest, "it was read on and on"
        taken = pool.submit(take, ends.client, len(replies))
        digest = through(ends.upstream, rest, taken)
        assert ends.growth(before) < BOUND
    assert digest == hashlib.sha256(replies).hexdigest()
