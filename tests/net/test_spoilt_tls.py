"""TLS that goes wrong by rule, in the words of a client that looks: Python's smtplib and ssl."""

from __future__ import annotations

import smtplib
import socket
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from smtpproxy.encryption import MIRROR, TERMINATE
from tests.net.loopback import HOST, SECONDS, in_reactor
from tests.net.spoilt import Spoilt

#: What the client says of each, in one of these words; OpenSSL's own change with its version.
WORDS = {
    "wrong-name": ("Hostname mismatch",),
    "expired": ("certificate has expired",),
    "self-signed": ("self-signed certificate", "self signed certificate"),
    "untrusted": ("unable to get local issuer",),
    "old-version": ("protocol version", "unsupported protocol"),
    "plain-text": ("wrong version number", "record layer failure", "packet length too long"),
    "silence": ("timed out",),
    "stall": ("timed out",),
    "close": ("EOF occurred", "Connection reset", "Connection aborted"),
}
PATIENCE = {"silence": 0.5, "stall": 0.5}  # seconds of a client that waits in vain
relations = pytest.mark.parametrize("relation", [MIRROR, TERMINATE])


def starting_tls(ca: Path, patience: float = SECONDS) -> Callable[[int], str]:
    """A client that trusts this authority alone; it returns why there is no TLS, or ""."""

    def client(port: int) -> str:
        context = ssl.create_default_context(cafile=ca)
        smtp = smtplib.SMTP("localhost", port, timeout=SECONDS)
        with smtp.sock:  # type: ignore[union-attr]
            smtp.ehlo("app.example.org")
            smtp.sock.settimeout(patience)  # type: ignore[union-attr]
            try:
                smtp.starttls(context=context)
            except (OSError, smtplib.SMTPException) as error:
                return f"{type(error).__name__}: {error}"
            smtp.sock.settimeout(SECONDS)  # type: ignore[union-attr]
            smtp.sendmail("a@example.org", ["b@example.net"], "Subject: hello\r\n\r\nHi.\r\n")
        return ""

    return client


def in_plain_text(port: int) -> int:
    """A client that asks for no TLS; it returns the last code that it heard."""
    with smtplib.SMTP("localhost", port, timeout=SECONDS) as smtp:
        smtp.ehlo("app.example.org")
        smtp.sendmail("a@example.org", ["b@example.net"], "Subject: hello\r\n\r\nHi.\r\n")
        return smtp.noop()[0]


@relations
@pytest.mark.parametrize("word", WORDS)
@in_reactor
async def test_a_client_meets_it(tmp_path: Path, relation: str, word: str) -> None:
    """It says what is wrong, again and again, and others are served as ever."""
    patience = PATIENCE.get(word, SECONDS)
    async with Spoilt(tmp_path, f"STARTTLS: {word}", relation=relation) as proxy:
        for _ in range(2):
            said = (await proxy.meets(starting_tls(proxy.ca, patience))).casefold()
            assert any(words.casefold() in said for words in WORDS[word]), said
            assert await proxy.meets(in_plain_text) == 250
    first, second, *_ = proxy.watchers
    ends = {"close": "rule", "silence": "client-drop", "plain-text": "client-drop"}
    assert first.how[0].replace("reset", "drop") == ends.get(word, "tls-failed")
    assert second.how == ["quit"]
    assert ("tls", "client") not in first.notes


@relations
@in_reactor
async def test_without_a_rule_nothing_is_wrong(tmp_path: Path, relation: str) -> None:
    """The same client takes the same proxy's TLS, and sends its message."""
    async with Spoilt(tmp_path, "CONNECT: {delay: 1 ms}", relation=relation) as proxy:
        assert await proxy.meets(starting_tls(proxy.ca)) == ""
    assert ("tls", "client") in proxy.watchers[0].notes


@pytest.mark.parametrize("word", ["silence", "plain-text", "stall"])
@in_reactor
async def test_who_is_kept_waiting_does_not_keep_the_proxy(tmp_path: Path, word: str) -> None:
    """Told to stop, it closes, and the client has heard no plain text."""
    async with Spoilt(tmp_path, f"STARTTLS: {word}") as proxy:
        client = await proxy.meets(asking)
    with client:
        assert rest_of(client) in (b"", b"reset")
    assert proxy.watchers[0].how in (["shutdown"], ["tls-failed"])


def asking(port: int) -> socket.socket:
    """Connect, and ask for TLS; return the connection whose next octets are to be encrypted."""
    client = socket.create_connection((HOST, port), SECONDS)
    for command in (b"", b"EHLO app.example.org\r\n", b"STARTTLS\r\n"):
        client.sendall(command)
        heard = client.recv(4096)
        assert heard.endswith(b"\r\n"), heard
    assert heard.startswith(b"220 ")
    return client


def rest_of(client: socket.socket) -> bytes:
    """Return all that still comes, or that the connection was reset."""
    heard = b""
    try:
        while octets := client.recv(4096):
            heard += octets
    except ConnectionResetError:
        return b"reset"
    return heard


# An end that is not told.


def encrypted(ca: Path, implicit: bool) -> Callable[[int], ssl.SSLSocket]:
    """A client that is told where TLS is cut short; it returns its connection, encrypted."""
    context = ssl.create_default_context(cafile=ca)

    def client(port: int) -> ssl.SSLSocket:
        plain = socket.create_connection((HOST, port), SECONDS) if implicit else asking(port)
        wrapped = context.wrap_socket(plain, server_hostname=HOST, suppress_ragged_eofs=False)
        if implicit:
            assert wrapped.recv(4096).startswith(b"220 ")
        return wrapped

    return client


def sending(
    connect: Callable[[int], ssl.SSLSocket], commands: bytes
) -> Callable[[int], tuple[bytes, str]]:
    """A client that sends commands; it returns all that came, and how that ended."""

    def client(port: int) -> tuple[bytes, str]:
        heard = b""
        with connect(port) as connection:
            connection.sendall(commands)
            try:
                while octets := connection.recv(4096):
                    heard += octets
            except OSError as error:
                return heard, type(error).__name__
        return heard, "told"

    return client


@pytest.mark.parametrize("implicit", [False, True])
@pytest.mark.parametrize(("way", "end"), [("drop", "told"), ("no-close-notify", "SSLEOFError")])
@in_reactor
async def test_an_end_that_is_told_and_one_that_is_not(
    tmp_path: Path, implicit: bool, way: str, end: str
) -> None:
    """What was said before has reached the client either way."""
    async with Spoilt(tmp_path, f"MAIL: {way}", secure=implicit) as proxy:
        client = encrypted(proxy.ca, implicit)
        for before in (0, 3, 500):
            commands = b"NOOP\r\n" * before + b"MAIL FROM:<a@example.org>\r\n"
            heard, how = await proxy.meets(sending(client, commands))
            assert (heard.count(b"\r\n"), heard.count(b"250 "), how) == (before, before, end)


@pytest.mark.parametrize("way", ["drop", "no-close-notify"])
@in_reactor
async def test_in_plain_text_they_are_the_same(tmp_path: Path, way: str) -> None:
    """The connection ends in order."""

    def client(port: int) -> bytes:
        with socket.create_connection((HOST, port), SECONDS) as plain:
            assert plain.recv(4096).startswith(b"220 ")
            plain.sendall(b"NOOP\r\nMAIL FROM:<a@example.org>\r\n")
            return rest_of(plain)

    async with Spoilt(tmp_path, f"MAIL: {way}") as proxy:
        heard = await proxy.meets(client)
    assert heard.startswith(b"250 ")
    assert heard.count(b"\r\n") == 1


# Keywords, and conditions.


@relations
@in_reactor
async def test_keywords_that_differ_behind_tls(tmp_path: Path, relation: str) -> None:
    """smtplib sees one set of them in plain text, and another under TLS."""

    def client(port: int) -> list[dict[str, str]]:
        seen = []
        with smtplib.SMTP("localhost", port, timeout=SECONDS) as smtp:
            smtp.ehlo("app.example.org")
            seen.append(dict(smtp.esmtp_features))
            smtp.starttls(context=ssl.create_default_context(cafile=proxy.ca))
            smtp.ehlo("app.example.org")
            seen.append(dict(smtp.esmtp_features))
        return seen

    rules = (
        "EHLO: {keywords: {set: {STARTTLS: }, remove: [DSN, SIZE]}}\n  when: {tls: false}",
        "EHLO: {keywords: {set: {SIZE: 1024, AUTH: PLAIN LOGIN}}}\n  when: {tls: true}",
    )
    async with Spoilt(tmp_path, *rules, relation=relation) as proxy:
        plain, secure = await proxy.meets(client)
    assert "starttls" in plain
    assert "starttls" not in secure
    assert not {"dsn", "size"} & set(plain)
    assert (secure["size"], secure["auth"].split()) == ("1024", ["PLAIN", "LOGIN"])


@relations
@in_reactor
async def test_starttls_is_refused(tmp_path: Path, relation: str) -> None:
    """The client hears the rule's code, and goes on in plain text."""

    def client(port: int) -> tuple[tuple[int, bytes], int]:
        with smtplib.SMTP("localhost", port, timeout=SECONDS) as smtp:
            smtp.ehlo("app.example.org")
            return smtp.docmd("STARTTLS"), smtp.noop()[0]

    async with Spoilt(tmp_path, "STARTTLS: 454", relation=relation) as proxy:
        refused, then = await proxy.meets(client)
    assert refused == (454, b"4.7.0 TLS not available due to temporary reason")
    assert then == 250


@relations
@in_reactor
async def test_a_slow_line_is_slow_under_tls(relation: str, tmp_path: Path) -> None:
    """A handshake of its own, a message, and a client that lacks nothing; as late as it must be."""
    rule = "CONNECT: {latency: 20 ms, bandwidth: {to-client: 2 KiB/s, to-upstream: 64 KiB/s}}"
    async with Spoilt(tmp_path, rule, relation=relation) as proxy:
        client = starting_tls(proxy.ca)

        def timed(port: int) -> tuple[str, float]:
            began = time.monotonic()
            return client(port), time.monotonic() - began

        words, seconds = await proxy.meets(timed)
    assert words == ""
    # Two EHLOs, MAIL, RCPT, DATA and its end: each waits twice 20 ms.
    assert 6 * 0.04 <= seconds <= 5


@in_reactor
async def test_a_slow_line_is_slow_with_tls_from_the_first_octet_on(tmp_path: Path) -> None:
    """The goodbye of the server arrives, and behind it the end of TLS."""

    def client(port: int) -> tuple[bytes, float]:
        context = ssl.create_default_context(cafile=tmp_path / "ca.pem")
        with (
            socket.create_connection((HOST, port), SECONDS) as plain,
            context.wrap_socket(
                plain, server_hostname="localhost", suppress_ragged_eofs=False
            ) as connection,
        ):
            began, heard = time.monotonic(), connection.recv(4096)
            connection.sendall(b"NOOP\r\n" * 20 + b"QUIT\r\n")
            while octets := connection.recv(4096):  # raises where there is no close_notify
                heard += octets
            return heard, time.monotonic() - began

    rule = "CONNECT: {latency: {to-client: 100 ms}, bandwidth: {to-client: 1 KiB/s}}"
    async with Spoilt(tmp_path, rule, secure=True) as proxy:
        heard, seconds = await proxy.meets(client)
    assert heard.count(b"\r\n250 ") == 20
    assert b"\r\n221 " in heard
    assert heard.endswith(b"\r\n")
    assert seconds >= 0.1 + (len(heard) - 100) / 1024
