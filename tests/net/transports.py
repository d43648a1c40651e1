"""Connections that tests hold both ends of.

`Socket` is Twisted's own plain transport down to the socket, which takes as many octets as the test
gives it room for. Nothing happens in it but by `flow`, which stands for the reactor's turn.
"""

from __future__ import annotations

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionAborted
from twisted.internet.interfaces import IHalfCloseableProtocol
from twisted.internet.main import CONNECTION_DONE, CONNECTION_LOST
from twisted.internet.protocol import Protocol
from twisted.internet.testing import MemoryReactor, StringTransport
from twisted.python.failure import Failure

ANY = 1 << 40


class Socket(FileDescriptor):
    """A plain transport. `taken` went out; `ended` says how its writing half did."""

    def __init__(self, room: int = ANY) -> None:
        self._memory = MemoryReactor()
        super().__init__(self._memory)
        self.connected = 1
        self.room = room
        self.broken = False  # the next write finds the connection lost
        self.taken = b""
        self.ended = ""  # half-closed, closed, aborted or lost
        self.nodelay = False
        self.TLS = False
        self.contexts: list[object] = []  # that TLS was begun with
        self.protocol: Protocol | None = None
        self.startReading()  # type: ignore[no-untyped-call]

    @property
    def reading(self) -> bool:
        """Would the reactor read what the peer sends?"""
        return self in self._memory.readers

    @property
    def waiting(self) -> int:
        """How many octets the transport holds for a socket that did not take them."""
        return len(self.dataBuffer) - self.offset + self._tempDataLen

    def writeSomeData(self, data: bytes) -> int | BaseException:
        """Take what there is room for."""
        if self.broken:
            return CONNECTION_LOST
        sent = min(len(data), self.room)
        self.taken += data[:sent]
        self.room -= sent
        return sent

    def flow(self, room: int = ANY) -> None:
        """Let the peer read as many octets, and the reactor do all that it can do now."""
        self.room = room
        while self in self._memory.writers and (self.room or not self.waiting):
            result = self.doWrite()  # type: ignore[no-untyped-call]
            if result is not None:
                self.connectionLost(Failure(result))
        if self.ended == "aborted" and not self.disconnected:
            self.connectionLost(Failure(ConnectionAborted()))

    def receive(self, octets: bytes) -> None:
        """The peer sends octets, which a transport that is not read would keep to itself."""
        assert self.reading, "this side is not read"
        assert self.protocol is not None
        self.protocol.dataReceived(octets)

    def peer_half_closes(self) -> None:
        """The peer says that it will send nothing more."""
        assert self.reading, "this side is not read"
        self.stopReading()  # type: ignore[no-untyped-call]
        IHalfCloseableProtocol(self.protocol).readConnectionLost()

    def peer_closes(self) -> None:
        """The connection ends in order."""
        self.connectionLost(Failure(CONNECTION_DONE))

    def peer_resets(self) -> None:
        """The connection is gone."""
        self.connectionLost(Failure(CONNECTION_LOST))

    def getPeer(self) -> IPv4Address:
        """Say who has connected."""
        return IPv4Address("TCP", "192.0.2.7", 40000)

    def getHost(self) -> IPv4Address:
        """Say where the peer has connected to."""
        return IPv4Address("TCP", "192.0.2.1", 25)

    def startTLS(self, context: object) -> None:
        """Be told to encrypt; what is written from here on still shows in `taken`."""
        self.TLS = True
        self.contexts.append(context)

    def setTcpNoDelay(self, on: bool) -> None:
        """Be told not to gather octets."""
        self.nodelay = on

    def abortConnection(self) -> None:
        """Be told to end at once."""
        if self.connected:
            self.ended = "aborted"
            self.stopReading()  # type: ignore[no-untyped-call]
            self.stopWriting()  # type: ignore[no-untyped-call]

    def connectionLost(self, reason: Failure) -> None:
        """The reactor says that the connection is gone."""
        self.ended = self.ended if self.ended == "aborted" else ""
        self.ended = self.ended or ("closed" if reason.check(type(CONNECTION_DONE)) else "lost")
        super().connectionLost(reason)  # type: ignore[no-untyped-call]
        if self.protocol is not None:
            self.protocol.connectionLost(reason)

    def _closeWriteConnection(self) -> None:
        self.ended = "half-closed"


class TlsTransport(StringTransport):
    """What Twisted gives for a connection under TLS, where a straight write sends plain text."""

    TLS = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]

    @property
    def sent(self) -> bytes:
        """All that was written."""
        return bytes(self.io.getvalue())

    def writeSomeData(self, data: bytes) -> int:
        """What must never be called."""
        raise AssertionError(f"sent as plain text: {data!r}")
