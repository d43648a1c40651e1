"""Where everything is put together: options taken, services wired, refusals in one line."""

from __future__ import annotations

import io
import json
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock

from smtpproxy.settings import OPTIONS
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from smtpproxy.tap import Options, Proxy, build
from tests.net.transports import Socket
from tests.recording import CASSETTE

RULES = "smtpproxy-rules: 1\nrules:\n- RCPT: '%d Not today'\n"
TORN = CASSETTE[: CASSETTE.index('"250 2.1.0')] + '"250 2.1.0\n'
FILES = {
    "kept.yaml": CASSETTE,
    "torn.yaml": TORN,
    "rules.yaml": RULES.replace("RCPT", "RCTP"),
    "login": "user: bob\npassword: of bob's\n",
    "config.yaml": "upstream: 'sink:'\nlog-fromat: json\n",
}

# What is asked, and what the one line must have in it.
REFUSED: list[tuple[str, list[str]]] = [
    ("--upstream sink: --mode repaly", ["'repaly'", "did you mean 'replay'?"]),
    ("--upstream sink: --log-format jsno", ["'jsno'", "did you mean 'json'?"]),
    ("--mode relay", ["--upstream"]),
    ("--mode replay --cassette kept.yaml --match verb,mesage", ["--match", "'message'?"]),
    ("--mode replay --cassette kept.yaml --ignore a@b", ["--ignore", "'a@b'", "NOTIFY"]),
    ("--mode replay --cassette kept.yaml --on-miss 250", ["--on-miss", "'250'", "4xx or 5xx"]),
    ("--upstream sink: --report -", ["--report -", "a file"]),
    ("--upstream sink: --report missing/r.json", ["--report missing/r.json", "folder"]),
    ("--mode replay --cassette kept.yaml --on-miss No", ["--on-miss", "'No'", "code"]),
    ("--upstream sink: --mode record", ["--cassette"]),
    ("--mode replay", ["--cassette"]),
    ("--upstream sink: --mode once", ["--cassette"]),
    ("--upstream sink: --cassette kept.yaml", ["--mode", "record"]),
    ("--upstream sink: --drain soon", ["--drain", "seconds", "'soon'"]),
    ("--upstream sink: --max-connections many", ["--max-connections", "'many'", "from 1"]),
    ("--upstream 192.0.2.1 --connect-timeout soon", ["--connect-timeout", "'soon'"]),
    ("--upstream 192.0.2.1 --connect-timeout 0", ["--connect-timeout", "more than 0"]),
    ("--upstream http://mail.example.org", ["--upstream", "smtp://HOST"]),
    ("--upstream tcp:mail.example.org", ["--upstream", "port"]),
    ("--upstream 192.0.2.1 --upstream-proxy-protocol v3", ["'v3'", "v1 or v2"]),
    ("--upstream sink: --protocol lmpt", ["'lmpt'", "smtp or lmtp", "did you mean 'lmtp'?"]),
    ("--mode replay --cassette kept.yaml --protocol x", ["--protocol", "'x'", "smtp or lmtp"]),
    ("--upstream a.example.org --protocol lmtp", ["--upstream", "a.example.org:PORT", "unix:"]),
    ("--upstream smtp://a --protocol lmtp", ["--upstream", "'smtp://a'", "lmtp://HOST"]),
    ("--upstream sink: --upstream-proxy-protocol v1", ["--upstream-proxy-protocol", "sink:"]),
    ("--upstream smtps://a --upstream-proxy-protocol v2", ["plain", "tcp:", "tls:a:465"]),
    ("--upstream ssl:a:465 --upstream-proxy-protocol v2", ["plain", "tcp:", "ssl:a:465"]),
    ("--mode replay --cassette kept.yaml --upstream-proxy-protocol v1", ["not a cassette"]),
    ("--upstream sink: --listen nowhere", ["--listen", "HOST:PORT", "'nowhere'"]),
    ("--upstream sink: --listen 65536", ["--listen", "65536", "65535"]),
    ("--upstream sink: --listen 0.0.0.0:0", ["0.0.0.0:0", "127.0.0.1", "--allow-remote"]),
    ("--upstream sink: --listen tcp:0", ["tcp:0", "127.0.0.1", "--allow-remote"]),
    ("--upstream sink: --listen ssl:0:privateKey=k", ["--listen", "--certificate", "--key"]),
    ("--upstream sink: --listen tls:0.0.0.0:0", ["tls:0.0.0.0:0", "127.0.0.1", "--allow-remote"]),
    ("--upstream sink: --listen haproxy:tls:0", ["--listen", "haproxy:tcp:"]),
    ("--upstream sink: --key kept.yaml", ["--key", "--certificate"]),
    ("--upstream sink: --certificate none.pem", ["--certificate: none.pem", "No such file"]),
    ("--upstream sink: --certificate kept.yaml", ["--certificate: kept.yaml", "in PEM"]),
    ("--upstream 192.0.2.1 --upstream-ca kept.yaml", ["--upstream-ca: kept.yaml", "in PEM"]),
    ("--upstream 192.0.2.1 --upstream-name *.b", ["--upstream-name", "host name", "'*.b'"]),
    ("--upstream tls:a:465:trustRoots=folder", ["--upstream:", "trustRoots=", "--upstream-ca"]),
    ("--upstream ssl:a:465:hostname=b", ["--upstream:", "hostname=", "--upstream-name"]),
    ("--upstream tls:a:x", ["--upstream:", "tls:HOST:PORT"]),
    ("--mode replay --cassette missing.yaml", ["missing.yaml", "No such file"]),
    ("--mode replay --cassette folder", ["folder", "not a regular file"]),
    ("--mode replay --cassette rules.yaml", ["rules.yaml:1:", "smtpproxy-cassette: 1"]),
    ("--mode replay --cassette torn.yaml", ["torn.yaml:"]),
    ("--mode once --upstream sink: --cassette torn.yaml", ["torn.yaml:"]),
    ("--mode record --upstream sink: --cassette kept.yaml/new.yaml", ["kept.yaml"]),
    ("--mode record --upstream sink: --cassette folder", ["folder"]),
    (
        "--mode append --upstream 192.0.2.1 --cassette new.yaml --upstream-login login",
        ["--upstream-login", "append", "the client"],
    ),
    ("--upstream sink: --on-recording-error refsue", ["'refsue'", "did you mean 'refuse'?"]),
    ("--upstream sink: --rules missing.yaml", ["missing.yaml", "No such file"]),
    ("--upstream sink: --rules folder", ["folder", "not a regular file"]),
    ("--upstream sink: --rules kept.yaml", ["kept.yaml:1:", "smtpproxy-rules: 1"]),
    ("--upstream sink: --rules rules.yaml", ["rules.yaml:3:", "'RCTP'", "'RCPT'?"]),
    ("--upstream sink: --rule RCTP:_550", ["--rule", "'RCTP'", "did you mean 'RCPT'?"]),
    ("--upstream sink: --rule RCPT_550", ["--rule", "'RCPT 550'", "STAGE: REPLY"]),
    ("--upstream sink: --preset greylistin", ["--preset", "'greylistin'", "'greylisting'?"]),
    ("--upstream sink: --rules greylisting", ["no such file", "--preset greylisting"]),
    ("--config missing.yaml", ["missing.yaml", "No such file"]),
    ("--config config.yaml", ["config.yaml:2:", "'log-fromat'", "'log-format'?"]),
    ("--upstream sink: --log missing/log", ["missing/log", "No such file"]),
    ("--upstream sink: --log folder", ["folder"]),
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder; no option comes from the environment, and no signal is taken."""
    for option in OPTIONS:
        monkeypatch.delenv(option.variable, raising=False)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(signal, "signal", lambda number, action: None)
    (tmp_path / "folder").mkdir()
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "login").chmod(0o600)
    return tmp_path


class Running:
    """A proxy in a reactor of the test's own."""

    def __init__(self, words: str) -> None:
        self.reactor = MemoryReactorClock()
        self.proxy: Proxy = build(self.reactor, _given(words))
        self.proxy.service.startService()
        self.reactor.run()

    def dialogue(self, *lines: str) -> list[str]:
        """Say lines to the proxy; return the first of each reply."""
        client = self.client()
        for line in lines:
            client.receive(line.encode() + b"\r\n")
            self.reactor.advance(0)
        self.reactor.advance(0)
        heard = client.taken.decode().splitlines()
        client.peer_closes()
        return heard

    def client(self) -> Socket:
        """Connect."""
        _, factory, _, _ = self.reactor.tcpServers[0]
        leg: Any = factory.buildProtocol(IPv4Address("TCP", "192.0.2.7", 40000))
        client = Socket()
        client.protocol = leg
        leg.makeConnection(client)
        return client

    def signal(self, name: str) -> None:
        """Be sent a signal."""
        self.proxy.service.signals[name]()

    def stop(self) -> int:
        """Stop, and return the status."""
        assert self.proxy.service.stop().called
        return self.proxy.service.status


def _given(words: str) -> dict[str, tuple[str, ...]]:
    options = Options()
    options.parseOptions([word.replace("_", " ") for word in words.split()])
    return options.given


def test_every_option_is_taken_from_the_command_line() -> None:
    """All that can be set can be set there: flags without a value, repeated ones in order."""
    given = _given(
        "--listen 0 --listen 2526 --upstream sink: --mode record --cassette a.yaml --rules b.yaml "
        "--rule RCPT:_550 --preset tarpit --upstream-proxy-protocol v1 --log - --log-format json "
        "--stats s.json "
        "--ready-file r --drain 1 --max-connections 9 "
        "--connect-timeout 9 --repeat --on-recording-error refuse --allow-remote --config c.yaml "
        "--on-anomaly refuse --xclient "
        "--protocol lmtp --log-rotate 1_MB --log-keep 9 --log-mail-data --reasons r.toml "
        "--redact addresses --upstream-ca ca.pem --tls mirror --upstream-login l.yaml "
        "--upstream-name a --upstream-insecure --certificate c --key k "
        "--order strict --pace x2 --seed 9 --rules-dry-run "
        "--report r.json --match verb --ignore NOTIFY --on-miss 451 "
        + " ".join(f"--{name.replace('_', '-')} 9" for name in DEFAULT_LIMITS._fields)
    )
    assert set(given) >= {option.name for option in OPTIONS}
    assert given["listen"] == ("0", "2526")
    assert given["rule"] == ("RCPT: 550",)
    assert given["allow-remote"] == ("true",)


@pytest.mark.parametrize(("words", "expected"), REFUSED)
def test_what_can_not_be_used_is_refused(
    folder: Path, capfd: pytest.CaptureFixture[str], words: str, expected: list[str]
) -> None:
    """One line with place and way out, status 2; nothing listens and no file has changed."""
    reactor = MemoryReactorClock()
    with pytest.raises(SystemExit) as ended:
        build(reactor, _given(words))
    out, err = capfd.readouterr()
    assert ended.value.code == 2
    assert out == ""
    assert err.startswith("smtpproxy: ")
    assert err.count("\n") == 1
    for word in expected:
        assert word in err
    assert reactor.tcpServers == []
    assert {path.name for path in folder.iterdir()} == {*FILES, "folder"}
    for name, text in FILES.items():
        assert (folder / name).read_text() == text


def test_the_environment_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Options of the environment are in force without a word on the command line."""
    monkeypatch.setenv("SMTPPROXY_UPSTREAM", "sink:")
    monkeypatch.setenv("SMTPPROXY_RULE", "NOOP: 421 Later")
    running = Running("--log none")
    assert running.dialogue("NOOP")[-1] == "421 Later"


def test_listening_to_others_when_that_is_meant() -> None:
    """--allow-remote is enough."""
    running = Running("--upstream sink: --listen 0.0.0.0:2525 --allow-remote --log none")
    ((port, _, _, interface),) = running.reactor.tcpServers
    assert (port, interface) == (2525, "0.0.0.0")


def test_relaying_connects_to_upstream() -> None:
    """In the mode relay a client's connection becomes one to upstream."""
    running = Running("--upstream 192.0.2.25:26 --log none")
    assert running.reactor.tcpClients == []
    running.client()
    ((host, port, *_),) = running.reactor.tcpClients
    assert (host, port) == ("192.0.2.25", 26)


def test_lmtp_with_the_sink() -> None:
    """A client hears of LMTP at once, and of its message once for each recipient."""
    running = Running("--upstream sink: --protocol lmtp --log none")
    said = ("LHLO x", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>")
    heard = running.dialogue(*said, "RCPT TO:<c@example.net>", "DATA", "Hi", ".", "QUIT")
    assert heard[0] == "220 sink.localhost LMTP smtpproxy sink"
    assert heard[-3:-1] == ["250 2.0.0 Ok: message 1 taken"] * 2
    assert heard[-1].startswith("221 ")
    assert running.dialogue("EHLO x")[-1].startswith("500 ")


def test_lmtp_is_told_of_the_client_by_xclient() -> None:
    """--xclient says LHLO where --protocol says lmtp."""
    running = Running("--upstream 192.0.2.25:24 --protocol lmtp --xclient --log none")
    running.client()
    ((host, port, factory, _, _),) = running.reactor.tcpClients
    leg: Any = factory.buildProtocol(None)
    server = Socket()
    leg.makeConnection(server)
    server.protocol = leg
    server.receive(b"220 mail.example.org LMTP\r\n")
    running.reactor.advance(0)
    assert (host, port, server.taken) == ("192.0.2.25", 24, b"LHLO smtpproxy.localhost\r\n")


def test_one_client_too_many_is_told_so(folder: Path) -> None:
    """It hears 421, upstream is not asked for it, no cassette has it, and the log says why."""
    running = Running(
        "--upstream sink: --mode record --cassette kept.yaml --max-connections 2 --log log"
    )
    first, second, third = running.client(), running.client(), running.client()
    first.receive(b"NOOP\r\n")
    assert third.taken.startswith(b"421 ")
    assert third.taken.count(b"\r\n") == 1
    third.flow()
    assert third.ended == "closed"
    second.peer_closes()
    fourth = running.client()
    running.reactor.advance(0)
    assert fourth.taken.startswith(b"220 ")  # there is room again
    first.peer_closes()
    fourth.peer_closes()
    running.stop()
    log = (folder / "log").read_text()
    assert "#3 * too-many-connections 421 " in log
    assert "#3 * ended: too-many-connections" in log
    assert "421" not in (folder / "kept.yaml").read_text()


def test_upstream_is_told_of_the_client_first() -> None:
    """A PROXY header with both ends of the client's connection goes before all that it says."""
    running = Running("--upstream 192.0.2.25:26 --upstream-proxy-protocol v1 --log none")
    running.client().receive(b"NOOP\r\n")
    ((_, _, factory, _, _),) = running.reactor.tcpClients
    server, leg = Socket(), factory.buildProtocol(None)
    assert leg is not None
    leg.makeConnection(server)
    assert server.taken == b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 25\r\nNOOP\r\n"


def test_once_replays_where_upstream_would_be_told_of_the_client() -> None:
    """What concerns upstream does not get in the way of a cassette that is there."""
    words = "--mode once --cassette kept.yaml --upstream 192.0.2.25 --upstream-proxy-protocol v2"
    running = Running(f"{words} --log none")
    assert running.dialogue() == ["220 mail.example.org ESMTP"]


def test_replaying_opens_no_upstream_socket(capfd: pytest.CaptureFixture[str]) -> None:
    """The cassette alone answers, also where an upstream is named; a miss shows in the status."""
    running = Running("--mode replay --cassette kept.yaml --upstream 192.0.2.25 --log none")
    heard = running.dialogue("HELO app.example.org", "MAIL FROM:<a@example.org>")
    assert heard == ["220 mail.example.org ESMTP", "250 mail.example.org", "250 2.1.0 Ok"]
    running.dialogue("HELO app.example.org", "MAIL FROM:<stranger@example.com>")
    assert running.reactor.tcpClients == []
    assert "smtpproxy: replay miss 1 " in capfd.readouterr().err
    assert running.stop() == 1
    assert "1 recorded" in capfd.readouterr().err  # what nobody replayed is told


@pytest.mark.parametrize(("words", "again"), [("", "554 5.3.0 "), ("--repeat", "250 2.1.0 Ok")])
def test_a_transaction_is_replayed_once_unless_repeated(words: str, again: str) -> None:
    """What was replayed is used up; with --repeat it may be replayed again and again."""
    running = Running(f"--mode replay --cassette kept.yaml --log none {words}")
    transaction = ("HELO app.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>")
    assert running.dialogue(*transaction, "RSET", "QUIT")[2] == "250 2.1.0 Ok"
    assert running.dialogue(*transaction, "RSET", "QUIT")[2].startswith(again)


def test_once_replays_what_there_is_and_records_what_there_is_not(folder: Path) -> None:
    """Where the cassette exists it answers, else it is recorded."""
    there = Running("--mode once --cassette kept.yaml --upstream sink: --log none")
    assert there.dialogue()[0] == "220 mail.example.org ESMTP"
    there.stop()
    assert (folder / "kept.yaml").read_text() == CASSETTE
    lacking = Running("--mode once --cassette new/signup.yaml --upstream sink: --log none")
    lacking.dialogue("NOOP")
    lacking.stop()
    assert "NOOP" in (folder / "new" / "signup.yaml").read_text()


def test_recording_replaces_the_cassette_at_the_end(folder: Path) -> None:
    """While it records the old cassette is as it was; then the new one is there, whole."""
    running = Running("--mode record --cassette kept.yaml --upstream sink: --log none")
    running.dialogue("NOOP", "QUIT")
    assert (folder / "kept.yaml").read_text() == CASSETTE
    assert running.stop() == 0
    assert (folder / "kept.yaml").read_text().startswith("smtpproxy-cassette: 1\n")
    assert "NOOP" in (folder / "kept.yaml").read_text()
    assert {path.name for path in folder.iterdir()} == {*FILES, "folder"}


def test_a_recording_of_nothing_is_none(folder: Path) -> None:
    """Where no client came the old cassette stays."""
    assert Running("--mode record --cassette kept.yaml --upstream sink: --log none").stop() == 0
    assert (folder / "kept.yaml").read_text() == CASSETTE
    assert {path.name for path in folder.iterdir()} == {*FILES, "folder"}


def test_rules_are_read_again(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """New rules hold for all sessions; a bad file leaves the old ones in force, and is told."""
    rules = folder / "mine.yaml"
    rules.write_text(RULES.replace("RCPT", "NOOP") % 450)
    running = Running("--upstream sink: --rules mine.yaml --rule HELP:_502 --log none")
    old = running.client()
    rules.write_text(RULES.replace("RCPT", "NOOP") % 550)
    running.signal("SIGHUP")
    assert running.dialogue("NOOP")[-1] == "550 Not today"
    old.receive(b"NOOP\r\n")
    running.reactor.advance(0)
    assert old.taken.endswith(b"550 Not today\r\n")
    capfd.readouterr()
    rules.write_text("smtpproxy-rules: 1\nrules:\n- NOPO: 450\n")
    running.signal("SIGHUP")
    err = capfd.readouterr().err
    assert "mine.yaml:3:" in err
    assert err.count("\n") == 1
    assert running.dialogue("NOOP", "HELP")[1:] == [
        "550 Not today",
        "502 5.5.1 Command not implemented",
    ]
    rules.unlink()
    running.signal("SIGHUP")
    assert running.dialogue("NOOP")[-1] == "550 Not today"
    old.peer_closes()
    assert running.stop() == 0


def test_the_log_is_a_file_that_grows(folder: Path) -> None:
    """A log is appended to, one JSON object a line where that is asked."""
    for _ in range(2):
        running = Running("--upstream sink: --log log --log-format json")
        running.dialogue("NOOP", "QUIT")
        running.stop()
    records = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    stages = [record["stage"] for record in records if "stage" in record]
    assert stages == ["CONNECT", "NOOP", "QUIT"] * 2
    assert len({record["session"] for record in records}) == 2  # also across restarts


def test_statistics_are_written_at_the_end(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """--stats is a JSON file; a signal prints the same for a person, at any time."""
    running = Running("--upstream sink: --log none --stats stats.json")
    running.dialogue("NOOP", "QUIT")
    capfd.readouterr()
    assert not (folder / "stats.json").exists()
    running.signal("SIGUSR2")
    assert "NOOP" in capfd.readouterr().err
    statistics = json.loads((folder / "stats.json").read_text())
    assert statistics["matrix"]["NOOP"] == {"250": 1}
    running.dialogue("NOOP", "QUIT")
    assert running.stop() == 0
    statistics = json.loads((folder / "stats.json").read_text())
    assert statistics["matrix"]["NOOP"] == {"250": 2}
    assert statistics["sessions"] == 2


def test_statistics_are_coloured_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where standard error is a terminal, severity shows by colour; elsewhere nothing does."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    for terminal in (True, False):
        error = io.StringIO()
        monkeypatch.setattr(error, "isatty", lambda terminal=terminal: terminal)
        monkeypatch.setattr(sys, "__stderr__", error)
        running = Running("--upstream sink: --log none")
        running.dialogue("NOOP", "QUIT")
        assert running.stop() == 0
        assert "NOOP" in error.getvalue()
        assert ("\x1b[32m" in error.getvalue()) is terminal


def test_statistics_that_can_not_be_written_are_told(capfd: pytest.CaptureFixture[str]) -> None:
    """What was asked for and is not there shows in the status."""
    running = Running("--upstream sink: --log none --stats missing/stats.json")
    running.dialogue("QUIT")
    assert running.stop() == 1
    assert "missing/stats.json" in capfd.readouterr().err


def test_reasons_of_the_user_reach_log_and_statistics(folder: Path) -> None:
    """Both tell one reason of a refusal."""
    (folder / "mine.toml").write_text("[rules]\nMine = ['^550 ']\n")
    rule = "--rule NOOP:_550"
    running = Running(
        f"--upstream sink: {rule} --reasons mine.toml --log log --log-format json --stats s.json"
    )
    running.dialogue("NOOP", "QUIT")
    assert running.stop() == 0
    assert json.loads((folder / "s.json").read_text())["reasons"] == {"Mine": 1}
    records = [json.loads(line) for line in (folder / "log").read_text().splitlines()]
    assert [record["reason"] for record in records if "reason" in record] == ["Mine"]


def test_an_option_that_is_wrong_is_not_called_an_endpoint(
    capfd: pytest.CaptureFixture[str],
) -> None:
    """The line speaks of the option alone, though it is read together with --upstream."""
    with pytest.raises(SystemExit):
        Running("--upstream 192.0.2.1 --connect-timeout 0")
    assert capfd.readouterr().err.startswith("smtpproxy: --connect-timeout: expected more than 0")
