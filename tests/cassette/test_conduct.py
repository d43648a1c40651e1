"""What is odd in a recorded session is found, and where."""

from __future__ import annotations

import pytest

from smtpproxy.cassette.conduct import CONDUCT, findings
from smtpproxy.cassette.read import read_cassette

HEAD = "smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n"
GREETING = '- S: "220 Hi"\n- C: "EHLO x"\n  S: |\n    250-Hi\n    250 STARTTLS\n'
RCPT = '- C: "RCPT TO:<b@example.net>"\n  S: "250 Ok"\n'
MAIL = '- C: "MAIL FROM:<a@example.org>"\n  S: "250 Ok"\n' + RCPT
DATA = '- C: "DATA"\n  S: "354 Go on"\n'
MESSAGE = '- message: "Hi\\n"\n  S: "250 Ok"\n'
QUIT = '- C: "QUIT"\n  S: "221 Bye"\n'


def found(*items: str, end: str = "ended: quit\n") -> list[tuple[int, str]]:
    """Return the line, counted from the dialogue's first, and the name of each finding."""
    (session,) = read_cassette((HEAD + "".join(items) + end).encode(), "kept.yaml").sessions
    return [(finding.line - 4, finding.name) for finding in findings(session)]


def test_a_good_session_is_passed_over() -> None:
    """Nothing is odd in a session as it should be."""
    assert found(GREETING, MAIL, DATA, MESSAGE, QUIT) == []


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ((GREETING, DATA, MESSAGE, QUIT), [(6, "data-without-recipient")]),
        ((GREETING, MAIL, DATA, QUIT), [(12, "message-missing")]),
        ((GREETING, MAIL, MESSAGE, QUIT), [(10, "message-without-354")]),
        ((GREETING, MAIL, DATA, MESSAGE), [(12, "no-quit")]),
        ((GREETING, '- C: "NOOP"\n', QUIT), [(6, "reply-missing")]),
        ((GREETING, '- C: "NOOP"\n  S: "Ok"\n', QUIT), [(6, "reply-without-code")]),
        ((GREETING, '- C: "NOOP"\n  S: "250 a\\n250 b"\n', QUIT), [(6, "many-replies")]),
        (
            (GREETING, '- C: "NOOP"\n  S: "550 2.0.0 Ok"\n', QUIT),
            [(6, "enhanced-code-contradicts")],
        ),
        (
            (GREETING, '- C: "STARTTLS"\n  S: "220 Go"\n', MAIL, QUIT),
            [(8, "command-before-hello")],
        ),
    ],
)
def test_oddities(items: tuple[str, ...], expected: list[tuple[int, str]]) -> None:
    """Each is told once, with the line that it stands in."""
    assert found(*items) == expected


@pytest.mark.parametrize(
    ("items", "end"),
    [
        ((GREETING,), "ended: upstream-drop\n"),
        ((GREETING, '- C: "NOOP"\n'), "ended: upstream-drop\n"),
        ((GREETING, '- C: "NOOP"\n  S: "421 Bye"\n'), "ended: client-drop\n"),
        (('- S: "220 Hi"\n',), "ended: client-drop\n"),
        ((GREETING, '- C: "STARTTLS"\n  S: "220 Go"\n'), "ended: client-drop\nopaque: STARTTLS\n"),
        ((GREETING, '- C: "NOOP"\n  client-saw: ~\n  rule: x\n', QUIT), "ended: quit\n"),
        ((GREETING, '- stray: "Hm"\n', QUIT, '- S: "421 Late"\n'), "ended: quit\n"),
    ],
)
def test_what_may_be(items: tuple[str, ...], end: str) -> None:
    """Nobody is blamed for what the other side, a rule, or a health check did."""
    assert found(*items, end=end) == []


def test_a_reply_for_each_recipient_is_due() -> None:
    """RFC 2033 §4.2: in LMTP a message has as many replies as recipients."""
    hello = '- S: "220 Hi"\n- C: "LHLO x"\n  S: "250 Hi"\n'
    more = '- C: "RCPT TO:<c@example.net>"\n  S: "250 Ok"\n'
    message = '- message: "Hi\\n"\n  S: ["250 Ok", "550 No"]\n'
    assert found(hello, MAIL, more, DATA, message, QUIT) == []


def test_each_name_is_explained() -> None:
    """A finding says what it means, and its name, by which it can be passed over."""
    (session,) = read_cassette((HEAD + GREETING + "ended: quit\n").encode(), "x").sessions
    (finding,) = findings(session)
    assert str(finding) == f"{CONDUCT['no-quit']} [no-quit]"
