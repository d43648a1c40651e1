"""Rules in their order: who answers, who only delays, and when they are asked."""

from __future__ import annotations

import pytest

from smtpproxy.exchange import Decision
from smtpproxy.faults import Delay, Drop, SayReply
from smtpproxy.rules.deciding import decide
from smtpproxy.rules.load import parse_rule, read_rules
from smtpproxy.rules.model import FORWARD, NO_RULES, NONE, rule_book
from smtpproxy.rules.occasion import Occasion
from tests.dialogue import rules_in
from tests.rules.occasions import occasion

MAIL = "MAIL FROM:<a@example.org>"
TO_BOB, TO_CAROL = "RCPT TO:<bob@example.net>", "RCPT TO:<carol@example.net>"
BOB = occasion(TO_BOB, MAIL)


def decided(at: Occasion, *texts: str) -> Decision | None:
    """Return what rules of the command line decide."""
    return decide(tuple(map(parse_rule, texts)), at)


def test_no_rule_decides_nothing() -> None:
    """Where no rule matches there is no decision."""
    assert decided(BOB) is None
    assert decided(BOB, "RCPT carol@example.net: 550", "RCPT carol@*: {delay: 2 s}") is None


@pytest.mark.parametrize(
    ("first", "second", "rule", "code"),
    [
        ("RCPT: 452", "RCPT bob@*: 550", "RCPT", 452),
        ("RCPT bob@*: 550", "RCPT: 452", "RCPT bob@*", 550),
        ("RCPT carol@*: 550", "RCPT: 452", "RCPT", 452),
        ("RCPT bob@*: drop", "RCPT: 452", "RCPT bob@*", 0),
    ],
)
def test_first_that_answers_wins(first: str, second: str, rule: str, code: int) -> None:
    """Rules are asked from top to bottom, and one answer is enough."""
    decision = decided(BOB, first, second)
    assert decision is not None
    assert (decision.rule, decision.code, decision.answers) == (rule, code, True)
    assert len(decision.faults) == 1


def test_delays_all_apply_in_order() -> None:
    """Rules that only delay apply before and behind the one that answers, and name nothing."""
    decision = decided(
        BOB,
        *("RCPT: {delay: 1 s}", "RCPT b*: {delay: 2 s}", "RCPT bob@*: drop", "RCPT: 550"),
        *("RCPT carol@*: {delay: 4 s}", "RCPT: {delay: 8 s}"),
    )
    assert decision is not None
    assert decision.faults == (Delay(1.0), Delay(2.0), Drop(), Delay(8.0))
    assert (decision.rule, decision.answers, decision.upstream) == ("RCPT bob@*", True, NONE)


def test_rule_that_lost_does_not_delay() -> None:
    """A rule that would answer too late is not applied at all, neither is its delay."""
    decision = decided(BOB, "RCPT: 452", "RCPT: {reply: 550, delay: 30 s}")
    assert decision is not None
    assert [type(fault) for fault in decision.faults] == [SayReply]


def test_delay_alone_asks_upstream() -> None:
    """Without an answer the command is forwarded, and the first that delays is named."""
    decision = decided(BOB, "RCPT bob@*: {delay: 1 s}", "RCPT: {delay: 2 s}")
    assert decision is not None
    assert decision.faults == (Delay(1.0), Delay(2.0))
    assert (decision.rule, decision.answers, decision.upstream) == ("RCPT bob@*", False, FORWARD)


def test_upstream_is_what_the_answering_rule_says() -> None:
    """A rule that only delays does not make a refusal reach upstream."""
    refused = decided(BOB, "RCPT: {delay: 1 s}", "RCPT: 550")
    changed = decided(BOB, "RCPT: {delay: 1 s}", "RCPT: 251")
    assert refused is not None
    assert changed is not None
    assert (refused.upstream, changed.upstream) == (NONE, FORWARD)


def test_every_condition_must_hold() -> None:
    """Sender, recipient and reply each can keep a rule from matching."""
    text = "smtpproxy-rules: 1\nrules:\n- {RCPT bob@*: 450, when: {sender: a@*, reply: 4xx}}\n"
    (rule,) = read_rules(text.encode(), "rules.yaml")
    assert rule.matches(occasion(TO_BOB, MAIL, "451 No"))
    assert not rule.matches(occasion(TO_BOB, MAIL))
    assert not rule.matches(occasion(TO_BOB, MAIL, "550 No"))
    assert not rule.matches(occasion(TO_BOB, "MAIL FROM:<b@example.org>", "451 No"))
    assert not rule.matches(occasion(TO_BOB, "", "451 No"))
    assert not rule.matches(occasion("RCPT", MAIL, "451 No"))


def test_one_recipient_of_many_is_enough() -> None:
    """Behind RCPT a condition on the recipient holds if any that was accepted fits."""
    text = "smtpproxy-rules: 1\nrules:\n- {DATA: 451, when: {recipient: bob@*}}\n"
    (rule,) = read_rules(text.encode(), "rules.yaml")
    assert rule.matches(occasion("DATA", "\n".join([MAIL, TO_CAROL, TO_BOB])))
    assert not rule.matches(occasion("DATA", "\n".join([MAIL, TO_CAROL])))


def test_null_reverse_path_is_a_sender() -> None:
    """`<>` is not the same as a sender who is not known."""
    text = 'smtpproxy-rules: 1\nrules:\n- {RCPT: 550, when: {sender: ""}}\n'
    (rule,) = read_rules(text.encode(), "rules.yaml")
    assert rule.matches(occasion(TO_BOB, "MAIL FROM:<>"))
    assert not rule.matches(occasion(TO_BOB))
    assert not rule.matches(BOB)


def test_book_sorts_rules_by_when_they_are_asked() -> None:
    """Only a rule that looks at upstream's reply waits for it; the order of the file is kept."""
    book = rules_in(
        *("RCPT: {delay: 1 s}", "{RCPT: 450, when: {reply: 4xx}}", "MAIL: 552", "RCPT: 550"),
    )
    assert [rule.code for rule in book.before["RCPT"]] == [0, 550]
    assert [rule.code for rule in book.after["RCPT"]] == [450]
    assert [rule.code for rule in book.before["MAIL"]] == [552]
    assert (set(book.before), set(book.after)) == ({"RCPT", "MAIL"}, {"RCPT"})
    assert book.concerned == {"RCPT", "MAIL"}
    assert book.total == 4


def test_end_of_data_concerns_data() -> None:
    """What becomes of mail data is decided at DATA or BDAT, unless it takes upstream's reply."""
    early = rule_book([parse_rule("END-OF-DATA: 552")])
    assert early.concerned == {"DATA", "BDAT", "END-OF-DATA"}
    assert early.waiting == {"DATA", "BDAT"}
    late = rules_in("{END-OF-DATA: {reply: 451, upstream: deliver}, when: {reply: 250}}")
    assert late.concerned == {"BDAT", "END-OF-DATA"}
    assert late.waiting == set()


def test_no_rules_concern_nothing() -> None:
    """Without rules no stage is to be asked about."""
    assert rule_book([]) == NO_RULES
    assert not NO_RULES.concerned
