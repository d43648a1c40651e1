"""No piece of a secret is kept or shown, whatever the mechanism, and wherever it was cut."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cassette.canary import PIECE, Watched, aligned, traces
from tests.mechanisms import EVERY_SECRET, USER, VERIFIER, WAYS, Way

READY = """\
    S: 220 mail.example.org ESMTP ready
    C: EHLO app.example.org
    S: 250-mail.example.org
    S: 250 AUTH PLAIN LOGIN CRAM-MD5 SCRAM-SHA-1 SCRAM-SHA-256 XOAUTH2 OAUTHBEARER
"""
GOOD, REFUSED = "235 2.7.0 Welcome", "535 5.7.8 Authentication credentials invalid"
each_way = pytest.mark.parametrize("name", WAYS)


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A session that is watched by all who keep or show anything."""
    return Watched(tmp_path)


@pytest.mark.parametrize("last", [GOOD, REFUSED])
@each_way
def test_no_piece_is_left(
    watched: Watched, capfd: pytest.CaptureFixture[str], name: str, last: str
) -> None:
    """In the logs, the cassette, the statistics, and in what the tools make of them."""
    watched.play(READY + WAYS[name].dialogue(last))
    watched.over()
    everything = watched.everything() + "".join(capfd.readouterr())
    assert traces(everything, EVERY_SECRET[name]) == []
    assert f'C: "AUTH {name.partition(",")[0]}' in everything
    assert everything.count(last) >= 4, "it is not there to be looked at"


@each_way
def test_refused_and_tried_again(watched: Watched, name: str) -> None:
    """A second attempt, and one behind a second EHLO, as after STARTTLS, leave no more."""
    way = WAYS[name]
    watched.play(READY + way.dialogue(REFUSED))
    watched.play(way.dialogue("454 4.7.0 Later"))
    watched.play("\n".join(READY.strip().splitlines()[1:]))
    watched.play(way.dialogue(GOOD) + "\nC: XYZZY\nS: 500 5.5.2 What?")
    watched.over()
    assert traces(watched.everything(), EVERY_SECRET[name]) == []


@each_way
def test_wherever_the_network_cuts_a_line(watched: Watched, name: str) -> None:
    """Both sides' lines come in two segments, cut at each offset in turn."""
    way = WAYS[name]
    lines = [(line[0], line[3:].encode() + b"\r\n") for line in way.lines]
    for at in range(1, max(len(wire) for _, wire in lines)):
        watched.play(READY)
        for who, wire in lines:
            speak = watched.conversation.client if who == "C" else watched.conversation.upstream
            for part in filter(None, (wire[:at], wire[at:])):
                speak(part)
        watched.play(f"S: {REFUSED}")
        watched.conversation.client_leaves()
        watched.begin()
    assert traces(watched.kept(), EVERY_SECRET[name]) == []


@pytest.mark.parametrize("clean", [True, False])
@each_way
def test_wherever_the_connection_breaks(watched: Watched, name: str, clean: bool) -> None:
    """The client leaves within a line of its credentials, at each offset of each line."""
    way = WAYS[name]
    for number, line in enumerate(way.lines):
        if line.startswith("S:"):
            continue
        for at in range(1, len(line[3:])):
            watched.play(READY + "\n".join(way.lines[:number]))
            watched.conversation.client(line[3:][:at].encode())
            watched.conversation.client_leaves(clean)
            watched.begin()
    kept = watched.kept()
    assert traces(kept, EVERY_SECRET[name]) == []
    assert "unfinished-line" in kept or not clean


@each_way
def test_all_in_one_go(watched: Watched, name: str) -> None:
    """A client that waits for nothing sends its credentials as if they were commands."""
    way = WAYS[name]
    for last in (GOOD, REFUSED, "504 5.5.4 No such mechanism"):
        watched.play(READY)
        lines = (*way.sent, "MAIL FROM:<a@example.org>")
        watched.conversation.client("".join(f"{line}\r\n" for line in lines).encode())
        watched.play(f"S: {last}\n" + "S: 500 5.5.2 What?\n" * len(lines))
        watched.conversation.client_leaves()
        watched.begin()
    assert traces(watched.kept(), EVERY_SECRET[name]) == []


def repeated(way: Way) -> list[str]:
    """Return what a server may repeat: each token and secret, decoded or encoded, in pieces."""
    forms = {*way.tokens, *way.secrets}
    for secret in way.secrets:
        forms |= {form.decode() for form in aligned(secret.encode())}
    cut = {form[at : at + PIECE] for form in forms for at in range(len(form) - PIECE + 1)}
    halves = {form[at:][: len(form) // 2] for form in forms for at in range(0, len(form) // 2, 3)}
    return sorted(forms | cut | {half for half in halves if len(half) >= PIECE})


@each_way
def test_a_server_that_repeats_pieces(watched: Watched, name: str) -> None:
    """At once and later, in replies, behind them, and in half a line, however they were cut."""
    way = WAYS[name]
    said = repeated(way)
    watched.play(READY + way.dialogue(f"535-5.7.8 no {said[0]}\nS: 535 5.7.8 ({said[-1]})"))
    for piece in said:
        watched.play(f"C: NOOP\nS: 250-2.0.0 {piece}\nS: {piece}\nS: 250 {piece[::-1]} {piece}?")
    for piece in said[::7]:
        watched.play(f"S: debug: {piece}\nS: 421 4.7.0 {piece}")
    watched.conversation.upstream(f"421 {said[0]}".encode())
    watched.conversation.upstream_leaves()
    assert traces(watched.kept(), EVERY_SECRET[name]) == []


@each_way
def test_a_stray_line_before_the_reply(watched: Watched, name: str) -> None:
    """What the server says before it answers the credentials is looked at in the same way."""
    way = WAYS[name]
    at = max(number for number, line in enumerate(way.lines) if line.startswith("C: ") and line[9:])
    until = Way(way.lines[: at + 1], tuple(one for one in way.secrets if one != VERIFIER))
    watched.play(READY + "\n".join(until.lines))
    watched.play("\n".join(f"S: ({piece})" for piece in repeated(until)))
    watched.play("\n".join((*way.lines[at + 1 :], f"S: {GOOD}")))
    kept = watched.over()
    assert traces(kept, EVERY_SECRET[name]) == []
    assert GOOD in kept


@pytest.mark.parametrize("form", ["v={}", "{}", "2.7.0 {}"])
@pytest.mark.parametrize("name", [name for name in WAYS if name.startswith("SCRAM")])
def test_the_servers_proof_in_the_last_reply(watched: Watched, name: str, form: str) -> None:
    """Some servers send the verifier with the 235 itself, in clear or in base64."""
    way = WAYS[name]
    shown = way.secrets[-1] if "v=" in form else way.lines[-2].split()[-1]
    early = Way(way.lines[:-2], way.secrets)
    watched.play(READY + early.dialogue(f"235 {form.format(shown)}"))
    assert traces(watched.over(), [*EVERY_SECRET[name], way.lines[-2].split()[-1]]) == []


@each_way
def test_what_is_no_secret_is_kept(watched: Watched, name: str) -> None:
    """The user's domain is upstream's: its replies stay as they are."""
    later = ["250 2.1.0 <bob@example.org>... Sender ok", "250 mail.example.org at your service"]
    watched.play(READY + WAYS[name].dialogue(GOOD))
    for reply in later:
        watched.play(f"C: NOOP\nS: {reply}")
    watched.play(f"C: MAIL FROM:<{USER}>\nS: 250 2.1.0 <{USER.upper()}> ok")
    kept = watched.over()
    for reply in (*later, f"MAIL FROM:<{USER}>", f"<{USER.upper()}> ok", GOOD):
        assert reply in kept
    assert len(re.findall(r"\[redacted\]", watched.cassette())) <= 4


@pytest.mark.parametrize("name", ["PLAIN", "CRAM-MD5", "SCRAM-SHA-256", "XOAUTH2"])
def test_the_user_in_a_reply_is_kept(watched: Watched, name: str) -> None:
    """Who may send as whom is worth a test: it is no secret unless it was sent by itself."""
    watched.play(READY + WAYS[name].dialogue(GOOD))
    watched.play(f"C: MAIL FROM:<{USER}>\nS: 553 5.7.1 <{USER}>: Sender address rejected")
    assert f"<{USER}>: Sender address rejected" in watched.over()
