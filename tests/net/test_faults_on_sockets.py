"""Each fault on the client's side, as clients on real sockets meet it: one row a fault."""

from __future__ import annotations

import smtplib
import socket
import time
from collections.abc import Callable
from typing import NamedTuple

import pytest

from tests.net.faulty import Faulty
from tests.net.loopback import HOST, SECONDS, in_reactor

PATIENCE = 0.4  # seconds after which a client that hears nothing takes it for silence
OK = b"250 2.1.0 Ok\r\n"
MAIL = b"MAIL FROM:<a@example.org>\r\n"


class Met(NamedTuple):
    """What a client got of a connection: each segment, and how it ended."""

    pieces: list[bytes]
    end: str  # open, closed or reset
    seconds: float

    @property
    def heard(self) -> bytes:
        """All that came."""
        return b"".join(self.pieces)


def listen(connection: socket.socket) -> Met:
    """Take what comes until the connection ends, or nothing comes any more."""
    began, pieces, end = time.monotonic(), [], "open"
    connection.settimeout(PATIENCE)
    try:
        while octets := connection.recv(1 << 20):
            pieces.append(octets)
        end = "closed"
    except TimeoutError:
        pass
    except ConnectionResetError:
        end = "reset"
    return Met(pieces, end, time.monotonic() - began)


def saying(octets: bytes) -> Callable[[int], Met]:
    """A client that is greeted, and then sends this, all at once; b"": it is not greeted."""

    def client(port: int) -> Met:
        try:
            connection = socket.create_connection((HOST, port), SECONDS)
        except ConnectionResetError:  # as quickly as that
            return Met([], "reset", 0.0)
        with connection:
            if octets:
                assert connection.recv(4096).startswith(b"220 ")
                connection.sendall(octets)
            return listen(connection)

    return client


class Row(NamedTuple):
    """A rule, what the client sends, and what it then gets: pieces of it, or all, and the end."""

    rule: str
    sent: bytes
    pieces: list[bytes] | bytes
    end: str = "open"


SPOILT = {
    "code-only": b"250\r\n",
    "no-crlf": b"250 2.1.0 Ok",
    "bare-lf": b"250 2.1.0 Ok\n",
    "bare-cr": b"250 2.1.0 Ok\r",
    "mixed-codes": b"451-2.1.0 Ok\r\n550-2.1.0 Ok\r\n250 2.1.0 Ok\r\n",
    "stray-line": b"This line has no code.\r\n250 2.1.0 Ok\r\n",
    "endless": b"250-2.1.0 Ok\r\n" * 10_000,
    "long-line": b"250 2.1.0 Ok".ljust(5000, b"x") + b"\r\n",
    "8-bit": b"250 2.1.0 Ok Gr\xfc\xdfe \xff\xfe\r\n",
    "nul": b"250 2.1.0 Ok \0 \0\r\n",
    "wrong-class": b"354 2.1.0 Ok\r\n",
    "contradicting": b"250 5.7.1 Ok\r\n",
}
GROUP = MAIL + b"RCPT TO:<b@example.net>\r\nNOOP\r\n"
ROWS = {
    "edit": Row(
        "MAIL: {edit: {code: 252, text: Sure}, upstream: forward}", MAIL, b"252 2.1.0 Sure\r\n"
    ),
    "raw": Row(r"MAIL: {raw: '25\0\n\xff'}", MAIL, b"25\0\n\xff"),
    **{way: Row(f"MAIL: {{malformed: {way}}}", MAIL, octets) for way, octets in SPOILT.items()},
    "silence": Row("MAIL: silence", MAIL + b"NOOP\r\n", b""),
    "silence at CONNECT": Row("CONNECT: silence", b"", b""),
    "drop": Row("MAIL: drop", MAIL, b"", "closed"),
    "reset": Row("MAIL: reset", MAIL, b"", "reset"),
    "reset at CONNECT": Row("CONNECT: reset", b"", b"", "reset"),
    "half-close": Row("MAIL: half-close", MAIL, b"", "closed"),
    "dribble": Row("MAIL: {dribble: 20 ms}", MAIL, [OK[at : at + 1] for at in range(len(OK))]),
    "cut in the code": Row("MAIL: {cut: {at: code, pause: 50 ms}}", MAIL, [OK[:1], OK[1:]]),
    "cut in CRLF": Row("MAIL: {cut: {at: crlf, pause: 50 ms}}", MAIL, [OK[:-1], OK[-1:]]),
    "cut before the final line": Row(
        'MAIL: {reply: "250 a\\nb", cut: {at: final-line, pause: 50 ms}}',
        *(MAIL, [b"250-a\r\n", b"250 b\r\n"]),
    ),
    "cut off": Row("MAIL: {cut: {at: 5, pause: 50 ms, then: drop}}", MAIL, [OK[:5]], "closed"),
    "cut off by RST": Row(
        "MAIL: {cut: {at: 5, pause: 50 ms, then: reset}}", MAIL, [OK[:5]], "reset"
    ),
    "cut off in silence": Row("MAIL: {cut: {at: 5, pause: 50 ms, then: silence}}", MAIL, [OK[:5]]),
    "coalesce": Row("MAIL: {coalesce: true}", GROUP, [OK + b"250 2.1.5 Ok\r\n250 2.0.0 Ok\r\n"]),
    "idle": Row(
        "MAIL: {idle: {after: 50 ms, reply: 421 Bye}}", MAIL, [OK, b"421 Bye\r\n"], "closed"
    ),
    "edited goodbye": Row(
        "MAIL: {edit: {code: 421, enhanced: none, text: Bye}, upstream: forward}",
        *(MAIL, b"421 Bye\r\n", "closed"),
    ),
    "raw goodbye": Row(r"MAIL: {raw: '421 Bye\r\n'}", MAIL, b"421 Bye\r\n", "closed"),
    "malformed goodbye": Row(
        "MAIL: {reply: 421, malformed: code-only}", MAIL, b"421\r\n", "closed"
    ),
}


@pytest.mark.parametrize("name", ROWS)
@in_reactor
async def test_a_client_gets_it(name: str) -> None:
    """Segment for segment where that matters, else octet for octet; others are served as ever."""
    row = ROWS[name]
    async with Faulty(row.rule) as proxy:
        met = await proxy.meets(saying(row.sent))
        if isinstance(row.pieces, bytes):
            assert met.heard == row.pieces
        else:
            assert met.pieces == row.pieces
        assert met.end == row.end


REWRITING = (
    "EHLO: {rewrite: {hello: other.example.org}}",
    "MAIL: {rewrite: {sender: ''}}",
    "RCPT b@*: {rewrite: {recipient: other@example.net}}",
)


@in_reactor
async def test_upstream_is_told_other_words() -> None:
    """smtplib sends two messages, and all is well; upstream has them from and for another."""

    def client(port: int) -> None:
        with smtplib.SMTP(HOST, port, "app.example.org", timeout=SECONDS) as smtp:
            for _ in range(2):
                assert not smtp.sendmail("a@example.org", ["b@example.net", "c@example.net"], "Hi")

    async with Faulty(*REWRITING) as proxy:
        await proxy.meets(client)
        mail = [b"mail FROM:<> size=2\r\n", b"rcpt TO:<other@example.net>\r\n"]
        mail += [b"rcpt TO:<c@example.net>\r\n", b"data\r\n"]
        assert proxy.asked == [b"ehlo other.example.org\r\n", *mail, *mail, b"QUIT\r\n"]


class Changed(NamedTuple):
    """A rule at DATA, and what upstream has of each message; `heard`: how the client fares."""

    rule: str
    wire: bytes
    heard: int = 250


LETTER = b"Subject: hello\r\nDKIM-Signature: a;\r\n b\r\n\r\n..\r\nBye.\r\n"
STUFFED = LETTER.replace(b"\r\n.", b"\r\n..")
CHANGES = {
    "mid-data": Changed("{mid-data: {after: 20, reply: 421}}", STUFFED[:20], 421),
    "mid-data beyond": Changed("{mid-data: {after: 10 KiB, reply: 421}}", STUFFED + b".\r\n"),
    "truncate": Changed("{truncate: 10}", b"Subject: h\r\n.\r\n"),
    "header": Changed(
        "{header: {add: {X-Test: yes}, set: {Subject: other}, remove: [dkim-signature]}}",
        b"Subject: other\r\nX-Test: yes\r\n\r\n...\r\nBye.\r\n.\r\n",
    ),
    "duplicate": Changed("{duplicate: 3}", STUFFED + b"...\r\n.\r\n"),
    "two of them": Changed(
        "{truncate: 16, header: {set: {Subject: other}}}", b"Subject: other\r\n.\r\n"
    ),
}


def letters(port: int) -> int:
    """A client that sends the same message twice in one session; return what it hears at last."""
    with smtplib.SMTP(HOST, port, "app.example.org", timeout=SECONDS) as smtp:
        for _ in range(2):
            try:
                smtp.sendmail("a@example.org", ["b@example.net"], LETTER)
            except smtplib.SMTPDataError as error:
                return error.smtp_code
    return 250


@pytest.mark.parametrize("name", CHANGES)
@in_reactor
async def test_upstream_gets_another_message(name: str) -> None:
    """smtplib sends two, and hears what it should; SIZE= is told where it is true alone."""
    row = CHANGES[name]
    async with Faulty(f"DATA: {row.rule}") as proxy:
        assert await proxy.meets(letters) == row.heard
        assert b"".join(proxy.data) == row.wire * (2 if row.heard == 250 else 1)
        (mail, *_) = [wire for wire in proxy.asked if wire.startswith(b"mail")]
        size = b" size=%d" % len(LETTER) if "mid-data" in name else b""
        assert mail == b"mail FROM:<a@example.org>%b\r\n" % size


@in_reactor
async def test_upstream_gets_wrong_octets() -> None:
    """smtplib hears that all is well; three octets of each message are wrong, and no line end."""
    async with Faulty("DATA: {corrupt: {octets: 3}}") as proxy:
        assert await proxy.meets(letters) == 250
        assert b" size=%d\r\n" % len(LETTER) in b"".join(proxy.asked)
    came = b"".join(proxy.data)
    message = STUFFED + b".\r\n"
    assert len(came) == 2 * len(message)
    wrong = [at for at, octet in enumerate(came) if octet != (message * 2)[at]]
    assert [at // len(message) for at in wrong] == [0, 0, 0, 1, 1, 1]
    assert not {(message * 2)[at] for at in wrong} & set(b"\r\n")


class Lateness(NamedTuple):
    """A delay, and the seconds between which its reply comes."""

    value: str
    least: float
    most: float


@pytest.mark.parametrize(
    "delay",
    [
        Lateness("200 ms", 0.2, 0.4),
        Lateness("{from: 100 ms, to: 200 ms}", 0.1, 0.4),
        Lateness("{mean: 200 ms, deviation: 10 ms}", 0.1, 0.4),
        Lateness("{median: 200 ms, p95: 210 ms}", 0.1, 0.4),
    ],
)
@in_reactor
async def test_a_delay_is_waited_for(delay: Lateness) -> None:
    """smtplib hears its reply, and not before."""

    def client(port: int) -> tuple[int, float]:
        with smtplib.SMTP(HOST, port, timeout=SECONDS) as smtp:
            began = time.monotonic()
            return smtp.noop()[0], time.monotonic() - began

    async with Faulty(f"NOOP: {{delay: {delay.value}}}") as proxy:
        code, seconds = await proxy.meets(client)
    assert code == 250
    assert delay.least <= seconds <= delay.most + 1  # a machine may be busy


@pytest.mark.parametrize(
    ("lines", "least"),
    [
        ("bandwidth: {to-client: 140 B/s}", 10 * 14 / 140),  # ten replies of 14 octets
        ("bandwidth: {to-upstream: 60 B/s}", 10 * 6 / 60),  # ten commands of 6
        ("latency: {to-client: 50 ms}", 10 * 0.05),
        ("latency: {to-upstream: 50 ms}", 10 * 0.05),
        ("latency: 30 ms", 10 * 0.06),
    ],
)
@in_reactor
async def test_a_slow_line_takes_its_time(lines: str, least: float) -> None:
    """smtplib hears each answer, and none of them sooner than can be."""

    def client(port: int) -> tuple[set[int], float]:
        with smtplib.SMTP(HOST, port, timeout=SECONDS) as smtp:
            began = time.monotonic()
            codes = {smtp.noop()[0] for _ in range(10)}
            return codes, time.monotonic() - began

    async with Faulty(f"CONNECT: {{{lines}}}") as proxy:
        codes, seconds = await proxy.meets(client)
    assert codes == {250}
    assert least - 0.01 <= seconds <= least + 1  # a machine may be busy


@in_reactor
async def test_what_is_sent_together_is_under_way_together() -> None:
    """A group of commands takes the latency once, and each message comes whole."""

    def client(port: int) -> tuple[int, float, dict[str, tuple[int, bytes]]]:
        with socket.create_connection((HOST, port), SECONDS) as connection:
            assert connection.recv(4096).startswith(b"220 ")
            began = time.monotonic()
            connection.sendall(b"NOOP\r\n" * 50 + b"QUIT\r\n")
            heard = listen(connection).heard
            seconds = time.monotonic() - began
        with smtplib.SMTP(HOST, port, timeout=SECONDS) as smtp:
            message = ("x" * 70 + "\r\n") * 5000
            refused = smtp.sendmail("a@example.org", ["b@example.net"], message)
        return heard.count(b"250 "), seconds, refused

    async with Faulty("CONNECT: {latency: 100 ms, bandwidth: 1 MiB/s}") as proxy:
        answers, seconds, refused = await proxy.meets(client)
    assert (answers, refused) == (50, {})
    assert 0.2 <= seconds <= 5  # one by one it would be 10


@in_reactor
async def test_smtplib_takes_an_edit_for_upstreams_word() -> None:
    """It raises what it would raise, and its session goes on."""

    def client(port: int) -> tuple[int, bytes, int]:
        with smtplib.SMTP(HOST, port, timeout=SECONDS) as smtp:
            smtp.ehlo("app.example.org")
            with pytest.raises(smtplib.SMTPSenderRefused) as caught:
                smtp.sendmail("a@example.org", ["b@example.net"], "Hi.\r\n")
            text = caught.value.smtp_error
            return caught.value.smtp_code, bytes(text), smtp.noop()[0]

    rule = "MAIL: {edit: {code: 451, enhanced: 4.7.1, text: [One, Two]}, upstream: forward}"
    async with Faulty(rule) as proxy:
        assert await proxy.meets(client) == (451, b"4.7.1 One\n4.7.1 Two", 250)


@in_reactor
async def test_what_is_sent_behind_a_half_close_arrives() -> None:
    """The client hears the end, sends on, and upstream answers what nobody hears."""

    def client(port: int) -> bytes:
        with socket.create_connection((HOST, port), SECONDS) as connection:
            assert connection.recv(4096).startswith(b"220 ")
            connection.sendall(MAIL)
            assert connection.recv(4096) == b""
            connection.sendall(b"RCPT TO:<b@example.net>\r\n")
            time.sleep(0.2)  # nothing that comes tells of its arrival
            return connection.recv(4096)

    async with Faulty("MAIL: half-close") as proxy:
        assert await proxy.meets(client) == b""
        (watcher,) = proxy.watchers
    assert ("RCPT", None) in watcher.exchanges


@pytest.mark.parametrize(("value", "replies"), [("short: 1", 1), ("extra: 1", 3)])
@in_reactor
async def test_lmtp_has_too_few_replies_or_too_many(value: str, replies: int) -> None:
    """A message for two has that many."""
    message = b"RCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n"

    def client(port: int) -> Met:
        with socket.create_connection((HOST, port), SECONDS) as connection:
            connection.sendall(b"LHLO app.example.org\r\n" + MAIL + message)
            while b"354 " not in connection.recv(4096):
                pass
            connection.sendall(b"Hi.\r\n.\r\n")
            return listen(connection)

    async with Faulty(f"END-OF-DATA: {{replies: {{{value}}}}}", lmtp=True) as proxy:
        met = await proxy.meets(client)
    assert (met.heard.count(b"250 2.0.0 Ok: message"), met.end) == (replies, "open")


# Nobody can connect for a time.

CLOSED = "{CONNECT: {refuse: 400 ms}, times: {first: 1}}"


def connects(port: int) -> str:
    """A client that says how its connection fares."""
    try:
        with socket.create_connection((HOST, port), SECONDS) as connection:
            return connection.recv(4096)[:3].decode() or "closed"
    except ConnectionRefusedError:
        return "refused"
    except ConnectionResetError:
        return "reset"


@in_reactor
async def test_connections_are_refused_for_a_time() -> None:
    """This port's, by the kernel; another's are not, and when it is over all is as before."""
    async with Faulty(CLOSED) as proxy:
        assert await proxy.meets(connects) == "reset"
        assert await proxy.meets(connects) == "refused"
        assert await proxy.meets(connects, proxy.other) == "220"

        def patiently(port: int) -> str:
            time.sleep(0.6)
            return connects(port)

        assert await proxy.meets(patiently) == "220"


@in_reactor
async def test_the_proxy_stops_while_its_port_is_closed() -> None:
    """It waits for no time to be over, and does not open again."""
    async with Faulty(CLOSED.replace("400 ms", "1 h")) as proxy:
        assert await proxy.meets(connects) == "reset"
        assert await proxy.meets(connects) == "refused"
    assert connects(proxy.port) == "refused"
    assert connects(proxy.other) == "refused"
