"""AUTH where it is spelled so oddly, or stands so oddly, that it is no command of that name."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.transcript import Session, Transcript
from tests.cassette.canary import PASSWORD, PLAIN, SECRET, USER, Watched, encoded, traces
from tests.cassette.recording import UPSTREAM

READY = "S: 220 mail.example.org ESMTP ready"
LINES = [
    f"\0AUTH PLAIN {PLAIN}".encode(),
    f"\ufeffAUTH PLAIN {PLAIN}".encode(),
    b"\xff\xfb\x01AUTH PLAIN " + PLAIN.encode(),
    f"\x1b[AAUTH PLAIN {PLAIN}".encode(),
    f".AUTH PLAIN {PLAIN}".encode(),
    f"AUTH\0PLAIN {PLAIN}".encode(),
    f"AUTH PLAIN\0{PLAIN}".encode(),
    f"AUTHENTICATE PLAIN {PLAIN}".encode(),
    f"a1 AUTHENTICATE PLAIN {PLAIN}".encode(),
    f"X-AUTH PLAIN {PLAIN}".encode(),
    f"X-EXPS LOGIN {SECRET}".encode(),
    f"SMTP AUTH PLAIN {PLAIN}".encode(),
    f"Authorization: Basic {encoded(f'bob:{PASSWORD}')}".encode(),
    f"Proxy-Authorization: Basic {encoded(f'bob:{PASSWORD}')}".encode(),
    f"EHLO app.example.org\rAUTH PLAIN {PLAIN}".encode(),
    f"NOOP\r auth plain {PLAIN}\rNOOP".encode(),
    f"AUTH PLAIN\r{PLAIN}".encode(),
    f'AUTH "PLAIN",{PLAIN}'.encode(),
    f"AUTH PLAIN{PLAIN}".encode(),
    f"AUTH PLAIN {PLAIN[:20]} {PLAIN[20:]}".encode(),
    f"AUTH LOGIN bob\t{PASSWORD}".encode(),
    f"AUTH XOAUTH2 {PLAIN.replace('=', '')}".encode(),
]
SECRETS = [PASSWORD, PLAIN, SECRET]


@pytest.fixture
def watched(tmp_path: Path) -> Watched:
    """A session that is watched by all who keep or show anything."""
    watched = Watched(tmp_path)
    watched.play(READY)
    return watched


def said(line: bytes) -> bytes:
    """Return a line as a server may repeat it: without what would end a line."""
    return line.replace(b"\r", b"\\r")


@pytest.mark.parametrize("heard", ["500 5.5.2 What is %s?", "250 2.0.0 Ok", "334 ", "235 Ok"])
@pytest.mark.parametrize("line", LINES)
def test_it_is_taken_for_what_it_is(watched: Watched, line: bytes, heard: str) -> None:
    """Whatever upstream makes of it; what is repeated once more is known by then."""
    watched.conversation.client(line + b"\r\n")
    watched.conversation.upstream(heard.encode().replace(b"%s", said(line)) + b"\r\n")
    watched.conversation.client(b"NOOP\r\n")
    watched.conversation.upstream(b"250 2.0.0 still " + said(line[-12:]) + b"\r\n")
    watched.over()
    assert traces(watched.everything(), SECRETS) == []


@pytest.mark.parametrize("clean", [True, False])
@pytest.mark.parametrize("line", LINES)
def test_it_is_cut_short(watched: Watched, line: bytes, clean: bool) -> None:
    """The client leaves in the middle of it, at each octet."""
    for at in range(1, len(line) + 1):
        watched.conversation.client(line[:at])
        watched.conversation.client_leaves(clean)
        watched.begin()
        watched.play(READY)
    assert traces(watched.over(), SECRETS) == []


@pytest.mark.parametrize("line", LINES)
def test_it_has_no_end(watched: Watched, line: bytes) -> None:
    """It is longer than any line may be."""
    watched.conversation.client(line * 600)
    assert traces(watched.over(), SECRETS) == []


def test_auth_by_another_name(watched: Watched) -> None:
    """A command that is answered by 334 is AUTH, and what follows are credentials."""
    watched.play(
        f"""
        C: XLOGIN
        S: 334 {encoded(PASSWORD)}
        C: {USER}
        S: 334 UGFzc3dvcmQ6
        C: {SECRET}
        S: 235 Ok
        """
    )
    assert traces(watched.over(), SECRETS) == []


@pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "XUNKNOWN"])
def test_taken_before_there_were_credentials(watched: Watched, mechanism: str) -> None:
    """A server, or a rule, that says 235 at once is sent them all the same, as commands."""
    watched.conversation.client(f"AUTH {mechanism}\r\n{PLAIN}\r\n".encode())
    watched.play("S: 235 2.7.0 Ok\nS: 500 5.5.2 What?")
    assert traces(watched.over(), SECRETS) == []


def test_other_commands_after_that_are_kept(watched: Watched) -> None:
    """Once a command that is known was sent, nothing is owed any more."""
    watched.play(
        """
        C: AUTH PLAIN
        S: 235 2.7.0 Ok
        C: MAIL FROM:<a@example.org>
        S: 250 2.1.0 Ok
        C: XEXCH50 1 2
        S: 500 5.5.2 What?
        """
    )
    watched.over()
    assert 'C: "XEXCH50 1 2"' in watched.cassette()


@pytest.mark.parametrize(
    "line", ["XYZZY author", "XAUTHOR me", "X Authority", "HELP AUTH", "NOOP AUTH PLAIN"]
)
def test_what_only_looks_like_it(watched: Watched, line: str) -> None:
    """Words that begin or end alike, and the arguments of known commands, are kept."""
    watched.play(f"C: {line}\nS: 500 5.5.2 What?")
    watched.over()
    assert f'C: "{line}"' in watched.cassette()


class Notes:
    """An observer that keeps what is noted."""

    def __init__(self) -> None:
        self.octets: list[bytes] = []

    def __getattr__(self, name: str) -> object:
        return lambda *facts: None

    def noted(self, session: Session, note: object) -> None:
        """Keep the octets."""
        self.octets.append(getattr(note, "octets", b""))


@pytest.mark.parametrize("before", ["", "EHLO app.example.org\r\n", "NOOP\nNOOP\r\n"])
def test_octets_that_are_several_commands(before: str) -> None:
    """What a client sent behind STARTTLS, say, may hold AUTH in any of its lines."""
    notes = Notes()
    session = Session(1, "run-1", "192.0.2.7:40000", UPSTREAM, 0.0)
    transcript = Transcript(session, [notes], lambda: 0.0)  # type: ignore[list-item]
    transcript.noted("starttls-injection", "client", f"{before}AUTH PLAIN {PLAIN}".encode())
    transcript.noted("starttls-injection", "client", b"EHLO app.example.org\r\n")
    assert notes.octets == [b"[redacted]", b"EHLO app.example.org\r\n"]
