"""`smtpproxy run --expect` and `--report`: what the command's mail came to, as an exit status."""

from __future__ import annotations

import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import msgspec

from smtpproxy.reports.reported import ReportedMessage, RunReport
from tests.programs import RUN, call, call_all, serving
from tests.recording import CASSETTE
from tests.talk import Client

# Sends one message to each address that it is told, and is content whatever becomes of it.
SEND = """\
import os, smtplib, sys
with smtplib.SMTP(os.environ["SMTPPROXY_HOST"], int(os.environ["SMTPPROXY_PORT"])) as client:
    for number, address in enumerate(sys.argv[2:]):
        message = f"Subject: Welcome {number}\\r\\nMessage-ID: <{address}>\\r\\n\\r\\nHi.\\r\\n"
        try:
            client.sendmail("a@example.org", [address], message)
        except smtplib.SMTPException:
            pass
raise SystemExit(int(sys.argv[1]))
"""
SINK = ("--upstream", "sink:")
BOB, CAROL = "bob@example.net", "carol@example.net"


def _send(*addresses: str, status: int = 0) -> tuple[str, ...]:
    return ("--", sys.executable, "-c", SEND, str(status), *addresses)


def _expect(*expected: str) -> tuple[str, ...]:
    return tuple(word for text in expected for word in ("--expect", text))


def _ours(err: str) -> list[str]:
    return [line for line in err.splitlines() if line.startswith("smtpproxy: expected")]


def test_expectations_are_an_exit_status(tmp_path: Path) -> None:
    """0 where all is as expected, else 1 and a line each; the command's own comes first."""
    met = _expect("messages=2", f"recipient={BOB}", "sender=a@*", "subject=Welcome*", "sessions=1")
    unmet = _expect("messages=1", "recipient=dave@example.net", "refused=0", "misses=0")
    outcomes = call_all(
        tmp_path,
        {
            "met": (*RUN, *SINK, *met, *_send(BOB, CAROL)),
            "unmet": (*RUN, *SINK, *unmet, *_send(BOB, CAROL)),
            "both": (*RUN, *SINK, *unmet, *_send(BOB, CAROL, status=7)),
        },
    )
    statuses = {name: outcome.status for name, outcome in outcomes.items()}
    assert statuses == {"met": 0, "unmet": 1, "both": 7}
    assert _ours(outcomes["met"].err) == []
    assert (
        _ours(outcomes["unmet"].err)
        == _ours(outcomes["both"].err)
        == [
            f'smtpproxy: expected messages=1, got 2: <a@example.org> to {BOB} "Welcome 0"; '
            f'<a@example.org> to {CAROL} "Welcome 1"',
            f"smtpproxy: expected recipient=dave@example.net, got only {BOB}; {CAROL}",
        ]
    )


def test_what_a_rule_refused_is_expected_or_not(tmp_path: Path) -> None:
    """A client that swallows a refusal does not make a test green."""
    rule = ("--rule", f"RCPT {BOB}: 550")
    outcomes = call_all(
        tmp_path,
        {
            "met": (*RUN, *SINK, *rule, *_expect("refused=1", "messages=1"), *_send(BOB, CAROL)),
            "unmet": (*RUN, *SINK, *rule, *_expect("refused=0"), *_send(BOB, CAROL)),
        },
    )
    assert {name: outcome.status for name, outcome in outcomes.items()} == {"met": 0, "unmet": 1}
    assert _ours(outcomes["unmet"].err) == [
        f"smtpproxy: expected refused=0, got 1: {BOB} 550 at RCPT"
    ]


def test_what_can_not_be_expected_runs_no_command(tmp_path: Path) -> None:
    """An unknown word is one line with the nearest right one, and status 2."""
    outcome = call(tmp_path, (*RUN, *SINK, *_expect("mesages=1"), "--", "touch", "started"))
    assert outcome.status == 2
    assert outcome.err.count("\n") == 1
    assert outcome.err.startswith("smtpproxy: --expect: unknown word 'mesages'")
    assert "did you mean 'messages'?" in outcome.err
    assert not (tmp_path / "started").exists()


def _report(folder: Path, words: Sequence[str]) -> RunReport:
    """Run, and return the report that is written."""
    call(folder, (*RUN, "--report", "report.json", *words))
    return msgspec.json.decode((folder / "report.json").read_bytes(), type=RunReport)


def test_a_report_of_a_recording(tmp_path: Path) -> None:
    """What was recorded, and what is replayed then, is told alike."""
    cassette = ("--cassette", "new.yaml")
    recorded = _report(tmp_path, (*SINK, "--mode", "record", *cassette, *_send(BOB)))
    replayed = _report(tmp_path, ("--mode", "replay", *cassette, *_send(BOB)))
    assert (recorded.mode, replayed.mode) == ("record", "replay")
    for report in (recorded, replayed):
        (session,) = report.sessions
        (done,) = session.transactions
        assert (done.outcome, done.recipients[0].address) == ("accepted", BOB)
        assert isinstance(done.message, ReportedMessage)
        assert ("Subject", "Welcome 0") in done.message.headers
    assert [place.stage for place in replayed.used] == ["MAIL"]
    assert replayed.unused == recorded.used == []


def test_a_report_of_a_miss(tmp_path: Path) -> None:
    """The miss is there with its session and what to paste; what nobody asked for is, too."""
    (tmp_path / "kept.yaml").write_text(CASSETTE)
    report = _report(tmp_path, ("--mode", "replay", "--cassette", "kept.yaml", *_send(BOB)))
    miss = report.misses[0]
    assert (miss.verdict, miss.stage) == ("missing", "EHLO")
    assert miss.paste.startswith('- C: "ehlo ')
    (session,) = report.sessions
    assert miss.session == session.session
    assert session.misses == [miss.number for miss in report.misses]
    assert [place.sent for place in report.unused] == ["MAIL FROM:<a@example.org>"]


def test_misses_are_explained_where_they_happen(tmp_path: Path) -> None:
    """Standard error says what differs, and what to paste where."""
    record = ("--mode", "record", "--cassette", "new.yaml")
    call(tmp_path, (*RUN, *SINK, *record, *_send(BOB)))
    replay = ("--mode", "replay", "--cassette", "new.yaml")
    outcomes = call_all(
        tmp_path,
        {
            "missed": (*RUN, *replay, *_send("bob@example.com")),
            "ignored": (*RUN, *replay, "--ignore", "recipient", *_send("bob@example.com")),
            "told": (*RUN, *replay, "--on-miss", "550 5.7.1 No", *_send("bob@example.com")),
        },
    )
    statuses = {name: outcome.status for name, outcome in outcomes.items()}
    assert statuses == {"missed": 1, "ignored": 0, "told": 1}
    err = outcomes["missed"].err
    assert "\n  fits     verb, local part\n" in err
    assert "\n  differs  domain: example.com, recorded: example.net\n" in err
    assert "\n  instead  new.yaml:" in err


def test_a_message_is_compared_when_that_is_asked_for(tmp_path: Path) -> None:
    """By the option, or by the cassette's own header; Message-ID never counts."""
    record = ("--mode", "record", "--cassette", "new.yaml")
    call(tmp_path, (*RUN, *SINK, *record, *_send(BOB)))
    text = (tmp_path / "new.yaml").read_text()
    assert "Message-ID: <bob@example.net>" in text
    same = text.replace("Message-ID: <bob@", "Message-ID: <other@")
    other = same.replace("Welcome 0", "Welcome 9")
    head = "smtpproxy-cassette: 1\n"
    files = {
        "same.yaml": same,
        "other.yaml": other,
        "own.yaml": other.replace(head, f"{head}match: [envelope, message]\n"),
        "ignoring.yaml": other.replace(head, f"{head}match: message\nignore: Subject\n"),
    }
    for name, content in files.items():
        (tmp_path / name).write_text(content)
    replay = (*RUN, "--mode", "replay", "--cassette")
    compared = ("--match", "envelope,message")
    outcomes = call_all(
        tmp_path,
        {
            "same": (*replay, "same.yaml", *compared, *_send(BOB)),
            "other": (*replay, "other.yaml", *compared, *_send(BOB)),
            "not compared": (*replay, "other.yaml", *_send(BOB)),
            "own": (*replay, "own.yaml", *_send(BOB)),
            "ignoring": (*replay, "ignoring.yaml", *_send(BOB)),
        },
    )
    assert {name: outcome.status for name, outcome in outcomes.items()} == {
        "same": 0,
        "other": 1,
        "not compared": 0,
        "own": 1,
        "ignoring": 0,
    }
    assert "differs  header Subject: Welcome 0, recorded: Welcome 9" in outcomes["other"].err


def test_a_service_tells_its_report_while_it_runs(tmp_path: Path) -> None:
    """SIGUSR2 writes it; so does the end."""
    path = tmp_path / "report.json"
    with serving(tmp_path, *SINK, "--report", path.name, "--log", "none") as running:
        for _ in range(2):
            with Client(running.port) as client:
                client.play("S: 220 ...\nC: QUIT\nS: 221 ...")
            running.send(signal.SIGUSR2)
            running.await_err("session")
        assert msgspec.json.decode(path.read_bytes(), type=RunReport).totals.sessions
        running.end()
    report = msgspec.json.decode(path.read_bytes(), type=RunReport)
    assert [session.how for session in report.sessions] == ["quit", "quit"]
