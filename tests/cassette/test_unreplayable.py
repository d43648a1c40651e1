"""What a cassette can't keep up is not offered in replay."""

import pytest

from smtpproxy.cassette.unreplayable import without_unreplayable


@pytest.mark.parametrize(
    ("recorded", "offered"),
    [
        ("250-a\n250-STARTTLS\n250 SIZE", "250-a\n250 SIZE"),
        ("250-a\n250-SIZE\n250 starttls", "250-a\n250 SIZE"),
        ("250-a\n250 AUTH PLAIN SCRAM-SHA-256 LOGIN", "250-a\n250 AUTH PLAIN LOGIN"),
        ("250-a\n250-AUTH SCRAM-SHA-1 SCRAM-SHA-256-PLUS\n250 SIZE", "250-a\n250 SIZE"),
        ("250-a\n250-AUTH SCRAM-SHA-1\n250 STARTTLS", "250 a"),
        ("250-STARTTLS.example.org\n250 AUTH  PLAIN", "250-STARTTLS.example.org\n250 AUTH  PLAIN"),
        ("250 STARTTLS", "250 STARTTLS"),
        ("502 5.5.1 No", "502 5.5.1 No"),
    ],
)
def test_what_cannot_be_replayed_is_not_offered(recorded: str, offered: str) -> None:
    """STARTTLS, and SCRAM, whose server proves itself (RFC 5802), are taken out of EHLO."""
    text = f"{recorded}\n".replace("\n", "\r\n").encode()
    assert without_unreplayable(text) == f"{offered}\n".replace("\n", "\r\n").encode()


@pytest.mark.parametrize(
    ("recorded", "offered"),
    [
        ("250-a\n250-STARTTLS\n250 SIZE", "250-a\n250-STARTTLS\n250 SIZE"),
        ("250-a\n250-AUTH SCRAM-SHA-1 PLAIN\n250 starttls", "250-a\n250-AUTH PLAIN\n250 starttls"),
        ("250-a\n250-STARTTLS\n250 AUTH GS2-KRB5-PLUS", "250-a\n250 STARTTLS"),
    ],
)
def test_starttls_may_stay_where_others_go(recorded: str, offered: str) -> None:
    """Mechanisms whose server proves itself, or binds itself to its channel, go in any case."""
    text = f"{recorded}\n".replace("\n", "\r\n").encode()
    expected = f"{offered}\n".replace("\n", "\r\n").encode()
    assert without_unreplayable(text, starttls=True) == expected
