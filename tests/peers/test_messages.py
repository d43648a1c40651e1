"""The comparison by which the tests of real peers judge must itself be able to fail."""

import pytest

from tests.peers.messages import assert_same_message, hard_message

SENT = hard_message("compare")
RECEIVED = b"Received: from client.example.org\r\n\tby server.example.net\r\n"


def test_added_headers_are_allowed() -> None:
    """What servers and clients may add is no difference, wherever it stands."""
    arrived = RECEIVED + SENT.replace(
        b"MIME-Version", b"Message-Id: <1@example.org>\r\nMIME-Version"
    )
    assert_same_message(SENT, arrived)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"\r\n.\r\n", b"\r\n"),
        (b"\r\n..\r\n", b"\r\n.\r\n"),
        (b"\r\n\r\n\r\n", b"\r\n\r\n"),
        (b"\r\nFrom the", b"\r\n>From the"),
        (b" \t \r\n", b"\r\n"),
        (b"\r\n\tCarol", b" Carol"),
        (b"MIME-Version: 1.0\r\n", b""),
        (b"MIME-Version", b"Mime-Version"),
        (b"Subject:", b"X-Scanned: yes\r\nSubject:"),
        (b"the last line\r\n", b"the last line\r\n\r\n"),
    ],
)
def test_a_difference_is_found(old: bytes, new: bytes) -> None:
    """A lost dot, a changed blank, a refolded, lost or strange header: each is a failure."""
    arrived = RECEIVED + SENT.replace(old, new, 1)
    with pytest.raises(AssertionError):
        assert_same_message(SENT, arrived)
