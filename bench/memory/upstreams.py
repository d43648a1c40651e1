"""The upstreams: one that is polite, and those that mean no good. Each plays one connection."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from bench.memory.peer import Peer

Script: TypeAlias = Callable[[Peer], Awaitable[None]]

GREETING = b"220 mail.example.org ESMTP\r\n"
_EHLO = (
    b"250-mail.example.org\r\n250-PIPELINING\r\n250-CHUNKING\r\n250-STARTTLS\r\n"
    b"250 AUTH PLAIN LOGIN\r\n"
)
_ANSWERS = {
    b"EHLO": _EHLO,
    b"LHLO": _EHLO,
    b"DATA": b"354 Go on\r\n",
    b"QUIT": b"221 2.0.0 Bye\r\n",
    b"AUTH": b"334 \r\n",
    b"STAR": b"220 2.0.0 Go on\r\n",
}
_OK = b"250 2.0.0 Ok\r\n"
#: The longest reply that is taken, but for its last line: 127 lines of 4,096 octets.
LONGEST_BEGINNING = (b"250-" + b"x" * 4090 + b"\r\n") * 127
#: Secrets that follow AUTH, in all.
_SECRETS = 40


async def polite(peer: Peer) -> None:
    """Accept everything, also a message after DATA."""
    await peer.send(GREETING)
    while command := await peer.line():
        await answer(peer, command)
        if command[:4].upper() == b"DATA":
            while await peer.line() not in (b".\r", b""):
                pass
            await peer.send(_OK)


async def answer(peer: Peer, command: bytes) -> None:
    """Say what an accepting server does."""
    await peer.send(_ANSWERS.get(command[:4].upper(), _OK))


def answering(until: bytes, then: Script) -> Script:
    """Be polite until a command begins so; answer it, and do something else then."""

    async def script(peer: Peer) -> None:
        await peer.send(GREETING)
        while command := await peer.line():
            await answer(peer, command)
            if command.upper().startswith(until):
                await then(peer)
                return

    return script


def saying(octets: bytes, most: int, first: bytes = b"") -> Script:
    """Say the same again and again."""

    async def script(peer: Peer) -> None:
        await peer.send(first)
        await peer.flood(octets, most)

    return script


async def mute(peer: Peer) -> None:
    """Read, and never say a word."""
    await peer.drain()


async def deaf(peer: Peer) -> None:
    """Do nothing at all."""


async def greeting_only(peer: Peer) -> None:
    """Greet, read, and say nothing more."""
    await peer.send(GREETING)
    await peer.drain()


async def challenging(peer: Peer) -> None:
    """Ask for more, whatever the client sends."""
    await peer.send(GREETING)
    while command := await peer.line():
        hello = command.startswith(b"EHLO")
        await peer.send(_EHLO if hello else b"334 VXNlcm5hbWU6\r\n")


async def refusing_auth(peer: Peer) -> None:
    """Refuse AUTH, and say what the client sent."""
    await peer.send(GREETING)
    while command := await peer.line():
        said = _EHLO if command.startswith(b"EHLO") else b"535 5.7.8 No: %b\r\n" % command[-500:-1]
        await peer.send(said)


async def long_winded(peer: Peer) -> None:
    """Answer each command by the longest reply that is taken, and each time another."""
    await peer.send(GREETING)
    number = id(peer)
    while await peer.line():
        number += 1
        await peer.send(LONGEST_BEGINNING + b"250 %d\r\n" % number)


async def early_to_bdat(peer: Peer) -> None:
    """Answer BDAT at once, and then say what answers nothing for ever."""
    await peer.flood(b"221 2.0.0 Bye, and so on, and so on, and so on\r\n", 4_000_000)


async def tls(peer: Peer) -> None:
    """Send octets that nobody understands, and read none."""
    await peer.flood(bytes(range(256)), 20_000_000)
