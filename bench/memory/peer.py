"""One end of a connection that behaves as badly as it is told to. It knows nothing of proxies."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

#: Seconds without progress after which a flood counts as held back.
STUCK = 1.5
#: Seconds that a polite reader waits for the next octets.
PATIENCE = 10.0

HOST = "127.0.0.1"
_PIECE = 64 * 1024
_GONE = (ConnectionError, OSError)


class Peer:
    """Sends as much as TCP takes, and reads only where it is told to."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._socket = connection
        self._unread = b""
        self.offered = 0  # octets that TCP took
        self.stuck = False  # TCP took no more
        self.closed = False  # the other end has closed, or reset
        self.last = b""  # the last whole line that was read

    async def send(self, octets: bytes, patience: float = STUCK) -> bool:
        """Send octets; False where the other end does not read on, or is gone."""
        loop = asyncio.get_running_loop()
        rest = memoryview(octets)
        while rest:
            try:
                sent = self._socket.send(rest)
            except BlockingIOError:
                if not await _ready(self._socket, patience, loop.add_writer, loop.remove_writer):
                    self.stuck = True
                    return False
                continue
            except _GONE:
                return False
            self.offered += sent
            rest = rest[sent:]
            await asyncio.sleep(0)
        return True

    async def flood(self, octets: bytes, most: int) -> None:
        """Send the same octets again and again, until there were so many or TCP takes no more."""
        octets *= max(1, _PIECE // len(octets))
        end = self.offered + most
        while self.offered < end and await self.send(octets):
            pass

    async def read(self, patience: float = PATIENCE) -> bytes:
        """Return what is there, as soon as something is; b"" where nothing comes any more."""
        loop = asyncio.get_running_loop()
        if not await _ready(self._socket, patience, loop.add_reader, loop.remove_reader):
            return b""
        try:
            octets = self._socket.recv(_PIECE)
        except _GONE:
            octets = b""
        self.closed = not octets
        return octets

    async def line(self) -> bytes:
        """Return the next line, or b"" where none comes."""
        while b"\n" not in self._unread:
            octets = await self.read()
            if not octets:
                return b""
            self._unread += octets
        self.last, _, self._unread = self._unread.partition(b"\n")
        return self.last

    async def reply(self) -> bytes:
        """Return the last line of the next reply."""
        while (line := await self.line())[3:4] == b"-":
            pass
        return line

    async def ask(self, command: bytes) -> bytes:
        """Send a command and return the last line of its reply."""
        await self.send(command + b"\r\n")
        return await self.reply()

    async def drain(self, patience: float = PATIENCE) -> None:
        """Read everything, until nothing comes for so long, and keep the last line."""
        tail = self._unread
        while octets := await self.read(patience):
            tail = (tail + octets)[-_PIECE:]
        self._unread = b""
        whole = tail[: tail.rfind(b"\n") + 1].splitlines()
        self.last = whole[-1] if whole else self.last

    def close(self) -> None:
        """Be gone."""
        self._socket.close()


async def _ready(
    connection: socket.socket,
    patience: float,
    add: Callable[..., Any],
    remove: Callable[[int], Any],
) -> bool:
    """Wait until a connection can be written, or read; False where that takes too long."""
    number = connection.fileno()
    if number < 0:
        return False
    ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def is_ready() -> None:
        if not ready.done():
            ready.set_result(None)

    add(number, is_ready)
    try:
        await asyncio.wait_for(ready, patience)
    except TimeoutError:
        return False
    finally:
        remove(number)
    return True


async def connected(port: int) -> Peer:
    """Return a connection to a port of this machine."""
    connection = socket.socket()
    connection.setblocking(False)
    await asyncio.get_running_loop().sock_connect(connection, (HOST, port))
    return Peer(connection)
