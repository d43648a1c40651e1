"""The judge: what upstream is asked, what is kept from it, and what the client is told."""

from __future__ import annotations

from smtpproxy.actions import Close, Side, Wait
from smtpproxy.exchange import PROXY, RULE, UPSTREAM, Exchange
from smtpproxy.rules.judge import Judge
from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.model import RuleBook, rule_book
from smtpproxy.rules.run import Run, Visit
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Continuation, Reply
from smtpproxy.smtp.state import State
from tests.dialogue import rules_in

DOMAIN = "mail.example.org"
WAIT = Wait(Side.CLIENT, 2.0)


def judge(*rules: str, book: RuleBook | None = None, envelope: str = "") -> Judge:
    """Return a judge; `envelope` holds the commands that upstream accepted so far."""
    state = State()
    for line in envelope.splitlines():
        command = parse_command(line.strip().encode() + b"\r\n")
        state.observe(command.verb, command, 250)
    return Judge(book or rule_book(list(map(parse_rule, rules))), state, DOMAIN)


def exchange(line: str) -> Exchange:
    """Return the exchange that a command begins, or a stage that has none."""
    if line in ("CONNECT", "END-OF-DATA"):
        return Exchange(line, None, 0.0)
    command = parse_command(line.encode() + b"\r\n")
    return Exchange(command.verb, command, 0.0)


def reply(text: str) -> Reply:
    """Return a reply of upstream."""
    return Reply(int(text[:3]), text.encode() + b"\r\n")


def heard(of: Judge, what: Exchange, said: str = "") -> str:
    """Return what the client is told, once the rules were asked before and after upstream."""
    of.consider(what)
    told = of.tell(what, reply(said) if said else None).reply
    return told.wire.decode().rstrip() if told else ""


ENVELOPE = "MAIL FROM:<a@example.org>\nRCPT TO:<b@example.net>"


def test_only_refusals_are_kept_from_upstream() -> None:
    """A refusal and a drop are made here; a success, a delay and no rule ask upstream."""
    refusing = judge("RCPT b@example.net: 550", "RCPT d@example.net: drop", "RCPT c@*: 251")
    for address, forwarded in (("b", False), ("d", False), ("c", True), ("e", True)):
        asked = exchange(f"RCPT TO:<{address}@example.net>")
        refusing.consider(asked)
        assert asked.forwarded is forwarded, address


def test_refusal_is_told_in_the_rules_words() -> None:
    """Who spoke is noted: the rule."""
    asked = exchange("RCPT TO:<b@example.net>")
    assert heard(judge("RCPT: 550 5.7.1 No"), asked) == "550 5.7.1 No"
    assert asked.by == RULE


def test_server_and_recipient_are_named() -> None:
    """<domain> is the name of the server, <forward-path> the recipient in question."""
    asked = exchange("RCPT TO:<@relay.example.com:b@example.net> NOTIFY=NEVER")
    text = "551 5.1.6 <domain> says: try <forward-path>"
    assert heard(judge(f"RCPT: {text}"), asked) == (
        "551 5.1.6 mail.example.org says: try <b@example.net>"
    )


def test_success_does_not_hide_a_refusal_unless_it_knows_it() -> None:
    """Only a rule that looked at upstream's reply may turn a refusal into a success."""
    asked = exchange("RCPT TO:<b@example.net>")
    assert heard(judge("RCPT: 251"), asked, "550 5.1.1 No") == "550 5.1.1 No"
    assert asked.by == UPSTREAM
    knowing = rules_in("{RCPT: {reply: 250 2.1.5 Yes, upstream: forward}, when: {reply: 550}}")
    asked = exchange("RCPT TO:<b@example.net>")
    assert heard(judge(book=knowing), asked, "550 5.1.1 No") == "250 2.1.5 Yes"
    assert asked.by == RULE


def test_forwarded_failure_changes_what_is_told() -> None:
    """`upstream: forward` lets upstream have the command, though the client hears a refusal."""
    asked = exchange("RCPT TO:<b@example.net>")
    forwarding = judge("RCPT: {reply: 450 4.7.1 Later, upstream: forward}")
    assert heard(forwarding, asked, "250 2.1.5 Ok") == "450 4.7.1 Later"
    assert asked.forwarded


def test_rules_on_the_reply_are_asked_only_when_none_answered() -> None:
    """The first answer wins, and one that was given before upstream was asked is earlier."""
    book = rules_in(
        "{RCPT: 452 4.3.1 Late, when: {reply: 4xx}}",
        "RCPT b@example.net: {reply: 450 4.7.1 Early, upstream: forward}",
    )
    assert heard(judge(book=book), exchange("RCPT TO:<b@example.net>"), "451 4.3.0 No") == (
        "450 4.7.1 Early"
    )
    assert heard(judge(book=book), exchange("RCPT TO:<c@example.net>"), "451 4.3.0 No") == (
        "452 4.3.1 Late"
    )
    assert heard(judge(book=book), exchange("RCPT TO:<c@example.net>"), "550 5.1.1 No") == (
        "550 5.1.1 No"
    )


def test_delays_of_both_kinds_apply() -> None:
    """A delay that was decided before upstream was asked is not lost when another rule answers."""
    book = rules_in("RCPT: {delay: 2 s}", "{RCPT: 452 4.3.1 No, when: {reply: 4xx}}")
    of, asked = judge(book=book), exchange("RCPT TO:<b@example.net>")
    of.consider(asked)
    telling = of.tell(asked, reply("450 4.2.0 Busy"))
    assert telling.before == [WAIT]
    assert telling.reply == reply("452 4.3.1 No")


def test_sender_is_that_of_the_command_or_of_the_transaction() -> None:
    """At MAIL the reverse-path in question counts, later that of the open transaction."""
    of = judge(
        book=rules_in("MAIL a@example.org: 550", "{RCPT: 551, when: {sender: z@example.org}}"),
        envelope="MAIL FROM:<z@example.org>",
    )
    assert heard(of, exchange("MAIL FROM:<a@example.org>"))[:3] == "550"
    assert heard(of, exchange("MAIL FROM:<z@example.org>"), "250 Ok") == "250 Ok"
    assert heard(of, exchange("RCPT TO:<b@example.net>"))[:3] == "551"


def test_recipients_behind_rcpt_are_those_accepted() -> None:
    """A condition on the recipient at DATA looks at the whole envelope."""
    book = rules_in("{DATA: 451, when: {recipient: c@example.net}}")
    with_c = judge(book=book, envelope=ENVELOPE + "\nRCPT TO:<c@example.net>")
    assert heard(with_c, exchange("DATA"))[:3] == "451"
    assert heard(judge(book=book, envelope=ENVELOPE), exchange("DATA"), "354 Go") == "354 Go"


def test_fate_of_mail_data_is_decided_when_its_turn_comes() -> None:
    """DATA waits for the recipients before it, and a message to be refused is taken here."""
    of, data = judge("END-OF-DATA: 552", envelope=ENVELOPE), exchange("DATA")
    assert "DATA" in of.waiting
    of.consider(data)
    assert (data.deferred, data.forwarded) == (False, False)
    told = of.tell(data, None).reply
    assert told is not None
    assert told.code == 354
    end = exchange("END-OF-DATA")
    of.consider_end(end, swallowed=True)
    assert not end.forwarded
    told = of.tell(end, None).reply
    assert told is not None
    assert (told.code, told.enhanced, end.by) == (552, "5.3.4", RULE)


def test_message_without_a_recipient_is_left_to_upstream() -> None:
    """Where nobody was accepted upstream is asked: it refuses DATA itself."""
    of, data = judge("END-OF-DATA: 552"), exchange("DATA")
    of.consider(data)
    of.consider(data)
    assert data.forwarded


def test_rule_at_data_comes_before_one_at_its_end() -> None:
    """DATA that is refused has no end."""
    of, data = judge("END-OF-DATA: 552", "DATA: 451", envelope=ENVELOPE), exchange("DATA")
    of.consider(data)
    of.consider(data)
    told = of.tell(data, None).reply
    assert told is not None
    assert told.code == 451


def test_delay_at_data_survives_a_message_taken_here() -> None:
    """What only delays DATA delays the proxy's own 354, too."""
    of, data = judge("END-OF-DATA: 552", "DATA: {delay: 2 s}", envelope=ENVELOPE), exchange("DATA")
    of.consider(data)
    of.consider(data)
    telling = of.tell(data, None)
    assert telling.before == [WAIT]
    assert telling.reply is not None
    assert telling.reply.code == 354


def test_delivered_message_is_upstreams() -> None:
    """`upstream: deliver` asks upstream for DATA, and acts at the end of mail data."""
    of = judge("END-OF-DATA: {upstream: deliver, client: drop}", envelope=ENVELOPE)
    data, end = exchange("DATA"), exchange("END-OF-DATA")
    of.consider(data)
    of.consider(data)
    assert data.forwarded
    assert of.tell(data, reply("354 Go")).reply == reply("354 Go")
    of.consider_end(end, swallowed=False)
    assert end.forwarded
    telling = of.tell(end, reply("250 Queued"))
    assert (telling.reply, telling.after) == (None, [Close(Side.CLIENT)])


def test_swallowed_message_without_a_rule_at_its_end_is_taken() -> None:
    """Who was told 354 by a rule alone hears 250 in the end."""
    of, end = (
        judge("DATA: {reply: 354 Go, upstream: none}", envelope=ENVELOPE),
        Exchange("END-OF-DATA", None, 0.0),
    )
    of.consider_end(end, swallowed=True)
    told = of.tell(end, None).reply
    assert told is not None
    assert told.code == 250
    assert end.by in (RULE, PROXY)


def test_retired_judge_takes_no_new_rules() -> None:
    """Where it is not known what a session is about, no later rule acts on it either."""
    of = judge("RCPT: 550")
    of.retire()
    of.adopt(rule_book([parse_rule("RCPT: 551")]), mail_data=False)
    assert of.concerned == frozenset()
    assert heard(of, exchange("RCPT TO:<b@example.net>"), "250 Ok") == "250 Ok"


def test_what_a_command_line_of_auth_is_refused_for_counts_not() -> None:
    """A refusal amid an AUTH is not told, and so it has not fired."""
    book = rules_in("{name: no, AUTH: 535, times: 1}")
    run = Run()
    of = Judge(book, State(), DOMAIN, Visit("", 1, run))
    response = Exchange("AUTH", Continuation(b"Ym9i\r\n"), 0.0)
    of.consider(response)
    assert (response.decision, response.forwarded) == (None, True)
    assert run.ledger.fired(book.rules[0].key) == (0, None)
    assert heard(of, exchange("AUTH PLAIN"))[:3] == "535"
