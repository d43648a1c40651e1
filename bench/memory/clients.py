"""The clients: those that mean no good. Each plays one connection, from the greeting on."""

from __future__ import annotations

import asyncio
from itertools import product

from bench.memory.peer import Peer
from bench.memory.upstreams import Script

_DEAF = 8.0  # seconds
MAIL = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n"


def flooding(octets: bytes, most: int, first: bytes = b"", reads: bool = True) -> Script:
    """Say something, then the same octets again and again; a client that reads does so then."""

    async def script(peer: Peer) -> None:
        await peer.line()
        await peer.send(first)
        await peer.flood(octets, most)
        if reads:
            await peer.drain(1.0)

    return script


def at_once(octets: bytes, most: int) -> Script:
    """Do not wait for the greeting: send the same octets again and again, and read nothing."""

    async def script(peer: Peer) -> None:
        await peer.flood(octets, most)

    return script


async def polite(peer: Peer) -> None:
    """Send a message."""
    await peer.line()
    for command in (b"EHLO app.example.org", *MAIL.splitlines(), b"DATA"):
        await peer.ask(command)
    await peer.ask(b"Subject: hello\r\n\r\nHello!\r\n.")
    await peer.ask(b"QUIT")


async def reader(peer: Peer) -> None:
    """Say hello, and then only read."""
    await peer.line()
    await peer.send(b"EHLO app.example.org\r\n")
    await peer.drain(2.0)


async def deaf(peer: Peer) -> None:
    """Say hello, and then neither read nor write, until upstream has had time to say much."""
    await peer.line()
    await peer.send(b"EHLO app.example.org\r\n")
    await asyncio.sleep(_DEAF)


async def slow(peer: Peer) -> None:
    """Send commands and mail data one octet at a time."""
    await peer.line()
    dialogue = b"NOOP " + b"x" * 2000 + b"\r\n" + MAIL + b"DATA\r\n" + b"." * 2000
    for octet in dialogue:
        await peer.send(bytes((octet,)))


def mail_data(octets: bytes, most: int, reads: bool = True) -> Script:
    """Be told 354, and send the same octets again and again without an end."""

    async def script(peer: Peer) -> None:
        await peer.line()
        for command in (b"EHLO app.example.org", *MAIL.splitlines(), b"DATA"):
            await peer.ask(command)
        await peer.flood(octets, most)
        if reads:
            await peer.ask(b"\r\n.")
            await peer.drain(1.0)

    return script


def forms() -> bytes:
    """Return look-alikes of the end of mail data, each of another form."""
    invisible = (b"\0", b" ", b"\t", b"\x0b")
    lines = (
        b"\n%b.%b" % (b"".join(before), b"".join(after))
        for before in product(invisible, repeat=4)
        for after in product(invisible, repeat=4)
    )
    return b"".join(lines) + b"\n"


async def secrets(peer: Peer) -> None:
    """Give other credentials in each continuation, as long as a line may be."""
    await peer.line()
    await peer.ask(b"EHLO app.example.org")
    await peer.ask(b"AUTH LOGIN")
    for number in range(100):
        await peer.ask(b"%04d" % number * 3000)


async def unknown_verbs(peer: Peer) -> None:
    """Be refused, and send credentials as if they were commands."""
    await peer.line()
    await peer.ask(b"EHLO app.example.org")
    await peer.ask(b"AUTH PLAIN AGEAYg==")
    for number in range(200):
        await peer.ask(b"X" + b"%04d" % number * 500)


def recipients(number: int, width: int, hello: bytes = b"EHLO") -> Script:
    """Name so many recipients in one go, then read all replies."""

    async def script(peer: Peer) -> None:
        await peer.line()
        await peer.ask(hello + b" app.example.org")
        await peer.ask(b"MAIL FROM:<a@example.org>")
        for begin in range(0, number, 100):
            named = (b"%0*d@example.net" % (width, n) for n in range(begin, begin + 100))
            await peer.send(b"".join(b"RCPT TO:<%b>\r\n" % one for one in named))
            for _ in range(100):
                await peer.reply()
        await peer.ask(b"DATA")
        await peer.ask(b"Hi\r\n.")

    return script


def noops(number: int) -> Script:
    """Send so many commands in one go again and again, and read each reply."""

    async def script(peer: Peer) -> None:
        await peer.line()
        await peer.ask(b"EHLO app.example.org")
        for _ in range(number // 100):
            await peer.send(b"NOOP\r\n" * 100)
            for _ in range(100):
                await peer.reply()

    return script


async def opaque(peer: Peer) -> None:
    """Begin TLS, and send octets that nobody understands; read none."""
    await peer.line()
    await peer.ask(b"EHLO app.example.org")
    await peer.ask(b"STARTTLS")
    await peer.flood(bytes(range(256)), 20_000_000)


async def huge_chunk(peer: Peer) -> None:
    """Announce a chunk of a terabyte, and send a little of it; then wait."""
    await peer.line()
    await peer.ask(b"EHLO app.example.org")
    await peer.send(MAIL + b"BDAT 1000000000000\r\n" + b"x" * 1000)
    await peer.drain()


async def restless(peer: Peer) -> None:
    """Send short commands of which each has a long reply."""
    await peer.line()
    for _ in range(30):
        await peer.ask(b"NOOP")
