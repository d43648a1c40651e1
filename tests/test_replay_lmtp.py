"""A cassette that does not have a message, in LMTP: a miss is told for each of its recipients."""

from __future__ import annotations

import pytest

from tests.cassette.dialogues import dialogue
from tests.cassette.replaying import Replaying, letter, lines, replaying

GREETED = dialogue(
    """
    S: 220 mail.example.org
    C: LHLO app.example.org
    S: 250 mail.example.org
    """
)
ENVELOPE = dialogue(
    """
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 250 2.1.5 Ok
    C: RCPT TO:<nobody@example.net>
    S: 550 5.1.1 No such user
    C: RCPT TO:<c@example.net>
    S: 250 2.1.5 Ok
    """
)
# Whoever was recorded here left in the midst of the mail data.
LEFT = "C: DATA\nS: 354 go"
MISS = b"554 5.3.0 smtpproxy: replay miss 1 at "


def heard(replay: Replaying, hello: str, *said: str) -> list[bytes]:
    """Return the replies to what is said behind a recorded envelope."""
    client = replay.client()
    opening = lines(GREETED.replace("LHLO", hello), ENVELOPE)
    assert client.played(opening) == opening
    return client.says(*said).splitlines()


@pytest.mark.parametrize(("hello", "replies"), [("LHLO", 2), ("EHLO", 1)])
def test_a_message_that_is_missed(hello: str, replies: int) -> None:
    """RFC 2033 §4.2: one reply for each recipient that was accepted; in SMTP it is one."""
    replay = replaying(lines(GREETED.replace("LHLO", hello), ENVELOPE, LEFT))
    go_on, *missed = heard(replay, hello, "DATA", "Hi", ".")
    assert go_on == b"354 go"
    assert [reply.partition(b"END-OF-DATA")[0] for reply in missed] == [MISS] * replies
    assert len(replay.misses) == 1


@pytest.mark.parametrize(("hello", "replies"), [("LHLO", 2), ("EHLO", 1)])
def test_a_last_chunk_that_is_missed(hello: str, replies: int) -> None:
    """RFC 2033 §4.3: so it is with the last BDAT, and with no other one."""
    replay = replaying(lines(GREETED.replace("LHLO", hello), ENVELOPE, LEFT))
    missed = heard(replay, hello, "BDAT 4", "Hi", "BDAT 4 LAST", "Hi", "NOOP")
    assert [reply.partition(b"BDAT")[0] for reply in missed[:-1]] == [MISS] * (1 + replies)
    assert missed[-1] == b"250 2.0.0 Ok"
    assert len(replay.misses) == 1


def test_a_last_chunk_behind_a_recipient_that_is_missed() -> None:
    """A pipelining client that goes on hears of the miss for each recipient accepted before it."""
    replay = replaying(lines(GREETED, ENVELOPE, LEFT))
    missed = heard(replay, "LHLO", "RCPT TO:<z@example.net>", "BDAT 4 LAST", "Hi", "NOOP")
    assert [reply.partition(b"RCPT")[0] for reply in missed[:-1]] == [MISS] * 3


def test_a_message_without_recipients_that_is_missed() -> None:
    """Where nobody was accepted there is still one reply."""
    replay = replaying(GREETED)
    client = replay.client()
    client.played(GREETED)
    missed = client.says("MAIL FROM:<z@example.org>", "BDAT 4 LAST", "Hi", "NOOP").splitlines()
    assert [reply.partition(b"MAIL")[0] for reply in missed[:-1]] == [MISS] * 2


def test_recipients_of_one_message_are_not_those_of_the_next() -> None:
    """A message ends its transaction: the next one has recipients of its own."""
    first, second = letter(1), letter(2, "c").partition("C: Subject")[0].strip()
    whole = lines(GREETED, first, second)
    replay = replaying(whole)
    client = replay.client()
    assert client.played(whole) == whole
    assert client.says("Hi", ".").count(MISS) == 1


def test_who_says_lhlo_to_a_recording_of_smtp() -> None:
    """The miss names what is wrong: the cassette has no LHLO."""
    replay = replaying(GREETED.replace("LHLO", "EHLO"))
    assert replay.client().says("LHLO app.example.org").startswith(MISS + b"LHLO, missing: ")
