"""The service as a process, by `smtpproxy serve` and by twistd: readiness, signals, status."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path

import pytest

from tests.programs import HOST, SERVE, TWISTD, serving
from tests.recording import CASSETTE, DELIVERY, MISSED, RECORDED
from tests.talk import Client, converse

TERM, INT = signal.SIGTERM, signal.SIGINT
REPLAY = ("--mode", "replay", "--cassette", "kept.yaml")
SINK = ("--upstream", "sink:")

RULE = "smtpproxy-rules: 1\nrules:\n- RCPT: '%s Not today'\n"
GREETED = "S: 220 ...\nC: HELO app.example.org\nS: 250 ...\n"
MAIL_RCPT = "C: MAIL FROM:<a@example.org>\nS: 250 ...\nC: RCPT TO:<b@example.net>\nS: %s ...\n"
QUIT = "C: QUIT\nS: 221 ...\n"


@pytest.mark.parametrize(
    ("program", "number"),
    [(SERVE, TERM), (SERVE, INT), (TWISTD, TERM), (TWISTD, INT)],
    ids=["serve-TERM", "serve-INT", "twistd-TERM", "twistd-INT"],
)
def test_a_miss_shows_in_the_status(
    tmp_path: Path, program: tuple[str, ...], number: signal.Signals
) -> None:
    """A replay that lacked something ends with status 1, by whatever signal it is told to end."""
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    with serving(tmp_path, *REPLAY, program=program) as proxy:
        converse(proxy.port, MISSED)
        proxy.await_err("smtpproxy: replay miss 1 ")  # at once, not only at the end
        outcome = proxy.end(number)
    assert outcome.status == 1
    assert "Traceback" not in outcome.err


@pytest.mark.parametrize(
    ("program", "number"), [(SERVE, INT), (TWISTD, TERM)], ids=["serve-INT", "twistd-TERM"]
)
def test_a_run_without_a_miss_is_good(
    tmp_path: Path, program: tuple[str, ...], number: signal.Signals
) -> None:
    """Where everything was replayed the status is 0, and standard output has our records alone."""
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    with serving(tmp_path, *REPLAY, "--log-format", "json", "--log", "-", program=program) as proxy:
        assert proxy.place == f"{HOST}:{proxy.port}\n"
        assert proxy.port != 0
        converse(proxy.port, RECORDED)
        outcome = proxy.end(number)
    assert outcome.status == 0
    records = [json.loads(line) for line in outcome.out.splitlines()]
    replies = [(record["stage"], record["code"]) for record in records if "stage" in record]
    assert replies == [
        ("CONNECT", 220),
        ("HELO", 250),
        ("MAIL", 250),
        ("RCPT", 550),
        ("RSET", 250),
        ("QUIT", 221),
    ]
    assert {record["v"] for record in records} == {1}
    assert f"listening on {proxy.place}" in outcome.err
    assert "Traceback" not in outcome.err


def test_standard_error_says_only_what_concerns_the_user(tmp_path: Path) -> None:
    """Beside the place and the statistics, a good run of serve says nothing."""
    with serving(tmp_path, *SINK) as proxy:
        converse(proxy.port, DELIVERY)
        place = proxy.place
        outcome = proxy.end()
    counts, matrix, times, domains = outcome.err.split("\n\n")
    first, head, *_ = counts.splitlines()
    assert first == f"listening on {place.strip()}"
    assert head == "1 session (1 quit)"
    for table in (matrix, times):
        stages = [row.split()[0] for row in table.splitlines()[1:]]
        assert stages == ["CONNECT", "HELO", "MAIL", "RCPT", "DATA", "END-OF-DATA", "QUIT"]
    assert len(domains.splitlines()) == 2


def test_signals_reload_rules_and_print_statistics(tmp_path: Path) -> None:
    """SIGHUP takes new rules for new sessions, never bad ones; SIGUSR2 prints statistics."""
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULE % 452)
    with serving(tmp_path, *SINK, "--rules", "rules.yaml", "--log", "log") as proxy:
        converse(proxy.port, GREETED + MAIL_RCPT % 452 + QUIT)
        rules.write_text(RULE % 550)
        proxy.send(signal.SIGHUP)
        proxy.await_err("rules are in force now")
        converse(proxy.port, GREETED + MAIL_RCPT % 550 + QUIT)
        rules.write_text("smtpproxy-rules: 1\nrules:\n- RCTP: 451\n")
        proxy.send(signal.SIGHUP)
        proxy.await_err("smtpproxy: the old rules stay in force: rules.yaml:3: ")
        converse(proxy.port, GREETED + MAIL_RCPT % 550 + QUIT)
        assert "sessions" not in proxy.err
        proxy.send(signal.SIGUSR2)
        proxy.await_err("recipient domain")
        assert "3 sessions (" in proxy.err
        at = re.search(r"^RCPT +452 +1 .*\n +550 +2 ", proxy.err, re.MULTILINE)
        assert at is not None, proxy.err
        outcome = proxy.end()
    assert outcome.status == 0
    assert outcome.out == ""


def test_told_to_stop_it_lets_a_transaction_finish(tmp_path: Path) -> None:
    """SIGTERM ends idle sessions by 421, and no transaction; the recording is then complete."""
    (tmp_path / "kept.yaml").write_text("an old cassette")
    recording = ("--mode", "record", "--cassette", "kept.yaml", "--stats", "stats.json")
    with (
        serving(tmp_path, *SINK, *recording) as proxy,
        Client(proxy.port) as busy,
        Client(proxy.port) as idle,
    ):
        busy.play(GREETED + MAIL_RCPT % 250)
        idle.play(GREETED)
        proxy.send(signal.SIGTERM)
        idle.play("S: 421 ...")
        idle.hears_the_end()
        assert (tmp_path / "kept.yaml").read_text() == "an old cassette"
        busy.play("C: DATA\nS: 354 ...\nC: Hi.\nC: .\nS: 250 ...\n" + QUIT)
        busy.hears_the_end()
        outcome = proxy.ended()
    assert outcome.status == 0
    cassette = (tmp_path / "kept.yaml").read_text()
    assert cassette.startswith("smtpproxy-cassette: 1\n")
    assert cassette.count("session: ") == 2
    assert "Hi." in cassette
    statistics = json.loads((tmp_path / "stats.json").read_text())
    assert (statistics["sessions"], statistics["messages"]) == (2, 1)
    assert [path.name for path in tmp_path.iterdir() if "partial" in path.name] == []


def test_an_impatient_signal_ends_the_wait(tmp_path: Path) -> None:
    """Told to stop twice, it ends open transactions by 421, too."""
    with serving(tmp_path, *SINK, "--drain", "60") as proxy, Client(proxy.port) as busy:
        busy.play(GREETED + MAIL_RCPT % 250)
        with Client(proxy.port) as idle:
            idle.play(GREETED)
            proxy.send(TERM)
            idle.play("S: 421 ...")
        proxy.send(INT)
        busy.play("S: 421 ...")
        busy.hears_the_end()
        outcome = proxy.ended()
    assert outcome.status == 0
