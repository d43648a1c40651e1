"""The proxy as it is run, and peers that mean no good: by the options that are there for them."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.programs import HOST, SECONDS, serving
from tests.talk import Client

SMUGGLED = (
    b"EHLO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
    b"Hi\n.\nMAIL FROM:<x@example.com>\r\n.\r\nQUIT\r\n"
)


def test_a_look_alike_is_refused_on_demand(tmp_path: Path) -> None:
    """`--on-anomaly refuse` reaches the relay: the client hears 554, and the session ends."""
    choice = ("--on-anomaly", "look-alike-end=refuse")
    with (
        serving(tmp_path, "--upstream", "sink:", *choice) as proxy,
        socket.create_connection((HOST, proxy.port), SECONDS) as client,
    ):
        client.sendall(SMUGGLED)
        heard = client.makefile("rb").read()
    assert heard.endswith(b"\r\n554 5.6.0 Message refused: look-alike-end\r\n")


def test_a_silent_client_is_told_to_go(tmp_path: Path) -> None:
    """`--idle-timeout` reaches the session: a client that says nothing hears 421."""
    with (
        serving(tmp_path, "--upstream", "sink:", "--idle-timeout", "1") as proxy,
        Client(proxy.port) as client,
    ):
        client.play("S: 220 ...\nS: 421 ...")
        client.hears_the_end()


def test_an_upstream_that_never_greets(tmp_path: Path) -> None:
    """`--greeting-timeout` reaches the session: the client of a mute upstream hears 421."""
    with socket.create_server((HOST, 0)) as mute:
        upstream = f"{HOST}:{mute.getsockname()[1]}"
        with (
            serving(tmp_path, "--upstream", upstream, "--greeting-timeout", "1") as proxy,
            Client(proxy.port) as client,
        ):
            client.play("S: 421 ...")
            client.hears_the_end()


def test_a_million_noops_from_a_client_that_never_reads(tmp_path: Path) -> None:
    """The proxy stops reading such a client, and its memory does not grow by a megabyte."""
    with serving(tmp_path, "--upstream", "sink:") as proxy:
        before = resident(proxy.pid)
        with socket.create_connection((HOST, proxy.port), SECONDS) as client:
            client.settimeout(1)
            sent = 0
            octets = b"NOOP\r\n" * 10_000
            try:
                for _ in range(100):
                    sent += client.send(octets)
            except TimeoutError:
                pass
            assert sent < 6_000_000, "the client was read on and on"
            assert resident(proxy.pid) - before < 1024


def test_two_thousand_recipients_at_once(tmp_path: Path) -> None:
    """Two thousand RCPTs in one go all pass, for a client that reads."""
    with (
        serving(tmp_path, "--upstream", "sink:") as proxy,
        socket.create_connection((HOST, proxy.port), SECONDS) as client,
    ):
        replies = client.makefile("rb")
        recipients = b"".join(b"RCPT TO:<u%d@example.net>\r\n" % number for number in range(2000))
        client.sendall(b"HELO x\r\nMAIL FROM:<a@example.org>\r\n" + recipients + b"QUIT\r\n")
        codes = [line[:3] for line in replies]
    assert codes == [b"220", b"250", b"250", *[b"250"] * 2000, b"221"]


def resident(pid: int) -> int:
    """Return a process's resident memory in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0])
