"""Facts keep their octets, and tell what is in them."""

import pytest

from smtpproxy.smtp.facts import Command, Reply


@pytest.mark.parametrize(
    ("verb", "wire", "argument"),
    [
        ("MAIL", b"MAIL FROM:<a@example.org>\r\n", b"FROM:<a@example.org>"),
        (
            "RCPT",
            b"  rcpt \t TO:<b@example.net> NOTIFY=NEVER \r\n",
            b"TO:<b@example.net> NOTIFY=NEVER",
        ),
        ("QUIT", b"QUIT\r\n", b""),
        ("QUIT", b"QUIT\n", b""),
        ("NOOP", b"NOOP NOOP NOOP\r\n", b"NOOP NOOP"),
        ("?", b"@@@ what\r\n", b""),
    ],
)
def test_argument(verb: str, wire: bytes, argument: bytes) -> None:
    """The argument is what follows the verb, without the blanks and the line ending around it."""
    assert Command(verb, wire).argument == argument


@pytest.mark.parametrize(
    ("wire", "lines"),
    [
        (b"250 2.1.0 Ok\r\n", [b"2.1.0 Ok"]),
        (
            b"250-mail.example.org\r\n250-SIZE 10\r\n250 HELP\r\n",
            [b"mail.example.org", b"SIZE 10", b"HELP"],
        ),
        (b"250-a\n250 b\n", [b"a", b"b"]),
        (b"250\r\n", [b""]),
        (b"250-\r\n250 \r\n", [b"", b""]),
        (b"250-a \t\r\n250 b \r\n", [b"a \t", b"b "]),
        (b"250  two blanks \r\n", [b" two blanks "]),
        (b"250 \xff\x85\x0b\x0c\x1c\r\n", [b"\xff\x85\x0b\x0c\x1c"]),
    ],
)
def test_lines_of_a_reply(wire: bytes, lines: list[bytes]) -> None:
    """Each line's text comes without code, separator and line ending, and else as it was sent."""
    assert Reply(250, wire).lines == lines


def test_bare_cr_ends_no_line_of_a_reply() -> None:
    """RFC 5321 §2.3.8: a bare CR is no line ending, and the text behind it belongs to its line."""
    assert Reply(250, b"250-a\rbcdefg\r\n250 h\r\n").lines == [b"a\rbcdefg", b"h"]


@pytest.mark.parametrize(
    ("wire", "enhanced"),
    [
        (b"250 2.1.0 Ok\r\n", "2.1.0"),
        (b"550-5.1.1 No\r\n550 5.1.1 such user\r\n", "5.1.1"),
        (b"450 4.7.112\r\n", "4.7.112"),
        (b"554 5.7.26", "5.7.26"),
        (b"250 Ok 2.1.0\r\n", ""),
        (b"250\r\n", ""),
        (b"250 3.1.0 no such class\r\n", ""),
        (b"250 2.1 too short\r\n", ""),
        (b"250 2.1.0.0 too long\r\n", ""),
        (b"250 2.1.1000 too large\r\n", ""),
        (b"250 2.1.0x\r\n", ""),
        (b"220 192.0.2.1 ready\r\n", ""),
        ("250 ٢.1.0 Ok\r\n".encode(), ""),
    ],
)
def test_enhanced_status_code(wire: bytes, enhanced: str) -> None:
    """RFC 3463 §2: class 2, 4 or 5, and two numbers of one to three digits, before the text."""
    assert Reply(int(wire[:3]), wire).enhanced == enhanced
