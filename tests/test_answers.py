"""What the client hears without rules: in order, each reply for what it answers."""

from __future__ import annotations

from smtpproxy.actions import Side
from tests.dialogue import READY, Conversation


def test_pipelined_commands_travel_together() -> None:
    """What one segment brought goes to upstream in one piece, and replies pair in order."""
    talk = Conversation()
    talk.play(READY)
    talk.done.clear()
    octets = b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n"
    talk.client(octets)
    assert list(talk.done) == ["upstream: send"]
    assert talk.unread(Side.UPSTREAM) == octets
    talk.upstream(b"250 ok\r\n550 no\r\n554 none\r\n")
    assert talk.unread(Side.CLIENT) == b"250 ok\r\n550 no\r\n554 none\r\n"
    assert talk.witness.codes()[2:] == [("MAIL", 250), ("RCPT", 550), ("DATA", 554)]
    assert [e.pipelined for e in talk.witness.exchanges[2:]] == [False, True, True]


def test_unsolicited_replies_and_stray_lines_are_relayed_and_noted() -> None:
    """What answers nothing reaches the client, and is paired with no command."""
    talk = Conversation()
    talk.play(
        READY
        + """
        U: hello?
        S: hello?
        U: 421 Timeout
        S: 421 Timeout
        """
    )
    assert [fact for fact, _ in talk.witness.notes] == ["stray-line", "unsolicited-reply"]
    assert len(talk.witness.exchanges) == 2
