"""What a client got that met a fault: recorded octet for octet, read back, and replayed."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.faults.malformed import MALFORMED
from tests.cassette.recording import Conversation, Recording
from tests.cassette.replaying import Replaying

RULES = [
    *(f"MAIL: {{malformed: {way}}}" for way in MALFORMED),
    r"MAIL: {raw: 'x\0\xff\r'}",
    r"MAIL: {raw: '250 a\r\n250 b\r\n'}",
    "MAIL: {edit: {code: 451}, upstream: forward}",
    "MAIL: {cut: {at: code, then: silence}}",
    "MAIL: {cut: {at: 5, then: drop}}",
    "MAIL: {cut: {at: crlf}}",
    "MAIL: {dribble: 1 s}",
    "MAIL: silence",
    "MAIL: half-close",
]
#: In them the client gets all that upstream says, if late.
WHOLE = ("MAIL: {cut: {at: crlf}}", "MAIL: {dribble: 1 s}")


def met(recording: Recording, rule: str) -> Conversation:
    """Record a session whose client meets a fault, and goes on if it can."""
    talk = recording.begin(rule)
    talk.upstream(b"220 mail.example.org\r\n")
    talk.client(b"HELO app.example.org\r\n")
    talk.upstream(b"250 mail.example.org\r\n")
    talk.client(b"MAIL FROM:<a@example.org>\r\n")
    if talk.asked.endswith(b"MAIL FROM:<a@example.org>\r\n"):
        talk.upstream(b"250 2.1.0 Ok\r\n")
    if not (talk.relay.left or talk.relay.withheld):
        talk.client(b"QUIT\r\n")
        talk.upstream(b"221 2.0.0 Bye\r\n")
    talk.client_leaves()
    return talk


@pytest.mark.parametrize("rule", RULES)
def test_replay_says_what_the_client_got(tmp_path: Path, rule: str) -> None:
    """The same octets, whatever they are, and no miss."""
    recording = Recording(tmp_path)
    talk = met(recording, rule)
    replay = Replaying(recording.cassette())
    client = replay.client()
    heard = client.greeting + client.says("HELO app.example.org")
    heard += client.says("MAIL FROM:<a@example.org>")
    if b"QUIT" in talk.asked:
        heard += client.says("QUIT")
    assert heard == talk.heard
    assert (replay.misses, recording.problems) == ([], [])


@pytest.mark.parametrize("rule", RULES)
def test_what_upstream_said_is_kept_beside_it(tmp_path: Path, rule: str) -> None:
    """A rewritten reply is never recorded as real; what came whole is not told twice."""
    recording = Recording(tmp_path)
    talk = met(recording, rule)
    items = recording.items()
    asked = talk.asked.count(b"MAIL FROM") == 1
    assert ('S: "250 2.1.0 Ok"' in items) is asked
    assert ("client-saw:" in items) is (asked and rule not in WHOLE)
