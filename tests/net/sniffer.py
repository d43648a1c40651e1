"""A wire between two programs on this machine, and everything that went over it."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HOST = "127.0.0.1"
SECONDS = 10.0


class Wire:
    """Carries connections to a port; `up` and `down` are the octets of the first of them."""

    def __init__(self, port: int) -> None:
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        self._to = port
        self.up, self.down = bytearray(), bytearray()
        self._threads: list[threading.Thread] = []

    def carry(self) -> None:
        """Take one connection."""
        self._start(self._accept)

    def close(self) -> None:
        """Wait until all has passed."""
        self._listening.close()
        for thread in self._threads:
            thread.join(SECONDS)

    def _accept(self) -> None:
        try:
            near, _ = self._listening.accept()
        except OSError:
            return  # nobody has come
        far = socket.create_connection((HOST, self._to), SECONDS)
        for end in (near, far):
            end.settimeout(SECONDS)
        self._start(_copy, near, far, self.up)
        self._start(_copy, far, near, self.down)

    def _start(self, what: object, *arguments: object) -> None:
        thread = threading.Thread(target=what, args=arguments, daemon=True)  # type: ignore[arg-type]
        self._threads.append(thread)
        thread.start()


def _copy(source: socket.socket, target: socket.socket, kept: bytearray) -> None:
    with suppress(OSError):
        while octets := source.recv(65536):
            kept += octets
            target.sendall(octets)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


@contextmanager
def wire(port: int) -> Iterator[Wire]:
    """Carry a connection to a port of this machine while the block lasts."""
    one = Wire(port)
    one.carry()
    try:
        yield one
    finally:
        one.close()


def records(octets: bytes) -> list[int]:
    """Return the content types of TLS records (RFC 8446 §5.1); fails on anything that is none."""
    found = []
    while octets:
        kind, major, length = octets[0], octets[1], int.from_bytes(octets[3:5], "big")
        assert 20 <= kind <= 23, f"no TLS: {octets[:40]!r}"
        assert major == 3, f"no TLS: {octets[:40]!r}"
        assert len(octets) >= 5 + length, "a record that was cut short"
        found.append(kind)
        octets = octets[5 + length :]
    return found
