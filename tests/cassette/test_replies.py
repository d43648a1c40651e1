"""What a client heard, reply by reply."""

from __future__ import annotations

from smtpproxy.cassette.replies import replies_in


def test_replies_come_one_by_one() -> None:
    """A reply of several lines is one, and several replies are several."""
    octets = b"250-a\r\n250 b\r\n550 5.1.1 c\r\n"
    assert [reply.wire for reply in replies_in(octets)] == [
        b"250-a\r\n250 b\r\n",
        b"550 5.1.1 c\r\n",
    ]
    assert replies_in(None) == []


def test_what_is_no_reply_is_left_out() -> None:
    """A line without a code, or without an end, is none."""
    assert replies_in(b"Hi\r\n250 ok\r\n250 no") == [(250, b"250 ok\r\n")]
