"""What a cassette does not have: as a line for people, and as a reply to the client."""

import pytest

from smtpproxy.cassette.misses import (
    DIFFERENT,
    Miss,
    MissReply,
    MissReplyError,
    read_miss_reply,
    reply_to,
)


def test_a_miss_is_one_line_for_people() -> None:
    """The report says number, place, verdict, what was sent, and what there is instead."""
    miss = Miss(3, DIFFERENT, "RCPT", "RCPT TO:<z@example.net>", "RCPT TO:<b@example.net>", 14)
    for word in ("3", "RCPT", "different", "<z@example.net>", "<b@example.net>", "14"):
        assert word in str(miss)
    assert "line" not in str(miss._replace(closest="", line=0))


@pytest.mark.parametrize(
    "given",
    [
        *("", "Not recorded", "250 Ok", "55", "554 4.3.0 a"),
        *("554 5.3.0 a\r\nb", "554 a\n", "554\0", "554 é", "554 5.3.0 " + "x" * 600),
    ],
)
def test_what_is_no_reply_to_a_miss(given: str) -> None:
    """It is one line that a client can take, and refuses: a miss is never told as a success."""
    with pytest.raises(MissReplyError) as raised:
        read_miss_reply(given)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 300


@pytest.mark.parametrize(
    ("stage", "begins"),
    [
        ("CONNECT", b"421 4.3.0 smtpproxy: replay miss 3 at CONNECT"),
        ("AUTH", b"454 4.7.0 smtpproxy: replay miss 3 at AUTH"),
        ("STARTTLS", b"454 4.7.0 smtpproxy: replay miss 3 at STARTTLS"),
        ("RCPT", b"554 5.3.0 smtpproxy: replay miss 3 at RCPT"),
    ],
)
def test_the_usual_reply_fits_its_stage(stage: str, begins: bytes) -> None:
    """A client fails at once, wherever it stands, and reads why."""
    assert reply_to(Miss(3, DIFFERENT, stage, "x", "y")).startswith(begins)


def test_a_reply_of_the_users_own_is_told_at_every_stage() -> None:
    """It has the code that was asked for, and the text, or the miss itself."""
    miss = Miss(3, DIFFERENT, "CONNECT", "x", "y")
    assert reply_to(miss, MissReply("451", "4.3.0", "Later")) == b"451 4.3.0 Later\r\n"
    assert reply_to(miss, MissReply("451")).startswith(b"451 smtpproxy: replay miss 3 at CONNECT")


def test_a_reply_is_a_line_that_a_client_can_take() -> None:
    """RFC 5321 §4.5.3.1.5: 512 octets with CRLF, of printable ASCII."""
    heard = reply_to(Miss(3, DIFFERENT, "VRFY", "é" * 600, ""))
    assert len(heard) == 512
    assert heard.isascii()
