"""Secrets that were sent where nobody asked for them, and secrets in a replay."""

from collections.abc import Callable
from pathlib import Path

import pytest

from smtpproxy.cassette.misses import Miss
from smtpproxy.replay import Player
from smtpproxy.responder import LocalServer
from tests.cassette.canary import PASSWORD, PLAIN, SECRET, USER, Watched, encoded, leaks
from tests.cassette.dialogues import cassette
from tests.cassette.recording import Recording
from tests.cassette.replaying import Replaying

READY = "S: 220 mail.example.org ESMTP ready"
# Credentials that look like a verb: no "=" at their end, or none at all.
BARE = encoded(PASSWORD + "x" * (-len(PASSWORD) % 3))
LINES = [
    pytest.param([USER, SECRET], id="LOGIN"),
    pytest.param([BARE], id="looks like a verb"),
    pytest.param([SECRET, "QUIT"], id="a command behind"),
    pytest.param([f"{SECRET} {SECRET}"], id="two words"),
    pytest.param([f"  {PLAIN}"], id="blanks before"),
    pytest.param([PASSWORD], id="in clear"),
]


def joined(*lines: str) -> bytes:
    """Return lines as they are sent in one go."""
    return "".join(f"{line}\r\n" for line in lines).encode()


@pytest.mark.parametrize("echo", [False, True])
@pytest.mark.parametrize("lines", LINES)
def test_lines_behind_a_refused_auth(tmp_path: Path, lines: list[str], echo: bool) -> None:
    """A client that does not wait for the 334 sends its password as a command."""
    watched = Watched(tmp_path)
    watched.play(READY)
    watched.conversation.client(joined("AUTH LOGIN", *lines))
    watched.play("S: 504 5.5.4 No such mechanism")
    for line in lines:
        watched.play(f"S: 500 5.5.2 What is {line.strip() if echo else 'that'}?")
    kept = watched.over()
    assert leaks(kept, SECRET, BARE, PLAIN) == []
    assert leaks(kept.upper(), SECRET.upper(), BARE.upper(), PLAIN.upper()) == []
    assert "504 5.5.4 No such mechanism" in kept


@pytest.mark.parametrize("lines", LINES)
def test_lines_behind_an_auth_that_a_rule_refused(tmp_path: Path, lines: list[str]) -> None:
    """The same where upstream was not asked at all."""
    watched = Watched(tmp_path, "AUTH: 504")
    watched.play(READY)
    watched.conversation.client(joined("AUTH LOGIN", *lines))
    assert leaks(watched.over(), SECRET, BARE, PLAIN) == []


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("lines", LINES)
def test_lines_behind_an_auth_without_answer(tmp_path: Path, lines: list[str], clean: bool) -> None:
    """A client that sends all at once and leaves: what was not read yet may be a password."""
    watched = Watched(tmp_path)
    watched.play(READY)
    watched.conversation.client(joined("AUTH LOGIN", *lines)[:-2])
    watched.conversation.client_leaves(clean)
    assert leaks(watched.kept(), SECRET, BARE, PLAIN) == []


@pytest.mark.parametrize("lines", LINES)
def test_an_upstream_that_leaves_without_answer(tmp_path: Path, lines: list[str]) -> None:
    """The same where upstream leaves first."""
    watched = Watched(tmp_path)
    watched.play(READY)
    watched.conversation.client(joined("AUTH LOGIN", *lines))
    watched.conversation.upstream_leaves()
    assert leaks(watched.kept(), SECRET, BARE, PLAIN) == []


def test_what_was_sent_before_auth_is_no_secret(tmp_path: Path) -> None:
    """An unknown command stays as it is, though AUTH was sent before it was answered."""
    watched = Watched(tmp_path)
    watched.play(READY)
    watched.conversation.client(joined("XFOO bar", f"AUTH PLAIN {PLAIN}"))
    watched.play("S: 500 5.5.2 What?")
    watched.play("S: 235 2.7.0 Ok")
    assert 'C: ["XFOO bar", "AUTH PLAIN [redacted]"]' in watched.over()


@pytest.mark.parametrize("reply", ["250 ok", "500 5.5.2 What?"])
def test_what_looks_like_auth_is_replayed(tmp_path: Path, reply: str) -> None:
    """Redacted as it is, it is known again, and so is what follows it."""
    text = f"{READY}\nC: AUTHX {SECRET}\nS: {reply}\nC: XFOO\nS: 501 no\nC: QUIT\nS: 221 bye"
    recording = Recording(tmp_path)
    recording.dialogue(text)
    assert leaks(recording.file.partial.read_text(), SECRET) == []
    replaying = Replaying(recording.cassette())
    assert replaying.client().played(text) == text
    assert replaying.misses == []


def replayed(tmp_path: Path, text: str, say: Callable[[Watched], None]) -> str:
    """Return what is kept, shown and reported where a cassette stands in for upstream."""
    misses: list[Miss] = []
    watched = Watched(tmp_path)
    conversation = watched.conversation
    server = LocalServer(Player(cassette(text), misses.append).connection())
    conversation.upstream(server.connected())
    taken = 0
    for _ in range(2):
        say(watched)
        while taken < len(conversation.asked):
            asked, taken = conversation.asked[taken:], len(conversation.asked)
            conversation.upstream(server.receive(asked))
    assert misses
    return watched.over() + "\n".join(map(str, misses)) + repr(misses)


@pytest.mark.parametrize(
    "lines",
    [
        [f"AUTH PLAIN {PLAIN}"],
        [f"auth plain {PLAIN * 40}"],
        [f"AUTH PLAIN={PLAIN}"],
        ["AUTH LOGIN", BARE],
        ["AUTH LOGIN", SECRET],
        ["AUTH PLAIN", PLAIN * 40],
    ],
)
@pytest.mark.parametrize(
    "recorded", ["", "\nC: AUTH CRAM-MD5\nS: 504 No", "\nC: AUTH LOGIN\nS: 504 No"]
)
def test_a_replay_miss_at_auth(tmp_path: Path, lines: list[str], recorded: str) -> None:
    """The report of a miss, and the reply that tells of it, name no credentials."""
    kept = replayed(
        tmp_path,
        READY + recorded,
        lambda watched: watched.conversation.client(joined(*lines)),
    )
    assert leaks(kept, SECRET, BARE, PLAIN) == []


def test_a_replay_miss_within_auth(tmp_path: Path) -> None:
    """Nor does a miss at a continuation: the recorded client cancelled, this one goes on."""
    text = f"{READY}\nC: AUTH PLAIN\nS: 334 \nC: *\nS: 501 Cancelled"
    lines = iter(["AUTH PLAIN", PLAIN])
    kept = replayed(
        tmp_path, text, lambda watched: watched.conversation.client(joined(next(lines)))
    )
    assert leaks(kept, PLAIN) == []
