"""One case: a proxy of its own, hostile peers on both sides, and the most memory that it took.

Memory is read in /proc, which only Linux has.
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

from bench import encrypting
from bench.commands import Place, secure_legs
from bench.memory import clients, upstreams
from bench.memory.cases import Case
from bench.memory.peer import HOST, Peer, connected
from bench.processes import Process, Trouble, running

#: Seconds after which a case is measured as it stands.
LIMIT = 20.0
#: Polite sessions before anything is measured: by then all that is needed is loaded.
WARM_UP = 3
#: Octets of memory that a connection may take.
BOUND = 1024 * 1024
_SETTLING = 0.3
_FAREWELL = 1.0

_CASSETTE = """\
smtpproxy-cassette: 1
upstream: "sink:"
recorded: 2026-11-23T12:00:00Z
---
session: 1
dialogue:
- S: "220 mail.example.org ESMTP"
- C: "EHLO app.example.org"
  S: "250 mail.example.org"
- C: "MAIL FROM:<a@example.org>"
  S: "250 2.1.0 Ok"
- C: "RCPT TO:<b@example.net>"
  S: "250 2.1.5 Ok"
- C: "DATA"
  S: "354 Go on"
- message: |
    Subject: hello

    Hello!
  S: "250 2.0.0 Ok"
- C: "QUIT"
  S: "221 2.0.0 Bye"
ended: quit
timing-ms: [0, 0, 0, 0, 0, 0, 0]
"""


class Figure(NamedTuple):
    """What one case took."""

    connections: int
    offered: int  # octets, by all peers, as far as TCP took them
    growth: int  # octets, of all connections
    ended: str

    @property
    def each(self) -> float:
        """Octets for a connection."""
        return self.growth / self.connections


def measure(case: Case, connections: int, folder: Path) -> Figure:
    """Try one case on so many connections at once. Raises Trouble where the proxy fails."""
    return asyncio.run(_Trial(case, min(connections, case.most), folder).run())


class _Trial:
    """The peers of one case."""

    def __init__(self, case: Case, connections: int, folder: Path) -> None:
        self._case = case
        self._connections = connections
        self._folder = folder
        self._clients: list[Peer] = []
        self._upstreams: list[Peer] = []
        self._playing: set[asyncio.Task[None]] = set()

    async def run(self) -> Figure:
        with socket.create_server((HOST, 0), backlog=1024) as server:
            server.setblocking(False)
            accepting = asyncio.create_task(self._accept(server))
            try:
                with ExitStack() as stack:
                    return await self._measured(*self._proxy(stack, server))
            finally:
                accepting.cancel()
                self._end()

    def _proxy(self, stack: ExitStack, server: socket.socket) -> tuple[Process, int]:
        """Start the proxy, and what encrypts for the peers; return it, and the clients' port."""
        cassette = self._folder / "cassette.yaml"
        place = Place(self._folder, server.getsockname()[1], 0, cassette)
        if self._case.tls:
            place = encrypting.behind(stack, place)
        command = self._command(place)
        proxy = stack.enter_context(running("smtpproxy", command, self._said))
        port = proxy.announced(place.ready_file)
        return proxy, encrypting.before(stack, place, port) if self._case.tls else port

    @property
    def _said(self) -> Path:
        return self._folder / "said.txt"

    def _command(self, place: Place) -> list[str]:
        listen = f"tls:{HOST}:0" if self._case.tls else f"{HOST}:0"
        cassette = place.cassette
        if self._case.replays:
            cassette.write_text(_CASSETTE)
        options = [str(cassette) if o == cassette.name else o for o in self._case.options]
        return [
            *(sys.executable, "-m", "smtpproxy", "serve", "--listen", listen, *self._where(place)),
            *("--ready-file", str(place.ready_file), "--log-format", "json"),
            *("--log", str(self._folder / "log.jsonl"), "--drain", "0", *options),
        ]

    def _where(self, place: Place) -> tuple[str, ...]:
        if self._case.replays:
            return ()
        if self._case.tls:
            return secure_legs(place)
        return ("--upstream", f"{HOST}:{place.sink}" if self._case.upstream else "sink:")

    async def _accept(self, server: socket.socket) -> None:
        """Play upstream, politely while the proxy warms up."""
        loop = asyncio.get_running_loop()
        while True:
            connection, _ = await loop.sock_accept(server)
            peer = Peer(connection)
            self._upstreams.append(peer)
            warm = len(self._upstreams) > WARM_UP or not self._case.warms_up
            script = (self._case.upstream if warm else None) or upstreams.polite
            self._play(asyncio.ensure_future(script(peer)))

    def _play(self, task: asyncio.Task[None]) -> asyncio.Task[None]:
        self._playing.add(task)
        return task

    async def _measured(self, proxy: Process, port: int) -> Figure:
        if self._case.warms_up:
            await self._warm_up(port)
        pid = proxy.popen.pid
        before = reset_peak(pid)
        await self._attack(port)
        await asyncio.sleep(_SETTLING)
        proxy.check_running()
        growth = memory(pid, "VmHWM") - before
        ended = await self._endings()
        offered = sum(peer.offered for peer in (*self._clients, *self._upstreams))
        if "Traceback" in self._said.read_text(errors="replace"):
            raise Trouble(f"the proxy failed: {proxy.last_words()}")
        return Figure(self._connections, offered, growth, ended)

    async def _warm_up(self, port: int) -> None:
        for _ in range(WARM_UP):
            peer = await connected(port)
            await clients.polite(peer)
            peer.close()

    async def _attack(self, port: int) -> None:
        """Let all clients do what they do, and wait until that is done or takes too long."""
        for _ in range(self._connections):
            self._clients.append(await connected(port))
        attacks = [
            self._play(asyncio.ensure_future(self._case.client(peer))) for peer in self._clients
        ]
        await asyncio.wait(attacks, timeout=LIMIT)

    async def _endings(self) -> str:
        """Return what the clients heard last, once the peak is known."""
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)
        await asyncio.gather(*(peer.drain(_FAREWELL) for peer in self._clients if not peer.closed))
        told = Counter(map(self._ending, self._clients))
        (words, _), *_ = told.most_common(1)
        return words

    def _ending(self, peer: Peer) -> str:
        if peer.closed:
            return f"{peer.last[:3].decode('ascii', 'replace') or 'nothing'}, closed"
        stuck = peer.stuck or any(upstream.stuck for upstream in self._upstreams)
        return "not read on" if stuck else "goes on"

    def _end(self) -> None:
        for peer in (*self._clients, *self._upstreams):
            peer.close()


def memory(pid: int, name: str) -> int:
    """Return what /proc says of a process's memory, in octets: VmRSS now, VmHWM at most."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) * 1024


def reset_peak(pid: int) -> int:
    """Let the peak of a process's memory begin anew; return what it has now, in octets."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return memory(pid, "VmRSS")
