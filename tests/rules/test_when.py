"""`when:` as a whole: nesting, what is asked when, and mistakes with their line."""

from __future__ import annotations

import pytest

from smtpproxy.documents import DocumentError
from smtpproxy.rules.load import read_rules
from smtpproxy.rules.model import rule_book
from tests.rules.conditions.reading import rule_at
from tests.rules.occasions import occasion

MAIL, RCPT = "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("{any: [{sender: z@*}, {recipient: b@*}]}", True),
        ("{any: [{sender: z@*}, {recipient: c@*}]}", False),
        ("{all: [{sender: a@*}, {recipient: b@*}]}", True),
        ("{all: [{sender: a@*}, {recipient: c@*}]}", False),
        ("{not: {sender: a@*}}", False),
        ("{not: {sender: a@*, recipient: c@*}}", True),
        ("{sender: a@*, not: {any: [{tls: true}, {recipient: c@*}]}}", True),
        ("{any: [{sender: z@*}, {sender: a@*, not: {recipient: b@*}}]}", False),
        ("{}", True),
    ],
)
def test_combinations(when: str, holds: bool) -> None:
    """A mapping holds where all in it does; all, any and not may stand in one another."""
    assert rule_at("RCPT", when).matches(occasion(RCPT, MAIL)) is holds


def test_what_needs_more_is_asked_later() -> None:
    """A condition on reply or message decides when its rule is asked, however deep it stands."""
    book = rule_book(
        [
            rule_at("END-OF-DATA", "{sender: a@*}"),
            rule_at("END-OF-DATA", "{any: [{sender: a@*}, {not: {reply: 250}}]}"),
            rule_at("END-OF-DATA", "{not: {header: [List-Id]}}"),
            rule_at("END-OF-DATA", "{size: over 1 kB, reply: 250}"),
        ]
    )
    assert [rule.conditions for rule in book.before["END-OF-DATA"]] == [book.rules[0].conditions]
    assert book.after["END-OF-DATA"] == (book.rules[1], book.rules[3])
    assert book.message == (book.rules[2],)
    assert book.concerned == {"DATA", "BDAT", "END-OF-DATA"}


def test_what_looks_back_waits() -> None:
    """A stage whose rules take earlier replies waits for them under PIPELINING."""
    waiting = {
        "{recipient: b@*}": False,
        "{not: {sender: a@*}}": True,
        "{message: 2}": True,
        "{command: 2}": False,
        "{client: 192.0.2.0/24}": False,
        "{chance: 0.5}": False,
    }
    for when, waits in waiting.items():
        assert ("RCPT" in rule_book([rule_at("RCPT", when)]).waiting) is waits, when


MISTAKES = [
    ("RCPT", "{sendr: a@*}", 4, "unknown key 'sendr'; did you mean 'sender'?"),
    ("RCPT", "{any: [{tls: true}, {cleint: 10.0.0.1}]}", 4, "did you mean 'client'?"),
    ("RCPT", "\n    any:\n    - tls: true\n    - tls: maybe", 7, "tls: expected true or false"),
    ("RCPT", "{any: {tls: true}}", 4, "any: expected a list of mappings"),
    ("RCPT", "{any: []}", 4, "any: expected a list of mappings"),
    ("RCPT", "{any: [{}]}", 4, "expected a condition"),
    ("RCPT", "{not: [tls]}", 4, "expected a mapping"),
    ("RCPT", "{not: {not: {not: {not: {not: {not: {not: {tls: true}}}}}}}}", 4, "6 levels"),
    ("RCPT", "{client: 192.0.2.7/24}", 4, "expected the network '192.0.2.0/24'"),
    ("RCPT", "{client: mail.example.org}", 4, "expected an address, a network"),
    ("RCPT", "{parameters: []}", 4, "expected a mapping such as"),
    ("RCPT", "{parameters: {X: '/(/'}}", 4, "parameters: the pattern '/(/' can't be read"),
    ("RCPT", "{reply: {cod: 450}}", 4, "reply: unknown key 'cod'; did you mean 'code'?"),
    ("RCPT", "{reply: {text: '/(/'}}", 4, "'/(/' can't be read"),
    ("RCPT", "{command: 0}", 4, "from 1 on"),
    ("RCPT", "{command: 5-3}", 4, "the lower one first"),
    ("RCPT", "{command: third}", 4, "expected a number, or '3-5'"),
    ("RCPT", "{since-start: 10 s}", 4, "expected a mapping such as {from: 10 s"),
    ("RCPT", "{since-start: {from: 30 s, to: 10 s}}", 4, "expected from: to be before to:"),
    ("RCPT", "{since-start: {form: 30 s}}", 4, "did you mean 'from'?"),
    ("RCPT", "{chance: 1.5}", 4, "above 0 and up to 1"),
    ("RCPT", "{chance: 0}", 4, "above 0 and up to 1"),
    ("RCPT", "{chance: 130 %}", 4, "above 0 and up to 1"),
    ("END-OF-DATA", "{size: 1 MiB}", 4, "expected a size such as 'over 1 MiB'"),
    ("END-OF-DATA", "{size: over 1 MIB}", 4, "expected a size such as 'over 1 MiB'"),
    ("END-OF-DATA", "{size: under 0 B}", 4, "no message is under 0 octets"),
    ("END-OF-DATA", "{header: {'a b': x}}", 4, "expected the name of a header field"),
    # What can't hold at the stage.
    ("RCPT", "{header: [Subject]}", 4, "it is for END-OF-DATA"),
    ("EHLO", "{not: {sender: a@*}}", 4, "no sender is known yet"),
    ("MAIL", "{any: [{recipient: b@*}]}", 4, "no recipient is known yet"),
    ("CONNECT", "{hello: app}", 4, "no hello is known yet"),
    ("CONNECT", "{user: bob}", 4, "no user is known yet"),
    ("EHLO", "{parameters: [SIZE]}", 4, "is for MAIL, RCPT"),
    ("NOOP", "{size: over 1 kB}", 4, "is for MAIL, RCPT"),
]


@pytest.mark.parametrize(("stage", "when", "line", "words"), MISTAKES)
def test_mistakes(stage: str, when: str, line: int, words: str) -> None:
    """Each names the line that it is on, and what was expected."""
    text = f"smtpproxy-rules: 1\nrules:\n- {stage}: {{delay: 1 s}}\n  when: {when}\n"
    with pytest.raises(DocumentError) as caught:
        read_rules(text.encode(), "rules.yaml")
    assert str(caught.value).startswith(f"rules.yaml:{line}: ")
    assert words in str(caught.value)


def test_too_many_conditions() -> None:
    """A rule's conditions are bounded."""
    many = ", ".join("{tls: true}" for _ in range(201))
    with pytest.raises(DocumentError, match="no more than 200 conditions"):
        rule_at("RCPT", f"{{any: [{many}]}}")


@pytest.mark.parametrize("when", ["{not: {reply: 2xx}}", "{reply: {text: '*'}}"])
def test_reply_that_may_be_any_must_say_what_upstream_has(when: str) -> None:
    """Where the code is not told, a refusal may hide a success: `upstream: forward` says so."""
    with pytest.raises(DocumentError, match="say upstream: forward"):
        rule_at("RCPT", when, "450")
    assert rule_at("RCPT", when, "{reply: 450, upstream: forward}").needs_reply
