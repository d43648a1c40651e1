"""Transcripts are recorded as the sessions that they tell of would have been."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from smtpproxy.cassette.acting import Acted, act
from smtpproxy.cassette.overheard import hear
from tests.cassette.recording import Recording

PLAIN = """
    S: 220 mail.example.org
    C: EHLO app.example.org
    S: 250-mail.example.org
    S: 250-AUTH PLAIN
    S: 250 PIPELINING
    C: MAIL FROM:<a@example.org>
    C: RCPT TO:<b@example.net>
    C: DATA
    S: 250 2.1.0 Ok
    S: 250 2.1.5 Ok
    S: 354 Go on
    C: Subject: hello
    C:
    C: ..a dot
    C: .
    S: 250 2.0.0 Ok
    C: QUIT
    S: 221 2.0.0 Bye
"""


def acted(tmp_path: Path, text: str) -> tuple[Recording, Acted]:
    """Act a transcript out before a recorder."""
    recording = Recording(tmp_path)
    return recording, act(hear(dedent(text).encode(), "t").turns, recording.recorder, "t")


def test_as_it_would_have_been_recorded(tmp_path: Path) -> None:
    """Message, pipelining and pairing are as in the session itself."""
    recording, _ = acted(tmp_path, PLAIN)
    (tmp_path / "other").mkdir()
    other = Recording(tmp_path / "other")
    other.dialogue(PLAIN)
    assert recording.sessions() == other.sessions()


def test_secrets_are_left_out(tmp_path: Path) -> None:
    """Credentials are redacted by the house's own code, at once or in answer to a 334."""
    secret = "AGJvYgBzZWNyZXQtcGFzc3dvcmQ="
    text = PLAIN.replace(
        "    C: MAIL",
        f"    C: AUTH PLAIN {secret}\n    S: 535 No {secret}\n    C: AUTH PLAIN\n    S: 334 \n"
        f"    C: {secret}\n    S: 235 Ok\n    C: MAIL",
    )
    recording, _ = acted(tmp_path, text)
    sessions = recording.sessions()
    assert "AUTH PLAIN [redacted]" in sessions
    assert secret[:8] not in sessions
    assert "RCPT TO:<b@example.net>" in sessions


def test_tls_that_was_read(tmp_path: Path) -> None:
    """What a program printed from under TLS is there, and EHLO's replies are as it heard them."""
    text = """
        S: 220 Hi
        C: EHLO x
        S: 250-Hi
        S: 250 STARTTLS
        C: STARTTLS
        S: 220 Go
        C: EHLO x
        S: 250-Hi
        S: 250 AUTH SCRAM-SHA-256-PLUS
        C: QUIT
        S: 221 Bye
    """
    recording, _ = acted(tmp_path, text)
    (session,) = recording.cassette().sessions
    assert [one.stage for one in session.dialogue][2:] == ["STARTTLS", "EHLO", "QUIT"]
    assert session.dialogue[3].said == (b"250-Hi\r\n250 AUTH SCRAM-SHA-256-PLUS\r\n",)
    assert (session.opaque, session.dialogue[3].changed) == ("", False)


def test_tls_that_was_not_read(tmp_path: Path) -> None:
    """What is encrypted, as in a pcap, is no dialogue."""
    text = "S: 220 Hi\nC: STARTTLS\nS: 220 Go\nC: \x16\x03\x01\nS: \x16\x03\x03\n"
    recording, _ = acted(tmp_path, text)
    (session,) = recording.cassette().sessions
    assert [one.stage for one in session.dialogue] == ["CONNECT", "STARTTLS"]
    assert session.opaque == "STARTTLS"


@pytest.mark.parametrize("end", ["C: QUIT\n    S: 221 2.0.0 Bye", "S: 421 4.3.2 Going"])
def test_a_greeting_behind_a_good_bye_is_a_new_session(tmp_path: Path, end: str) -> None:
    """Some transcripts tell of several connections, one behind the other."""
    text = PLAIN.replace("C: QUIT\n    S: 221 2.0.0 Bye", end)
    recording, told = acted(tmp_path, text + text)
    assert told == (2, [], [])
    sessions = recording.cassette().sessions
    assert [session.label for session in sessions] == ["1", "2"]
    assert [len(session.dialogue) for session in sessions] == [len(sessions[0].dialogue)] * 2


def test_a_transcript_may_begin_anywhere(tmp_path: Path) -> None:
    """Without a greeting one is made up, which is told: else all replies would be one off."""
    recording, told = acted(tmp_path, PLAIN.replace("    S: 220 mail.example.org\n", ""))
    assert told == (1, [2], [])
    (session,) = recording.cassette().sessions
    assert [one.stage for one in session.dialogue][:3] == ["CONNECT", "EHLO", "MAIL"]
    assert b"no greeting" in session.dialogue[0].said[0]


def test_how_it_ended(tmp_path: Path) -> None:
    """Who did not say good-bye has left."""
    recording, _ = acted(tmp_path, PLAIN.partition("    C: QUIT")[0])
    assert recording.cassette().sessions[0].ended == "client-drop"
