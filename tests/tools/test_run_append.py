"""`--mode append`: the cassette answers what it has, upstream what it lacks, which is added."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpproxy.cassette.store import load_cassette
from tests.programs import RUN, Outcome, Program, call, serving

CLIENT = """\
import os, smtplib, sys
where = os.environ["SMTPPROXY_HOST"], int(os.environ["SMTPPROXY_PORT"])
with smtplib.SMTP(*where) as client:
    if os.environ.get("LOGIN"):
        client.login("bob", "a password of bob's")
    for recipient in sys.argv[1:]:
        client.sendmail("a@example.org", [recipient], "Subject: x\\r\\n\\r\\nHi!\\r\\n")
"""
#: Seconds in which a log has written what it gathers.
PAUSE = 0.1
ALICE, BOB, CAROL = "alice@example.net", "bob@example.net", "carol@example.net"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Program]:
    """A server of its own process, whose log says what it was asked."""
    folder = tmp_path / "server"
    folder.mkdir()
    options = ("--upstream", "sink:", "--log", "server.log", "--rule", f"RCPT {CAROL}: 550")
    with serving(folder, *options) as program:
        yield program


def run(
    folder: Path, server: Program, mode: str, *to: str, login: str = "", rule: str = ""
) -> Outcome:
    """Let a client send messages through the proxy."""
    upstream = ("--upstream", f"127.0.0.1:{server.port}") if server is not None else ()
    rules = ("--rule", rule) if rule else ()
    words = (
        *RUN,
        *upstream,
        *rules,
        "--mode",
        mode,
        "--cassette",
        "c.yaml",
        "--log",
        "all.log",
        "--",
    )
    return call(folder, (*words, sys.executable, "-c", CLIENT, *to), {"LOGIN": login})


def asked(folder: Path) -> str:
    """What the server was asked, all in all; its lines are gathered for a moment."""
    deadline = time.monotonic() + 10
    time.sleep(PAUSE)
    while True:
        text = (folder / "server" / "server.log").read_text()
        if text.count(" -> sink:") == text.count("* ended:") or time.monotonic() > deadline:
            return text
        time.sleep(PAUSE)


def labels(folder: Path) -> list[str]:
    """The sessions of the cassette."""
    return [session.label for session in load_cassette(folder / "c.yaml").sessions]


def test_what_the_cassette_has_is_not_asked_for(tmp_path: Path, server: Program) -> None:
    """Recorded once, replayed ever after: upstream hears nothing."""
    assert run(tmp_path, server, "append", ALICE).status == 0
    before = asked(tmp_path)
    assert labels(tmp_path) == ["1"]
    outcome = run(tmp_path, server, "append", ALICE)
    assert outcome.status == 0, outcome.err
    assert asked(tmp_path) == before
    assert labels(tmp_path) == ["1"]


def test_what_it_lacks_is_asked_for_and_added(tmp_path: Path, server: Program) -> None:
    """Upstream is brought to the same place; a message that was finished is not sent again."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    outcome = run(tmp_path, server, "append", ALICE, BOB)
    assert outcome.status == 0, outcome.err
    assert asked(tmp_path).count(f"<{ALICE}>") == 1
    assert asked(tmp_path).count(f"<{BOB}>") == 1
    first, second = load_cassette(tmp_path / "c.yaml").sessions
    stages = [one.stage for one in second.dialogue]
    assert stages[:5] == ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"]
    assert [BOB in one.sent.decode() for one in second.dialogue if one.stage == "RCPT"] == [True]
    assert len(first.dialogue) == len(second.dialogue)
    replayed = run(tmp_path, server, "replay", ALICE, BOB)
    assert replayed.status == 0, replayed.err


def test_credentials_are_said_again(tmp_path: Path, server: Program) -> None:
    """Upstream is logged in to as the client was; the cassette has no secret."""
    assert run(tmp_path, server, "record", ALICE, login="yes").status == 0
    outcome = run(tmp_path, server, "append", ALICE, BOB, login="yes")
    assert outcome.status == 0, outcome.err
    second = load_cassette(tmp_path / "c.yaml").sessions[1]
    assert [one.stage for one in second.dialogue][:4] == ["CONNECT", "EHLO", "AUTH", "MAIL"]
    for file in ("c.yaml", "all.log"):
        assert "a password of bob's" not in (tmp_path / file).read_text()


def test_what_came_under_tls_goes_nowhere_in_plain_text(tmp_path: Path, server: Program) -> None:
    """A client that has TLS from the first octet on is mirrored, or told 421."""
    assert run(tmp_path, server, "record", ALICE, login="yes").status == 0
    upstream = ("--upstream", f"127.0.0.1:{server.port}", "--listen", "tls:0")
    before = asked(tmp_path)
    encrypted = CLIENT.replace("smtplib.SMTP(*where)", "smtplib.SMTP_SSL(*where, context=trusting)")
    client = f"import ssl\ntrusting = ssl._create_unverified_context()\n{encrypted}"
    words = (*RUN, *upstream, "--mode", "append", "--cassette", "c.yaml", "--")
    variables = {"LOGIN": "yes", "SMTPPROXY_CA_FOLDER": str(tmp_path / "ca")}
    outcome = call(tmp_path, (*words, sys.executable, "-c", client, BOB), variables)
    assert outcome.status == 1
    assert "upstream does not offer STARTTLS" in outcome.err
    heard = asked(tmp_path).removeprefix(before)
    assert "EHLO smtpproxy.localhost" in heard
    assert "AUTH" not in heard
    assert BOB not in heard


def test_a_refusal_is_recorded_too(tmp_path: Path, server: Program) -> None:
    """What is recorded is what upstream said."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    outcome = run(tmp_path, server, "append", CAROL)
    assert "SMTPRecipientsRefused" in outcome.err
    kept = tmp_path / "c.yaml.partial"  # the command failed: the good cassette stays
    assert b"550" in kept.read_bytes()


def test_an_upstream_that_says_otherwise_is_a_miss(tmp_path: Path, server: Program) -> None:
    """The client hears 421, and the status is 1 also where the client swallows that."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    cassette = tmp_path / "c.yaml"
    cassette.write_text(cassette.read_text().replace("250-8BITMIME", "250-CHUNKING"))
    outcome = run(tmp_path, server, "append", BOB)
    assert outcome.status == 1
    assert "do not offer the same: 8BITMIME, CHUNKING" in outcome.err
    assert "421" in outcome.err


def test_a_miss_of_upstream_stands_in_the_report(tmp_path: Path, server: Program) -> None:
    """What is expected of the run is not met by a session that could not go on."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    server.end()
    words = (*RUN, "--upstream", f"127.0.0.1:{server.port}", "--mode", "append")
    told = ("--cassette", "c.yaml", "--report", "report.json", "--expect", "misses=0", "--")
    outcome = call(tmp_path, (*words, *told, sys.executable, "-c", CLIENT, BOB))
    assert outcome.status == 1
    assert "expected misses=0, got 1" in outcome.err
    assert "could not go on upstream" in (tmp_path / "report.json").read_text()


def test_an_upstream_that_is_not_there_is_a_miss(tmp_path: Path, server: Program) -> None:
    """What the cassette has is answered all the same."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    server.end()
    assert run(tmp_path, server, "append", ALICE).status == 0
    outcome = run(tmp_path, server, "append", BOB)
    assert outcome.status == 1
    assert "could not go on upstream" in outcome.err


def test_diff_tells_what_upstream_says_otherwise(tmp_path: Path, server: Program) -> None:
    """Every command goes upstream; what has changed is told, and the cassette stays."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    cassette = tmp_path / "c.yaml"
    same = run(tmp_path, server, "diff", ALICE)
    assert same.status == 0, same.err
    other = cassette.read_text().replace("250 2.1.5 Ok", "550 5.1.1 No")
    cassette.write_text(other)
    outcome = run(tmp_path, server, "diff", ALICE)
    assert outcome.status == 1
    assert "class RCPT: 550 5.1.1 No -> 250 2.1.5 Ok (c.yaml:" in outcome.err
    assert "1 difference from c.yaml: 1 of class" in outcome.err
    assert cassette.read_text() == other


def test_a_cassette_that_has_grown_is_no_difference(tmp_path: Path, server: Program) -> None:
    """What was added stands in a session of its own, and upstream says the same all the same."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    assert run(tmp_path, server, "append", ALICE, BOB).status == 0
    assert (tmp_path / "c.yaml").read_text().count("session: ") == 2
    outcome = run(tmp_path, server, "diff", ALICE, BOB)
    assert outcome.status == 0, outcome.err


@pytest.mark.parametrize(("header", "status"), [("", 1), ("ignore: recipient\n", 0)])
def test_diff_ignores_what_the_cassette_ignores(
    tmp_path: Path, server: Program, header: str, status: int
) -> None:
    """As replay does."""
    assert run(tmp_path, server, "record", ALICE).status == 0
    cassette = tmp_path / "c.yaml"
    cassette.write_text(cassette.read_text().replace("---\n", f"{header}---\n", 1))
    assert run(tmp_path, server, "diff", BOB).status == status


def test_diff_needs_something_to_compare_with(tmp_path: Path, server: Program) -> None:
    """One line, before anything listens."""
    outcome = run(tmp_path, server, "diff", ALICE)
    assert (outcome.status, outcome.out) == (2, "")
    assert "needs a cassette to compare with" in outcome.err


def test_what_rules_rewrite(tmp_path: Path, server: Program) -> None:
    """Upstream has other words, also where they are said again; the cassette has the client's."""
    rule = "MAIL: {rewrite: {sender: other@example.org}}"
    assert run(tmp_path, server, "append", ALICE, rule=rule).status == 0
    assert run(tmp_path, server, "append", ALICE, BOB, rule=rule).status == 0
    told = asked(tmp_path)
    assert told.count("mail FROM:<other@example.org>") == 2
    assert "a@example.org" not in told
    assert "other" not in (tmp_path / "c.yaml").read_text()
    for again in (rule, ""):
        assert run(tmp_path, server, "replay", ALICE, BOB, rule=again).status == 0
    assert asked(tmp_path) == told
