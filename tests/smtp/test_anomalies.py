"""What is odd in a command or a reply has a name."""

import pytest

from smtpproxy.smtp.anomalies import ANOMALIES, command_anomalies, reply_anomalies
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.server import final_code


@pytest.mark.parametrize(
    ("line", "names"),
    [
        (b"EHLO app.example.org\r\n", ()),
        (b"NOOP\ttab\r\n", ()),
        ("MAIL FROM:<j\u00f6rg@example.org> SMTPUTF8\r\n".encode(), ()),
        (b"EHLO app.example.org\n", ("bare-lf",)),
        (b"NOOP a\rb\r\n", ("bare-cr",)),
        (b"NOOP \r\r\n", ("bare-cr",)),
        (b"NOOP \0\r\n", ("nul",)),
        (b"NOOP \x1b[31m\r\n", ("control",)),
        (b"MAIL FROM:<j\xf6rg@example.org>\r\n", ("not-utf-8",)),
        (b"\0\xff\x07\r\n", ("nul", "control", "not-utf-8")),
    ],
)
def test_commands(line: bytes, names: tuple[str, ...]) -> None:
    """RFC 5321 §2.3.8 and §4.1.2, RFC 6531 §3.3: what a command line may not hold is named."""
    assert command_anomalies(line) == names


@pytest.mark.parametrize(
    ("wire", "names"),
    [
        (b"250 2.1.0 Ok\r\n", ()),
        (b"250-mail.example.org\r\n250-PIPELINING\r\n250 8BITMIME\r\n", ()),
        ("250 2.1.0 J\u00f6rg ist da\r\n".encode(), ()),
        (b"250\r\n", ("code-only",)),
        (b"250Ok\r\n", ("no-space",)),
        (b"250-One\r\n250Two\r\n", ("no-space",)),
        (b"250-One\r\n251 Two\r\n", ("mixed-codes",)),
        (b"250-One\r\n\r\n250 Two\r\n", ("line-without-code",)),
        (b"250-One\r\nTwo words\r\n250 Three\r\n", ("line-without-code",)),
        (b"250 Ok\n", ("bare-lf",)),
        (b"250 O\rk\r\n", ("bare-cr",)),
        (b"250 O\0k\r\n", ("nul",)),
        (b"250 \x1b[0m\r\n", ("control",)),
        (b"250 \xe9\r\n", ("not-utf-8",)),
        (b"250 ".ljust(510, b"x") + b"\r\n", ()),
        (b"250 ".ljust(511, b"x") + b"\r\n", ("long-reply-line",)),
        (b"099 Ok\r\n", ("odd-code",)),
        (b"650 Ok\r\n", ("odd-code",)),
        (b"250 5.1.1 No such user\r\n", ("enhanced-code-contradicts",)),
        (b"550 2.1.1 No such user\r\n", ("enhanced-code-contradicts",)),
        (b"450-4.7.1 Later\r\n450 4.7.1 much later\r\n", ()),
    ],
)
def test_replies(wire: bytes, names: tuple[str, ...]) -> None:
    """RFC 5321 §4.2 and §4.5.3.1.5, RFC 2034 §4: what a reply may not look like is named."""
    assert reply_anomalies(Reply(final_code(wire), wire)) == names


def test_names_are_words_of_options() -> None:
    """Each name can be written in an option: lower-case words and hyphens."""
    assert all(name.replace("-", "").isalnum() and name == name.lower() for name in ANOMALIES)
