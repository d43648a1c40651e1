"""No text of a peer makes a condition slow, whatever its user wrote."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from smtpproxy.exchange import Message
from smtpproxy.rules.occasion import Occasion
from tests.rules.conditions.reading import rule_at
from tests.rules.occasions import occasion

LONG = "a" * 10_240
PATTERNS = ("/(a+)+$/", "/^(a|aa)+$/", "/(a*)*b/", "'/(.*a){20}$/'", "'*a*a*a*a*a*a*b'")
MAIL = "MAIL FROM:<b@example.org>"
SECONDS = 0.1


def subject() -> Occasion:
    """Return the end of a message with a long subject."""
    head = f"Subject: {LONG}!\r\n\r\n".encode()
    return occasion("END-OF-DATA", message=Message(len(head), head))


CASES: dict[str, tuple[str, str, Callable[[], Occasion]]] = {
    "sender": ("MAIL", "sender: %s", lambda: occasion(f"MAIL FROM:<{LONG}!>")),
    "recipient": ("RCPT", "recipient: %s", lambda: occasion(f"RCPT TO:<{LONG}!>", MAIL)),
    "client": ("NOOP", "client: %s", lambda: occasion("NOOP", client=f"{LONG}!")),
    "hello": ("EHLO", "hello: %s", lambda: occasion(f"EHLO {LONG}!")),
    "user": ("MAIL", "user: %s", lambda: occasion(MAIL, user=f"{LONG}!")),
    "parameters": ("MAIL", "parameters: {X: %s}", lambda: occasion(f"{MAIL} X={LONG}!")),
    "reply": ("RCPT", "reply: {text: %s}", lambda: occasion("RCPT", MAIL, f"250 {LONG}!")),
    "header": ("END-OF-DATA", "header: {Subject: %s}", subject),
}


@pytest.mark.parametrize("pattern", PATTERNS)
@pytest.mark.parametrize("key", CASES)
def test_a_pattern_is_linear(key: str, pattern: str) -> None:
    """Patterns that hang an engine which backtracks say no to 10 KB in less than 100 ms."""
    stage, when, at = CASES[key]
    rule, found = rule_at(stage, f"{{{when % pattern}}}"), at()
    before = time.perf_counter()
    rule.matches(found)
    assert time.perf_counter() - before < SECONDS


@pytest.mark.parametrize(
    "head",
    [
        b"Subject: " + b"=?a?q?" * 10_000 + b"\r\n\r\n",
        b"Subject: " + b"?= =?" * 10_000 + b"\r\n\r\n",
        b"Subject: " + b"=?utf-8?q?" + b"=41" * 20_000 + b"?=\r\n\r\n",
        b"Subject: a\r\n" + b" b\r\n" * 20_000 + b"\r\n",
        b"A: b\r\n" * 20_000 + b"\r\n",
    ],
)
def test_a_header_is_read_in_linear_time(head: bytes) -> None:
    """A header section that is made to be hard to read is read as quickly as any."""
    rule = rule_at("END-OF-DATA", "{header: {Subject: '*invoice*'}}")
    at = occasion("END-OF-DATA", message=Message(len(head), head))
    before = time.perf_counter()
    rule.matches(at)
    assert time.perf_counter() - before < SECONDS
