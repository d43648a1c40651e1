"""Whole dialogues through a relay into a cassette, compared with what a person would write."""

from pathlib import Path

from tests.cassette.dialogues import dialogue
from tests.cassette.recording import Conversation, Recording, yaml
from tests.cassette.replaying import Replaying

REWRITTEN = """
S: 220 mail.example.org
C: EHLO app.example.org
S: 250-mail.example.org
S: 250 PIPELINING
C: MAIL FROM:<a@example.org> SIZE=9
C: RCPT TO:<b@example.net>
C: DATA
S: 250 Ok
S: 250 Ok
S: 354 Go on
C: Hi.
C: .
S: 250 Queued
C: QUIT
S: 221 Bye
"""


def test_a_dialogue_reads_as_a_person_would_write_it(recording: Recording) -> None:
    """The documented example: a pipelined group, a rule that answers, a message, an orderly end."""
    recording.dialogue(
        """
        ... 12 ms
        S: 220 mail.example.org ESMTP ready
        C: EHLO app.example.org
        ... 3 ms
        S: 250-mail.example.org
        S: 250-PIPELINING
        S: 250 8BITMIME
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<b@example.net>
        C: DATA
        ... 41 ms
        S: 250 2.1.0 Ok
        S: 550 5.1.1 No such user
        S: 554 5.5.1 No valid recipients
        C: RCPT TO:<c@example.net>
        ... 1 ms
        S: 250 2.1.5 Ok
        C: RCPT TO:<d@example.net>
        C: DATA
        ... 2 ms
        S: 354 End data with <CR><LF>.<CR><LF>
        C: Subject: hello
        C:
        C: Hi.
        C: .
        ... 9 ms
        S: 250 2.0.0 Ok: queued as 4F2A
        C: QUIT
        S: 221 2.0.0 Bye
        """,
        'RCPT d@example.net: "450 4.7.1 Greylisted, try again later"',
    )
    assert recording.sessions() == yaml(
        """
        session: 1
        dialogue:
        - S: "220 mail.example.org ESMTP ready"
        - C: "EHLO app.example.org"
          S: |
            250-mail.example.org
            250-PIPELINING
            250 8BITMIME
        - C: ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"]
          S: ["250 2.1.0 Ok", "550 5.1.1 No such user", "554 5.5.1 No valid recipients"]
        - C: "RCPT TO:<c@example.net>"
          S: "250 2.1.5 Ok"
        - C: "RCPT TO:<d@example.net>"
          client-saw: "450 4.7.1 Greylisted, try again later"
          rule: "RCPT d@example.net"
        - C: "DATA"
          S: "354 End data with <CR><LF>.<CR><LF>"
        - message: |
            Subject: hello

            Hi.
          S: "250 2.0.0 Ok: queued as 4F2A"
        - C: "QUIT"
          S: "221 2.0.0 Bye"
        ended: quit
        timing-ms: [12, 3, 41, 41, 41, 1, 0, 2, 9, 0]
        """
    )


def test_what_upstream_said_and_what_was_heard_are_both_kept(recording: Recording) -> None:
    """A rule's words are never recorded as upstream's."""
    recording.dialogue(
        """
        S: 220 ready
        C: VRFY b
        S: 252 2.5.0 Send some mail
        """,
        "VRFY: 250 2.5.0 b@example.net",
    )
    assert recording.items() == yaml(
        """
        - S: "220 ready"
        - C: "VRFY b"
          S: "252 2.5.0 Send some mail"
          client-saw: "250 2.5.0 b@example.net"
          rule: VRFY
        """
    )


def test_a_rule_within_a_pipelined_group(recording: Recording) -> None:
    """The group stays one; each command has what upstream said, or what a rule said, or `~`."""
    recording.dialogue(
        """
        S: 220 ready
        C: MAIL FROM:<a@example.org>
        C: RCPT TO:<b@example.net>
        C: RCPT TO:<c@example.net>
        S: 250 2.1.0 Ok
        S: 250 2.1.5 Ok
        """,
        'RCPT b@example.net: "450 4.7.1 Later"',
    )
    assert recording.items() == yaml(
        """
        - S: "220 ready"
        - C: ["MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "RCPT TO:<c@example.net>"]
          S: ["250 2.1.0 Ok", ~, "250 2.1.5 Ok"]
          client-saw: [~, "450 4.7.1 Later", ~]
          rule: [~, "RCPT b@example.net", ~]
        """
    )


def test_auth_with_continuation(recording: Recording) -> None:
    """Mechanism and prompts stay; what the client sent as credentials is a placeholder."""
    recording.dialogue(
        """
        S: 220 ready
        C: AUTH LOGIN
        S: 334 VXNlcm5hbWU6
        C: Ym9i
        S: 334 UGFzc3dvcmQ6
        C: aHVudGVyMi1odW50ZXIy
        S: 235 2.7.0 Authentication successful
        """
    )
    assert recording.items() == yaml(
        """
        - S: "220 ready"
        - C: "AUTH LOGIN"
          S: "334 VXNlcm5hbWU6"
        - C: "[redacted]"
          S: "334 UGFzc3dvcmQ6"
        - C: "[redacted]"
          S: "235 2.7.0 Authentication successful"
        """
    )


def test_two_sessions_stand_in_the_order_of_their_ends(recording: Recording) -> None:
    """Sessions that overlap are not mixed up; each has a number of its own."""
    one, two = recording.begin(), recording.begin()
    one.play("S: 220 first")
    two.play("S: 220 second\nC: NOOP\nS: 250 two")
    one.play("C: NOOP\nS: 250 one")
    two.client_leaves()
    one.client_leaves()
    cassette = recording.cassette()
    assert [session.label for session in cassette.sessions] == ["2", "1"]
    assert [session.dialogue[1].heard for session in cassette.sessions] == [
        b"250 two\r\n",
        b"250 one\r\n",
    ]


def test_recording_again_changes_no_more_than_the_times(tmp_path: Path) -> None:
    """The same conversation is the same text, but for `recorded:` and `timing-ms:`."""
    text = "S: 220 ready\nC: EHLO app.example.org\nS: 250-a\nS: 250 b\nC: QUIT\nS: 221 Bye\n"
    slow = text.replace("S: 250-a", "... 80 ms\nS: 250-a")
    found = []
    for said in (text, slow):
        recording = Recording(tmp_path)
        recording.dialogue(said)
        found.append(recording.sessions())
    assert "timing-ms: [0, 80, 0]" in found[1]
    assert found[1].replace("[0, 80, 0]", "[0, 0, 0]") == found[0]


def test_what_the_client_hears_is_what_was_recorded(recording: Recording) -> None:
    """Recording changes nothing: all octets reach the other side."""
    conversation: Conversation = recording.dialogue(
        """
        S: 220 ready
        C: DATA
        S: 354 go
        C: ..
        C: .
        S: 250 Ok
        """
    )
    assert conversation.asked == b"DATA\r\n..\r\n.\r\n"
    assert conversation.heard == b"220 ready\r\n354 go\r\n250 Ok\r\n"


def test_what_upstream_is_told_otherwise_is_not_in_it(recording: Recording) -> None:
    """It has what the client said, with the rule, and so is replayed to that client."""
    conversation = recording.dialogue(
        REWRITTEN,
        "EHLO: {rewrite: {hello: other.example.org}}",
        "MAIL: {rewrite: {sender: other@example.org}}",
        "RCPT: {rewrite: {recipient: other@example.net}}",
    )
    assert conversation.asked.startswith(
        b"EHLO other.example.org\r\n"
        b"MAIL FROM:<other@example.org> SIZE=9\r\nRCPT TO:<other@example.net>\r\nDATA\r\n"
    )
    assert "other" not in recording.sessions().replace('rule: "', "")
    rules = [one.rule for one in recording.cassette().sessions[0].dialogue]
    assert rules == ["", "EHLO", "MAIL", "RCPT", "", "", ""]
    replay = Replaying(recording.cassette())
    said = dialogue(REWRITTEN)
    assert replay.client().played(said) == said
    assert (replay.misses, replay.unused) == ([], 0)
