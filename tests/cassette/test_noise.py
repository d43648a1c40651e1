"""What differs at every run is passed over, and nothing else."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.noise import quiet_boundaries, quiet_reply


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("250 2.0.0 Ok: queued as 4F2A", "250 2.0.0 Ok: queued as 70F8620C54B"),
        ("250 OK id=1vMYBk-0000001G-2h", "250 OK id=1vNYBk-0000009G-3x"),
        (
            "250 2.0.0 4ANBx1Ab012345 Message accepted for delivery",
            "250 2.0.0 4ANBx1Ab012399 Message accepted for delivery",
        ),
        (
            "250 2.0.0 <b@example.net> kJ4nKx1bAmd0dAAAxyz1+Q Saved",
            "250 2.0.0 <b@example.net> xx4nKx1bAmd0dAAAxyz1+Q Saved",
        ),
        (
            "220 mx.example.net ESMTP Exim 4.96 Mon, 23 Nov 2026 12:00:00 +0000",
            "220 mx.example.net ESMTP Exim 4.96 Tue, 24 Nov 2026 09:15:01 +0100",
        ),
        ("220 mx ready at 2026-11-23T12:00:00Z", "220 mx ready at 2026-11-24T12:00:01Z"),
    ],
)
def test_noise_of_replies(one: str, other: str) -> None:
    """Queue ids of the usual servers, and dates, are the same to a comparison."""
    assert quiet_reply(one.encode()) == quiet_reply(other.encode())


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("550 5.1.1 no id given", "550 5.1.1 no id found"),
        ("250 Ok: queued", "250 Ok: delivered"),
        ("220 mx1.example.net", "220 mx2.example.net"),
        ("452 4.2.2 only 100 messages", "452 4.2.2 only 200 messages"),
        ("250 OK id=1vMYBk-0000001G-2h", "250 OK"),
    ],
)
def test_words_are_no_noise(one: str, other: str) -> None:
    """What a server means by a reply is kept."""
    assert quiet_reply(one.encode()) != quiet_reply(other.encode())


def test_boundaries_are_noise() -> None:
    """MIME boundaries are the same wherever they stand; the parts are not."""
    one = b'Content-Type: multipart/mixed; boundary="ab12"\r\n\r\n--ab12\r\n\r\nHi\r\n--ab12--\r\n'
    assert quiet_boundaries(one) == quiet_boundaries(one.replace(b"ab12", b"cd=_34"))
    assert quiet_boundaries(one) != quiet_boundaries(one.replace(b"Hi", b"Ho"))
