"""Rules that take the message: whether it must be seen, and what becomes of it then."""

from __future__ import annotations

import pytest

from smtpproxy.exchange import Exchange
from smtpproxy.rules.judge import Judge
from smtpproxy.rules.occasion import Message
from smtpproxy.rules.run import Run, Visit
from smtpproxy.smtp.facts import Reply
from tests.dialogue import rules_in
from tests.rules.occasions import exchange_of, state_behind

ENVELOPE = "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.net>"
HEAD = b"Subject: an invoice\r\n\r\n"
REFUSING = "{END-OF-DATA: 554 5.6.0 No, when: {header: {Subject: '*invoice*'}}}"


def judge(*rules: str, run: Run | None = None) -> Judge:
    """Return a judge of a session with an envelope."""
    visit = Visit("192.0.2.7", 1, run or Run())
    return Judge(rules_in(*rules), state_behind(ENVELOPE), "mail.example.org", visit)


def at_the_end(of: Judge, message: Message) -> Exchange:
    """Return the end of mail data, once its message was considered; the proxy said 354."""
    data, end = exchange_of("DATA"), exchange_of("END-OF-DATA")
    of.consider(data)
    assert not data.forwarded
    assert of.course is not None
    assert of.course.holds
    assert of.needs_message
    of.consider_end(end, swallowed=False)
    of.consider_message(end, message)
    return end


@pytest.mark.parametrize(
    ("rule", "needs"),
    [
        (REFUSING, True),
        ("{END-OF-DATA: 552, when: {size: over 1 kB}}", True),
        ("{END-OF-DATA: 552, when: {size: over 1 kB, sender: z@*}}", False),
        ("{END-OF-DATA: 552, when: {not: {header: [List-Id]}, chance: 0.1}}", True),
        ("{END-OF-DATA: 552, when: {sender: a@*}}", False),
        ("{MAIL: 552, when: {size: over 1 kB}}", False),
        ("{END-OF-DATA: {delay: 1 s}, when: {size: over 1 kB, reply: 250}}", True),
    ],
)
def test_message_is_seen_where_a_rule_may_ask_for_it(rule: str, needs: bool) -> None:
    """Where all else already says no, the message passes as ever."""
    for line in ("DATA", "BDAT 6", "BDAT 6 LAST"):
        of = judge(rule)
        of.consider(exchange_of(line))
        assert of.needs_message is needs, line


def test_message_that_is_decided_about_is_not_seen() -> None:
    """A rule that answers without the message comes first, wherever it stands."""
    of, data = judge(REFUSING, "END-OF-DATA: 552"), exchange_of("DATA")
    of.consider(data)
    assert (of.needs_message, data.forwarded) == (False, False)


def test_refused_message() -> None:
    """Upstream does not get it, and the client hears the rule's reply."""
    of = judge(REFUSING)
    end = at_the_end(of, Message(100, HEAD))
    assert not end.forwarded
    told = of.tell(end, None).reply
    assert told is not None
    assert told.wire == b"554 5.6.0 No\r\n"


def test_message_that_no_rule_wants_goes_on() -> None:
    """Upstream is asked, and what it says is told."""
    of = judge(REFUSING)
    end = at_the_end(of, Message(100, b"Subject: hello\r\n\r\n"))
    assert (end.forwarded, end.decision) == (True, None)
    reply = Reply(250, b"250 2.0.0 Queued\r\n")
    assert of.tell(end, reply).reply == reply


def test_what_was_decided_at_data_applies_beside() -> None:
    """A delay that did not take the message is not lost."""
    of = judge("{name: slow, END-OF-DATA: {delay: 2 s}}", REFUSING)
    end = at_the_end(of, Message(100, HEAD))
    assert end.decision is not None
    assert [firing.rule for firing in end.decision.firings] == ["slow", "END-OF-DATA"]
    assert end.decision.rule == "END-OF-DATA"


def test_last_chunk_has_its_message_too() -> None:
    """At the last BDAT the same rules are asked, and no chunk before it."""
    of = judge(REFUSING)
    last = exchange_of("BDAT 6 LAST")
    of.consider(last)
    assert (of.needs_message, last.decision) == (True, None)
    of.consider_message(last, Message(100, HEAD))
    assert not last.forwarded


def test_message_and_reply_together() -> None:
    """A rule that takes both is asked when upstream has answered."""
    rule = (
        "{END-OF-DATA: {reply: 451 4.3.0 No, upstream: deliver}, "
        "when: {header: [Subject], reply: 250}}"
    )
    for head, code in ((HEAD, 451), (b"X: y\r\n\r\n", 250)):
        of = judge(rule)
        end = at_the_end(of, Message(100, head))
        assert end.forwarded
        told = of.tell(end, Reply(250, b"250 Ok\r\n")).reply
        assert told is not None
        assert told.code == code


def test_firing_is_counted_when_the_message_is_there() -> None:
    """The message is a match once, and only where it fits."""
    run = Run()
    of = judge(REFUSING.replace("when", "times: 1, when"), run=run)
    for head, forwarded in ((b"A: b\r\n\r\n", True), (HEAD, False), (HEAD, True)):
        assert at_the_end(of, Message(1, head)).forwarded is forwarded
    (rule,) = rules_in(REFUSING).rules
    assert run.ledger.fired(rule.key) == (1, 0.0)
