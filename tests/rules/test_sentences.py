"""Each rule reads as a sentence: where, when, what the client hears, what upstream is asked."""

from __future__ import annotations

import pytest

from smtpproxy.rules.load import read_rules
from smtpproxy.rules.sentences import sentence

NOT_ASKED = "upstream is not asked."
SENTENCES = [
    ("RCPT: 452 4.2.2 Full", f"at RCPT, the client hears 452 4.2.2 Full; {NOT_ASKED}"),
    (
        "RCPT *@example.net: 450 4.7.1 Later",
        "at RCPT, when the recipient is like *@example.net, the client hears 450 4.7.1 Later; "
        + NOT_ASKED,
    ),
    (
        "{MAIL: 550 No, when: {sender: /^$/, tls: false}}",
        "at MAIL, when the sender matches /^$/ and the client's connection has no TLS, "
        f"the client hears 550 No; {NOT_ASKED}",
    ),
    (
        "{DATA: {delay: 5 s}, when: {recipient: bob@example.net}}",
        "at DATA, when the recipient is bob@example.net, the reply comes 5 s later.",
    ),
    (
        "{RCPT: {delay: 5 s, reply: 451 Later}, when: {sender: '*'}}",
        "at RCPT, when the sender is like *, the client hears 451 Later; "
        f"the reply comes 5 s later; {NOT_ASKED}",
    ),
    (
        "{RCPT: 451 Later, when: {reply: 45x}}",
        "at RCPT, when upstream answers 45x, the client hears 451 Later.",
    ),
    (
        "{RCPT: {reply: 250 Ok, upstream: forward}, when: {reply: 550}}",
        "at RCPT, when upstream answers 550, the client hears 250 Ok.",
    ),
    (
        "{RCPT: 451 Later, when: {reply: 4xx, tls: true}}",
        "at RCPT, when upstream answers 4xx and the client's connection has TLS, "
        "the client hears 451 Later.",
    ),
    (
        "CONNECT: 421 Busy",
        "at CONNECT, the client hears 421 Busy; upstream is not connected to.",
    ),
    (
        "END-OF-DATA: drop",
        "at END-OF-DATA, the client's connection is closed without an answer; "
        "upstream does not get the message.",
    ),
    (
        "END-OF-DATA: {upstream: deliver, client: reset}",
        "at END-OF-DATA, the client's connection is reset; upstream gets the message all the same.",
    ),
    (
        "RCPT: {upstream: forward, reply: 550 No}",
        "at RCPT, the client hears 550 No; upstream is asked all the same.",
    ),
    (
        "RCPT: 250 Ok",
        "at RCPT, the client hears 250 Ok; "
        "upstream is asked, and where it says otherwise the client hears that instead.",
    ),
    (
        "END-OF-DATA: 250 Ok",
        "at END-OF-DATA, the client hears 250 Ok; "
        "upstream gets the message, and where it says otherwise the client hears that instead.",
    ),
    ("EHLO: {keywords: {remove: DSN}}", "at EHLO, the keywords are told without DSN."),
    (
        "{RCPT: 450 Later, times: {until: 5 min after first, per: triplet}}",
        "at RCPT, the client hears 450 Later; upstream is not asked; "
        "until 300 s after the first, counted for each triplet.",
    ),
    (
        "{MAIL: 450 Slow, times: {above: 10, within: 1 min, per: client}}",
        "at MAIL, the client hears 450 Slow; upstream is not asked; "
        "once 10 have passed within 60 s, counted for each client.",
    ),
    (
        "{RCPT: 450 Later, when: {any: [{chance: 0.2}, {not: {tls: true}}]}}",
        "at RCPT, when chance has it (0.2) or it is not so that the client's connection has TLS, "
        "the client hears 450 Later; upstream is not asked.",
    ),
    ("STARTTLS: expired", "at STARTTLS, TLS behind the 220 is spoilt: expired."),
]


@pytest.mark.parametrize(("written", "told"), SENTENCES, ids=[one[0] for one in SENTENCES])
def test_a_rule_reads_as_a_sentence(written: str, told: str) -> None:
    """Each part of a rule has its place and its words, and the whole ends with a full stop."""
    text = f"smtpproxy-rules: 1\nrules:\n- {written}\n"
    (rule,) = read_rules(text.encode(), "rules.yaml")
    assert sentence(rule) == told


def test_nothing_of_a_rule_is_obeyed_by_a_terminal() -> None:
    """Control characters in a pattern, or in a reply, are shown."""
    text = 'smtpproxy-rules: 1\nrules:\n- {RCPT: "450 a\\eb", when: {sender: "c\\ed"}}\n'
    (rule,) = read_rules(text.encode(), "rules.yaml")
    assert sentence(rule) == (
        f"at RCPT, when the sender is c\\x1bd, the client hears 450 a\\x1bb; {NOT_ASKED}"
    )
