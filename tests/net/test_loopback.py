"""The proxy on real sockets: large mail, slow peers, and every way to end."""

from __future__ import annotations

import signal

import pytest

from smtpproxy.place import Ends, Place
from tests.net.loopback import HOST, Loopback, in_reactor, relays

GREETING = "S: 220 mail.example.org ESMTP"
TO_DATA = """
S: 220 mail.example.org ESMTP
C: EHLO app.example.org
S: 250 mail.example.org
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.net>
S: 250 2.1.5 Ok
C: DATA
S: 354 go on
"""
QUIT = """
C: QUIT
S: 221 2.0.0 Bye
"""
TEN_MB = 10 * 1000 * 1000
# Kernel buffers of both sockets, a queue and a read: far less than the message.
BOUND = 1024 * 1024


@pytest.fixture(autouse=True)
def signals_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    """The service takes no signal of this process."""
    monkeypatch.setattr(signal, "signal", lambda number, action: None)


def _message(size: int) -> bytes:
    """Return mail data with all octets, dots at every place in a line, and a final dot."""
    lines = [bytes(byte for byte in range(256) if byte not in b"\r\n"), b"..", b".. x", b"", b"x."]
    piece = b"\r\n".join(lines) + b"\r\n"
    return piece * (size // len(piece)) + b".\r\n"


@in_reactor
async def test_ten_megabytes_to_an_upstream_that_reads_slowly() -> None:
    """Every octet arrives, in order, and at no time does the proxy hold much of it."""
    message = _message(TEN_MB)
    async with Loopback() as proxy:
        client, upstream = await proxy.pair()
        await relays(client, upstream, TO_DATA)
        (watcher,) = proxy.watchers
        held: list[int] = []
        upstream.read = lambda: held.append(watcher.passed - len(upstream.heard))
        upstream.pause = 0.001
        client.says(message)
        await upstream.until(lambda: len(upstream.heard) >= len(message))
        assert upstream.heard == message
        assert max(held) < BOUND
        assert len(held) > 20  # it was slow, indeed
        upstream.heard.clear()
        upstream.pause = 0
        await relays(client, upstream, "S: 250 2.0.0 Ok: queued" + QUIT)


@in_reactor
async def test_pipelined_commands_in_one_segment() -> None:
    """What is sent in one go arrives in order, and so do the answers (RFC 2920)."""
    async with Loopback() as proxy:
        client, upstream = await proxy.pair()
        await relays(client, upstream, GREETING)
        commands = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
        answers = b"250 2.1.0 Ok\r\n550 5.1.1 No\r\n554 5.5.1 No valid recipients\r\n"
        client.says(commands)
        await upstream.hears(commands)
        upstream.says(answers)
        await client.hears(answers)
        await relays(client, upstream, QUIT)


@in_reactor
async def test_a_client_knows_nothing_before_its_header() -> None:
    """Behind another proxy the greeting follows the header, though nothing follows that."""
    async with Loopback("haproxy:tcp") as proxy:
        client = await proxy.connect()
        client.says(b"PROXY TCP4 203.0.113.9 198.51.")
        early = await proxy.connect()  # once it is greeted, the proxy has read the other's octets
        early.says(b"PROXY UNKNOWN\r\n")
        await relays(early, await proxy.accepted(), GREETING)
        assert [ends.source.host for ends in proxy.ends] == [HOST]
        client.says(b"100.1 50000 25\r\n")
        await relays(client, await proxy.accepted(), GREETING + QUIT)
        assert proxy.ends[1] == Ends(Place("203.0.113.9", 50000), Place("198.51.100.1", 25))
        stranger = await proxy.connect()
        stranger.says(b"EHLO app.example.org\r\n")
        await stranger.hears_the_end("reset")


@in_reactor
async def test_a_client_that_half_closes_after_quit() -> None:
    """It hears the answer to QUIT, and both connections end in order."""
    async with Loopback() as proxy:
        client, upstream = await proxy.pair()
        await relays(client, upstream, GREETING)
        client.says(b"QUIT\r\n")
        client.half_closes()
        await upstream.hears(b"QUIT\r\n")
        await upstream.hears_the_end("half-closed")
        upstream.says(b"221 2.0.0 Bye\r\n")
        upstream.closes()
        await client.hears(b"221 2.0.0 Bye\r\n")
        await client.hears_the_end("half-closed")
        client.closes()
    assert proxy.watchers[0].how == ["quit"]


@in_reactor
async def test_an_upstream_that_drops_in_the_middle_of_a_reply() -> None:
    """The client gets what there was of the reply, and then the end."""
    async with Loopback() as proxy:
        client, upstream = await proxy.pair()
        await relays(client, upstream, GREETING)
        client.says(b"EHLO app.example.org\r\n")
        await upstream.hears(b"EHLO app.example.org\r\n")
        upstream.says(b"250-mail.example.org\r\n250-PIPE")
        upstream.closes()
        await client.hears(b"250-mail.example.org\r\n250-PIPE")
        await client.hears_the_end("half-closed")
        client.closes()
        await client.until(lambda: client.ends[-1] == "closed")


@in_reactor
async def test_a_client_that_resets_in_the_middle_of_mail_data() -> None:
    """Upstream is reset, too: it can't take the message for a whole one."""
    async with Loopback() as proxy:
        client, upstream = await proxy.pair()
        await relays(client, upstream, TO_DATA)
        client.says(b"Subject: half\r\n")
        await upstream.hears(b"Subject: half\r\n")
        client.resets()
        await upstream.hears_the_end("reset")
        assert proxy.watchers[0].how == ["client-reset"]


@in_reactor
async def test_an_upstream_that_resets() -> None:
    """The client is reset where upstream was."""
    async with Loopback() as proxy:
        client, upstream = await proxy.pair()
        await relays(client, upstream, GREETING)
        upstream.resets()
        await client.hears_the_end("reset")


@in_reactor
async def test_an_upstream_that_refuses() -> None:
    """Where nobody listens the client hears 421 and the end, and the reason is noted."""
    async with Loopback() as proxy:
        await proxy.stop_upstream()
        client = await proxy.connect()
        await client.until(lambda: bool(client.ends))
        assert client.heard.startswith(b"421 ")
        assert client.heard.count(b"\r\n") == 1
        assert client.ends[0] in ("half-closed", "closed")
        facts = [fact for fact, _ in proxy.watchers[0].notes]
        assert facts == ["upstream-unreachable"]


@in_reactor
async def test_stopping_while_a_message_is_under_way() -> None:
    """A session in a transaction goes on to its end while an idle one hears 421."""
    async with Loopback() as proxy:
        busy, upstream = await proxy.pair()
        await relays(busy, upstream, TO_DATA)
        idle, idle_upstream = await proxy.pair()
        await relays(idle, idle_upstream, GREETING)
        stopped = proxy.service.stop()
        await idle_upstream.hears_the_end("half-closed")
        await idle.until(lambda: bool(idle.ends))
        assert idle.heard.startswith(b"421 ")
        assert not stopped.called
        await relays(busy, upstream, "C: Hi.\nC: .\nS: 250 2.0.0 Ok" + QUIT)
        upstream.closes()
        await busy.hears_the_end("half-closed")
        busy.closes()
        await busy.until(lambda: busy.ends[-1] == "closed")
    assert proxy.watchers[0].how == ["quit"]
    assert proxy.watchers[1].how == ["shutdown"]
