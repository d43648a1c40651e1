"""Rules that remember, in a proxy that runs: on real sockets, across sessions, with its reports."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

from tests.programs import SECONDS, serving
from tests.talk import Client, converse

RULES = """smtpproxy-rules: 1
seed: 42
rules:
- name: greylist
  RCPT *@example.net: "450 4.7.1 Greylisted, try again later"
  times: {until: 500 ms after first, per: triplet, forget: 1 day}
- name: rate limit
  MAIL: "450 4.7.1 Too many messages"
  times: {above: 3, within: 1 h, per: client}
- name: drawn
  NOOP: 450
  when: {chance: 50 %}
- name: never
  VRFY: 550
"""
SINK = ("--upstream", "sink:", "--rules", "rules.yaml")
HELLO = "S: 220 ...\nC: HELO app.example.org\nS: 250 ...\n"
MAIL = "C: MAIL FROM:<a@example.org>\nS: 250 ...\n"
TRY = "C: RCPT TO:<b@example.net>\nS: %s ...\n"


def rules_in(folder: Path, text: str = RULES) -> None:
    """Write the rule file."""
    (folder / "rules.yaml").write_text(text)


def test_greylisting_with_two_sessions(tmp_path: Path) -> None:
    """A triplet is refused in every session until its time has come, and then let in."""
    rules_in(tmp_path)
    with serving(tmp_path, *SINK, "--stats", "stats.json", "--report", "report.json") as proxy:
        with Client(proxy.port) as one, Client(proxy.port) as two:
            for client in (one, two):
                client.play(HELLO + MAIL + TRY % 450)
            deadline = time.monotonic() + SECONDS
            while time.monotonic() < deadline:
                try:
                    two.play(TRY % 250)
                    break
                except AssertionError:
                    time.sleep(0.05)
            one.play(TRY % 250 + "C: RCPT TO:<c@example.net>\nS: 450 ...")
        outcome = proxy.end()
    assert outcome.status == 0
    assert "seed: 42" in outcome.err.splitlines()
    fired = json.loads((tmp_path / "stats.json").read_text())["rules"]
    assert [one["rule"] for one in fired] == ["greylist", "rate limit", "drawn", "never"]
    assert fired[0]["fired"] >= 3
    assert 0 <= fired[0]["first"] < SECONDS
    assert fired[3] == {"rule": "never", "stage": "VRFY", "fired": 0, "first": None}
    assert json.loads((tmp_path / "report.json").read_text())["fired"] == fired
    assert "[rule greylist #1]" in outcome.out


def test_rate_limit_with_two_sessions(tmp_path: Path) -> None:
    """Three messages pass, whichever session they come in; one more does not."""
    rules_in(tmp_path)
    again = "C: RSET\nS: 250 ...\n"
    with serving(tmp_path, *SINK) as proxy, Client(proxy.port) as one, Client(proxy.port) as two:
        one.play(HELLO + MAIL + again + MAIL)
        two.play(
            HELLO + MAIL + again + "C: MAIL FROM:<a@example.org>\nS: 450 4.7.1 Too many messages"
        )
        one.play(again + "C: MAIL FROM:<z@example.org>\nS: 450 ...")


def test_reload_reaches_a_session_that_goes_on(tmp_path: Path) -> None:
    """SIGHUP changes what a client hears that was connected before."""
    rules_in(tmp_path)
    with serving(tmp_path, *SINK) as proxy, Client(proxy.port) as client:
        client.play(HELLO + "C: VRFY b\nS: 550 ...")
        rules_in(tmp_path, RULES.replace("VRFY: 550", "VRFY: 551"))
        proxy.send(signal.SIGHUP)
        proxy.await_err("4 rules are in force now")
        client.play("C: VRFY b\nS: 551 ...")


def test_dry_run(tmp_path: Path) -> None:
    """Nothing is applied, and the log and the statistics tell what would have been."""
    rules_in(tmp_path)
    with serving(tmp_path, *SINK, "--rules-dry-run", "--stats", "stats.json") as proxy:
        converse(proxy.port, HELLO + MAIL + TRY % 250 + "C: VRFY b\nS: 252 ...")
        outcome = proxy.end()
    assert "* would-fire greylist (1): the client hears 450 4.7.1 Greylisted" in outcome.out
    counts = {
        one["rule"]: one["fired"]
        for one in json.loads((tmp_path / "stats.json").read_text())["rules"]
    }
    assert (counts["greylist"], counts["never"]) == (1, 1)


def test_seed_of_the_command_line_comes_first(tmp_path: Path) -> None:
    """--seed is told, and makes the same draws at every run."""
    heard = []
    for name in ("first", "second"):
        folder = tmp_path / name
        folder.mkdir()
        rules_in(folder)
        with serving(folder, *SINK, "--seed", "7", "--log-format", "json") as proxy:
            converse(proxy.port, HELLO + "C: NOOP\nS: ...\n" * 12)
            outcome = proxy.end()
        assert "seed: 7" in outcome.err.splitlines()
        records = map(json.loads, outcome.out.splitlines())
        heard.append([one["code"] for one in records if one.get("stage") == "NOOP"])
    assert heard[0] == heard[1]
    assert set(heard[0]) == {250, 450}
