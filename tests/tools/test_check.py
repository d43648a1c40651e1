"""`smtpproxy check`: a cassette against a server that is there, another proxy before its sink."""

from __future__ import annotations

import json
import os
import pty
import smtplib
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.programs import SECONDS, SMTPPROXY, Outcome, Program, call, environment, serving

SINK = ("--upstream", "sink:")
LOGIN = {"SMTPPROXY_UPSTREAM_USER": "tim", "SMTPPROXY_UPSTREAM_PASSWORD": "tanstaaftanstaaf"}
MESSAGE = "Subject: hello\r\n\r\nHi.\r\n.\r\nBye.\r\n"


@pytest.fixture(autouse=True)
def ca(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the authority will be: nobody's own is touched."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data" / "smtpproxy" / "ca.pem"


@pytest.fixture
def cassette(tmp_path: Path) -> Path:
    """A recorded session of two messages to three recipients, logged in."""
    path = tmp_path / "signup.yaml"
    with recording(tmp_path, path, *SINK) as client:
        client.login("alice", "a password of hers")
        client.sendmail("a@example.org", ["b@example.net", "c@example.net"], MESSAGE)
        client.sendmail("a@example.org", ["d@example.net"], MESSAGE)
    return path


@contextmanager
def recording(folder: Path, path: Path, *options: str) -> Iterator[smtplib.SMTP]:
    """A client whose session is recorded."""
    (folder / "recorder").mkdir()
    mode = ("--mode", "record", "--cassette", str(path))
    with serving(folder / "recorder", *mode, *options) as proxy:
        with smtplib.SMTP("127.0.0.1", proxy.port, timeout=SECONDS) as client:
            yield client
        assert proxy.end().status == 0


@contextmanager
def server(folder: Path, *options: str) -> Iterator[Program]:
    """The server that is checked."""
    (folder / "server").mkdir()
    with serving(folder / "server", *SINK, *options) as proxy:
        yield proxy


def check(path: Path, proxy: Program, *options: str, env: dict[str, str] | None = None) -> Outcome:
    """Check a cassette against a server."""
    where = ("--upstream", f"localhost:{proxy.port}")
    return call(path.parent, (*SMTPPROXY, "check", path.name, *where, *options), env)


def test_nothing_differs_and_nothing_is_delivered(cassette: Path) -> None:
    """The status is 0; what was left out is said; no DATA arrives, and each transaction ends."""
    with server(cassette.parent) as proxy:
        checked = check(cassette, proxy)
        log = proxy.end().out
    assert (checked.status, checked.out) == (0, "")
    assert "1 exchange of AUTH, without credentials" in checked.err
    assert "4 exchanges of mail data" in checked.err
    assert log.lower().count(" rcpt to") == 3
    assert log.count(" RSET ") == 2
    assert " data " not in log.lower()
    assert "END-OF-DATA" not in log
    assert "AUTH" not in log


def test_drift(cassette: Path) -> None:
    """A recipient that is refused, and a keyword that is gone, are told with their places."""
    rules = cassette.parent / "rules.yaml"
    rules.write_text(
        "smtpproxy-rules: 1\nrules:\n- EHLO: {keywords: {remove: [PIPELINING]}}\n"
        '- RCPT c@example.net: "550 5.1.1 Nobody"\n'
    )
    with server(cassette.parent, "--rules", str(rules)) as proxy:
        checked = check(cassette, proxy)
        gravest = check(cassette, proxy, "--severity", "class", "--json")
    assert checked.status == 1
    lines = checked.out.splitlines()
    assert lines[:2] == ["session 1", "  code  keywords EHLO"]
    assert lines[2].startswith("    - PIPELINING   (signup.yaml:")
    assert lines[3:5] == ["  class code     RCPT", lines[4]]
    assert lines[5:] == ["    + 550 5.1.1 Nobody", "2 changes: 1 of class, 1 of code"]
    assert gravest.status == 1
    assert json.loads(gravest.out)["new"] == "550 5.1.1 Nobody"


def test_delivery(cassette: Path) -> None:
    """It is said how much goes to how many; with --yes it goes, after a login with our own."""
    with server(cassette.parent) as proxy:
        asked = check(cassette, proxy, "--deliver")
        checked = check(cassette, proxy, "--deliver", "--yes", env=LOGIN)
        log = proxy.end().out
    assert asked.status == 2
    assert "--deliver sends 2 messages to 3 recipients by tcp:localhost:" in asked.err
    assert "needs --yes" in asked.err
    assert (checked.status, checked.out) == (0, "")
    assert "not played" not in checked.err
    assert log.count("END-OF-DATA") == 2
    assert log.count("AUTH PLAIN") == 1
    assert "tanstaaf" not in log + checked.err


@pytest.mark.parametrize(("answer", "status", "messages"), [(b"n\n", 2, 0), (b"y\n", 0, 2)])
def test_it_asks_on_a_terminal(cassette: Path, answer: bytes, status: int, messages: int) -> None:
    """Only who says yes has anything delivered."""
    master, slave = pty.openpty()
    with server(cassette.parent) as proxy:
        where = ("--upstream", f"localhost:{proxy.port}")
        with subprocess.Popen(
            (*SMTPPROXY, "check", cassette.name, *where, "--deliver"),
            cwd=cassette.parent,
            env=environment({"PAGER": "cat"}),
            stdin=slave,
            stdout=slave,
            stderr=subprocess.PIPE,
        ) as process:
            os.write(master, answer)
            _, err = process.communicate(timeout=SECONDS)
        log = proxy.end().out
    os.close(slave)
    os.close(master)
    assert process.returncode == status
    assert b"2 messages to 3 recipients" in err
    assert b"Send? [y/N] " in err
    assert log.count("END-OF-DATA") == messages


def test_starttls(tmp_path: Path, ca: Path) -> None:
    """What was recorded over STARTTLS is played over it, and never without."""
    path = tmp_path / "secure.yaml"
    with server(tmp_path, "--tls", "terminate") as proxy:
        upstream = ("--upstream", f"localhost:{proxy.port}", "--upstream-ca", str(ca))
        with recording(tmp_path, path, *upstream) as client:
            client.starttls(context=ssl.create_default_context(cafile=ca))
            client.sendmail("a@example.org", ["b@example.net"], MESSAGE)
        trusting = check(path, proxy, "--upstream-ca", str(ca))
        doubting = check(path, proxy)
        log = proxy.end().out
    assert "STARTTLS" in path.read_text()
    assert (trusting.status, trusting.out) == (0, ""), trusting.err
    assert log.lower().count("mail from") == 2
    assert doubting.status == 2
    assert "no TLS with upstream: " in doubting.err
    (tmp_path / "server").rename(tmp_path / "before")
    with server(tmp_path) as proxy:
        plain = check(path, proxy)
        log = proxy.end().out
    assert plain.status == 1
    assert "that were under TLS, which upstream refuses now" in plain.err
    assert "mail from" not in log.lower()


def test_tls_from_the_first_octet_on(cassette: Path, ca: Path) -> None:
    """A server behind tls: is verified, and checked as any."""
    with server(cassette.parent, "--listen", "tls:localhost:0") as proxy:
        port = proxy.place.splitlines()[0].rpartition(":")[2]
        where = ("--upstream", f"smtps://localhost:{port}", "--upstream-ca", str(ca))
        checked = call(cassette.parent, (*SMTPPROXY, "check", cassette.name, *where))
    assert (checked.status, checked.out) == (0, ""), checked.err


def test_a_server_that_is_not_there(cassette: Path) -> None:
    """That is one clear line, and status 2."""
    with server(cassette.parent) as proxy:
        proxy.end()
        checked = check(cassette, proxy)
    assert (checked.status, checked.out) == (2, "")
    assert "smtpproxy: session 1: upstream refused the connection\n" in checked.err


def test_a_server_that_ends_early(cassette: Path) -> None:
    """What was seen until then is told, and the status is 2."""
    with server(cassette.parent, "--rule", "RCPT c@example.net: drop") as proxy:
        checked = check(cassette, proxy)
    assert checked.status == 2
    assert "smtpproxy: session 1: upstream ended the connection\n" in checked.err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "expected one cassette"),
        (("missing.yaml", "--upstream", "localhost:2525"), "missing.yaml: can't be read"),
        (("signup.yaml",), "expected --upstream WHERE"),
        (("signup.yaml", *SINK), "a server and not sink:"),
        (("signup.yaml", "--upstream", "a b"), "--upstream: expected HOST"),
        (("signup.yaml", "--upstream", "localhost", "--severity", "clas"), "'class'?"),
        (("signup.yaml", "--upstream", "localhost", "--upstream-ca", "no.pem"), "--upstream-ca: "),
    ],
)
def test_wrong_usage(tmp_path: Path, words: tuple[str, ...], told: str) -> None:
    """Mistakes are told in one line, with status 2."""
    (tmp_path / "signup.yaml").write_text(
        "smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n- S: 220 x\n"
    )
    checked = call(tmp_path, (*SMTPPROXY, "check", *words))
    assert checked.status == 2
    assert told in checked.err
    assert checked.err.count("\n") == 1
