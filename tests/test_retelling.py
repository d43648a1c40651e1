"""Upstream is told what rules rewrite; the client's own words are what is kept of it."""

from __future__ import annotations

import pytest

from smtpproxy.actions import Side
from smtpproxy.auth.deputy import Deputy
from smtpproxy.auth.login import Credentials
from smtpproxy.catchup import Said
from smtpproxy.encryption import MIRROR, Encryption
from smtpproxy.exchange import UPSTREAM, Decision, Exchange, Firing
from smtpproxy.relay import Relay
from smtpproxy.retelling import Retelling
from smtpproxy.rules.model import FORWARD
from smtpproxy.rules.run import Run, Visit
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.state import State
from tests.dialogue import GREETED, READY, Conversation, Witness, rules_in

SENDER = "{name: alias, MAIL: {rewrite: {sender: other@example.org}}}"
RECIPIENT = "{name: moved, RCPT b@*: {rewrite: {recipient: other@example.net}}}"
HELLO = "{name: renamed, EHLO: {rewrite: {hello: other.example.org}}}"
MAIL = """
    C: MAIL FROM:<a@example.org> SIZE=100 BODY=8BITMIME
    > MAIL FROM:<other@example.org> SIZE=100 BODY=8BITMIME
    U: 250 2.1.0 Ok
    S: 250 2.1.0 Ok
"""
MESSAGE = """
    C: RCPT TO:<b@example.net>
    > RCPT TO:<b@example.net>
    U: 250 2.1.5 Ok
    S: 250 2.1.5 Ok
    C: DATA
    > DATA
    U: 354 Go on
    S: 354 Go on
    C: .
    > .
    U: 250 2.0.0 Queued
    S: 250 2.0.0 Queued
"""


def ready(*rules: str) -> Conversation:
    """Return a conversation under rules of a file, behind EHLO."""
    talk = Conversation(book=rules_in(*rules))
    talk.play(READY)
    return talk


def told(talk: Conversation) -> list[bytes]:
    """Return what the notes say that upstream was told."""
    return [octets for fact, octets in talk.witness.octets if fact == "told-upstream"]


def test_sender_and_its_parameters() -> None:
    """The parameters stay; the rule has its name in the exchange, which upstream has answered."""
    talk = ready(SENDER)
    talk.play(MAIL)
    exchange = talk.witness.exchanges[-1]
    assert exchange.command == parse_command(
        b"MAIL FROM:<a@example.org> SIZE=100 BODY=8BITMIME\r\n"
    )
    assert exchange.decision is not None
    assert (exchange.decision.rule, exchange.by) == ("alias", UPSTREAM)
    assert told(talk) == [b"MAIL FROM:<other@example.org> SIZE=100 BODY=8BITMIME\r\n"]


def test_every_transaction_of_a_session() -> None:
    """The second one is rewritten as the first one was."""
    ready(SENDER).play(MAIL + MESSAGE + MAIL + MESSAGE)


def test_rules_go_by_what_the_client_says() -> None:
    """A later rule on the sender knows the client's, and upstream's refusal is told as ever."""
    talk = ready(SENDER, "{RCPT: 550 5.7.1 Not from you, when: {sender: other@example.org}}")
    talk.play(MAIL + MESSAGE)
    talk.play(
        """
        C: MAIL FROM:<a@example.org>
        > MAIL FROM:<other@example.org>
        U: 550 5.7.1 <other@example.org>: go away
        S: 550 5.7.1 <other@example.org>: go away
        """
    )


def test_the_null_sender() -> None:
    """It is told in the place of an address, and an address in its place."""
    talk = ready(
        "MAIL a@example.org: {rewrite: {sender: ''}}",
        "{MAIL: {rewrite: {sender: a@example.org}}, when: {sender: /^$/}}",
    )
    ok = "\nU: 250 Ok\nS: 250 Ok\n"
    talk.play(f"C: MAIL FROM:<a@example.org>\n> MAIL FROM:<>{ok}")
    talk.play(f"C: RSET\n> RSET{ok}C: MAIL FROM:<>\n> MAIL FROM:<a@example.org>{ok}")


def test_a_pipelined_recipient() -> None:
    """What is sent together goes on together, and one of it is rewritten."""
    talk = ready(RECIPIENT)
    talk.client(
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<c@example.net>\r\n"
        b"RCPT TO:<b@example.net> NOTIFY=NEVER\r\nDATA\r\n"
    )
    assert talk.unread(Side.UPSTREAM) == (
        b"MAIL FROM:<a@example.org>\r\nRCPT TO:<c@example.net>\r\n"
        b"RCPT TO:<other@example.net> NOTIFY=NEVER\r\nDATA\r\n"
    )
    talk.upstream(b"250 a\r\n250 c\r\n550 other\r\n354 go\r\n")
    assert talk.unread(Side.CLIENT) == b"250 a\r\n250 c\r\n550 other\r\n354 go\r\n"
    assert talk.relay.state.accepted_addresses() == ["c@example.net"]


def test_a_recipient_that_waits_for_its_turn() -> None:
    """A rule that takes the sender is asked once MAIL was answered, and rewrites then."""
    rule = "{RCPT: {rewrite: {recipient: x@example.net}}, when: {sender: a@*}}"
    talk = ready(rule)
    talk.client(b"MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n")
    assert talk.unread(Side.UPSTREAM) == b"MAIL FROM:<a@example.org>\r\n"
    talk.upstream(b"250 Ok\r\n")
    assert talk.unread(Side.UPSTREAM) == b"RCPT TO:<x@example.net>\r\n"


@pytest.mark.parametrize("waits", [False, True])
def test_letters_that_take_smtputf8(waits: bool) -> None:
    """A recipient has that of its MAIL, answered or not; without it, the command stays."""
    talk = ready('RCPT: {rewrite: {recipient: "jörg@example.net"}}')
    for parameter, address in ((" SMTPUTF8", "jörg"), ("", "b")):
        lines = f"RSET\r\nMAIL FROM:<a@example.org>{parameter}\r\n".encode()
        talk.client(lines)
        if waits:
            talk.upstream(b"250 Ok\r\n250 Ok\r\n")
        talk.client(b"RCPT TO:<b@example.net>\r\n")
        rcpt = f"RCPT TO:<{address}@example.net>\r\n".encode()
        assert talk.unread(Side.UPSTREAM) == lines + rcpt
    assert ("not-rewritten", "RCPT without SMTPUTF8") in talk.witness.notes
    assert told(talk) == ["RCPT TO:<jörg@example.net>\r\n".encode()]


def test_a_sender_that_takes_smtputf8() -> None:
    """Its own command must ask for that."""
    talk = ready('MAIL: {rewrite: {sender: "jörg@example.org"}}')
    talk.client(b"MAIL FROM:<a@example.org> SMTPUTF8\r\nMAIL FROM:<a@example.org>\r\n")
    wire = "MAIL FROM:<jörg@example.org> SMTPUTF8\r\nMAIL FROM:<a@example.org>\r\n".encode()
    assert talk.unread(Side.UPSTREAM) == wire


HELLOS = """
    C: EHLO app.example.org
    > EHLO other.example.org
    U: 250-mail.example.org
    U: 250 STARTTLS
    S: 250-mail.example.org
    S: 250 STARTTLS
"""


def test_a_name() -> None:
    """Upstream greets another; whoever looks at the session knows the client's own name."""
    talk = Conversation(book=rules_in(HELLO))
    talk.play(GREETED + HELLOS)
    assert talk.relay.state.helo == b"app.example.org"
    assert told(talk) == [b"EHLO other.example.org\r\n"]


def test_a_name_that_is_said_again() -> None:
    """Where TLS with upstream fails, and the client stays, upstream is told that name again."""
    talk = Conversation(book=rules_in(HELLO), tls=Encryption(MIRROR))
    talk.play(GREETED + HELLOS + "C: STARTTLS\n> STARTTLS\nU: 220 Go\n(upstream: start tls)")
    talk.take(talk.relay.not_secured(Side.UPSTREAM, "no trust"))
    talk.upstream(b"220 mail.example.org\r\n")
    assert talk.unread(Side.UPSTREAM) == b"EHLO other.example.org\r\n"


def test_the_last_of_several_rules() -> None:
    """Each rewrites what the one before it made of the command."""
    second = "MAIL: {rewrite: {sender: third@example.org}}"
    talk = ready(SENDER, second)
    talk.client(b"MAIL FROM:<a@example.org> SIZE=1\r\n")
    assert talk.unread(Side.UPSTREAM) == b"MAIL FROM:<third@example.org> SIZE=1\r\n"


def test_what_is_not_asked_is_not_rewritten() -> None:
    """Another rule refuses the command: upstream hears of nothing, and nothing is noted."""
    talk = ready(SENDER, "MAIL: 550 5.7.1 No")
    talk.play("C: MAIL FROM:<a@example.org>\nS: 550 5.7.1 No")
    assert told(talk) == []


def test_a_success_that_is_made_up_beside_it() -> None:
    """Upstream is told another sender, and the client hears other words."""
    talk = ready("MAIL: {reply: 250 Sure, rewrite: {sender: x@example.org}}")
    talk.play("C: MAIL FROM:<a@example.org>\n> MAIL FROM:<x@example.org>\nU: 250 Ok\nS: 250 Sure")


def test_a_dry_run_rewrites_nothing() -> None:
    """It says what would have been told."""
    visit = Visit("", 1, Run(dry=True))
    talk = Conversation(book=rules_in(SENDER), visit=visit)
    talk.play(READY)
    talk.client(b"MAIL FROM:<a@example.org>\r\n")
    assert talk.unread(Side.UPSTREAM) == b"MAIL FROM:<a@example.org>\r\n"
    words = "alias (1): upstream is told the sender <other@example.org>"
    assert ("would-fire", words) in talk.witness.notes


def test_what_names_nobody_goes_as_it_is() -> None:
    """Upstream says what is wrong with it."""
    talk = ready(SENDER)
    talk.play("C: MAIL\n> MAIL\nU: 501 5.5.4 FROM:\nS: 501 5.5.4 FROM:")
    assert ("not-rewritten", "MAIL without an address") in talk.witness.notes


def test_recipients_of_lmtp() -> None:
    """Each has its own reply, by order: what upstream was told does not matter."""
    talk = Conversation(book=rules_in(RECIPIENT))
    talk.play(GREETED + "C: LHLO a\n> LHLO a\nU: 250 mail\nS: 250 mail")
    talk.client(b"MAIL FROM:<>\r\nRCPT TO:<b@example.net>\r\nRCPT TO:<c@example.net>\r\nDATA\r\n")
    talk.upstream(b"250 Ok\r\n250 b\r\n250 c\r\n354 go\r\n")
    talk.client(b".\r\n")
    talk.upstream(b"250 2.0.0 for other\r\n452 4.2.2 for c\r\n")
    ends = [(one.recipient, one.heard.code) for one in talk.witness.exchanges[-2:] if one.heard]
    assert ends == [("b@example.net", 250), ("c@example.net", 452)]


def test_the_deputy_logs_in_behind_another_name() -> None:
    """The login follows upstream's answer to it, and a MAIL that waited is rewritten as ever."""
    deputy = Deputy(Credentials("app@example.org", "correct horse"), True)
    talk = Conversation(book=rules_in(HELLO, SENDER), deputy=deputy)
    talk.upstream(b"220 mail.example.org\r\n")
    talk.client(b"EHLO app.example.org\r\n")
    assert talk.unread(Side.UPSTREAM) == b"EHLO other.example.org\r\n"
    talk.upstream(b"250-mail.example.org\r\n250 AUTH PLAIN\r\n")
    talk.client(b"MAIL FROM:<a@example.org>\r\n")
    assert talk.unread(Side.UPSTREAM).startswith(b"AUTH PLAIN ")
    talk.upstream(b"235 2.7.0 Welcome\r\n")
    assert talk.unread(Side.UPSTREAM) == b"MAIL FROM:<other@example.org>\r\n"


# A cassette in upstream's place.


def before_cassette(*rules: str) -> Conversation:
    """Return a conversation with a cassette, behind its greeting."""
    talk = Conversation(book=rules_in(*rules), connected=False)
    talk.relay = Relay(talk.witness, lambda: 0.0, rules_in(*rules), to_cassette=True)
    talk.take(talk.relay.connected())
    talk.upstream(b"220 recorded\r\n")
    return talk


def test_a_cassette_is_asked_in_the_clients_words() -> None:
    """It has no others, and upstream was told nothing."""
    talk = before_cassette(HELLO, SENDER, RECIPIENT)
    said = b"EHLO a\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\n"
    talk.client(said)
    assert talk.unread(Side.UPSTREAM) == said
    assert told(talk) == []


def test_upstream_behind_a_cassette_is_told_the_other_words() -> None:
    """Both what is said again to it, and what the cassette did not answer, and all that follows."""
    talk = before_cassette(HELLO, SENDER, RECIPIENT)
    lines = (b"EHLO a\r\n", b"MAIL FROM:<a@example.org> SIZE=1\r\n")
    for line in lines:
        talk.client(line)
        talk.upstream(b"250 recorded\r\n")
    talk.client(b"RCPT TO:<b@example.net>\r\n")
    talk.unread(Side.UPSTREAM)
    talk.unread(Side.CLIENT)
    history = [Said(None, Reply(220, b"220 recorded\r\n"))]
    history += [Said(parse_command(line), Reply(250, b"250 recorded\r\n")) for line in lines]
    talk.take(talk.relay.depart(history))
    for octets, asked in (
        (b"220 mail\r\n", b"EHLO other.example.org\r\n"),
        (b"250 recorded\r\n", b"MAIL FROM:<other@example.org> SIZE=1\r\n"),
        (b"250 Ok\r\n", b"RCPT TO:<other@example.net>\r\n"),
        (b"250 Ok\r\n", b""),
    ):
        talk.upstream(octets)
        assert talk.unread(Side.UPSTREAM) == asked
    assert talk.unread(Side.CLIENT) == b"250 Ok\r\n"
    assert told(talk) == [b"RCPT TO:<other@example.net>\r\n"]
    assert ("own-command", "MAIL FROM:<other@example.org> SIZE=1") in talk.witness.notes
    talk.client(b"RSET\r\nMAIL FROM:<a@example.org>\r\n")
    assert talk.unread(Side.UPSTREAM) == b"RSET\r\nMAIL FROM:<other@example.org>\r\n"


def test_what_a_cassette_was_asked_is_not_kept_for_ever() -> None:
    """Of very many commands the first are said again as the client said them."""
    witness, sends = Witness(), Exchange("RCPT", None, 0.0)
    retelling = Retelling(witness, State(), [], to_cassette=True)
    (rule,) = rules_in("RCPT: {rewrite: {recipient: other@example.net}}").rules
    sends.decision = Decision(rule.name, (Firing(rule.name, rule.faults),), False, FORWARD, 0)
    said = [parse_command(b"RCPT TO:<%d@example.net>\r\n" % number) for number in range(5000)]
    for command in said:
        assert retelling.wire(sends, command) == command.wire
    again = retelling.departs([Said(command, Reply(250, b"250 Ok\r\n")) for command in said])
    assert again[0].told == b""
    assert {one.told for one in again[-4096:]} == {b"RCPT TO:<other@example.net>\r\n"}
    assert not witness.notes


# A message that is changed on its way.


def message_to(to_cassette: bool) -> tuple[bytes, list[tuple[str, str]]]:
    """Return what goes up of a message of which a rule lets two octets pass, and the notes."""
    talk = ready()
    rules = rules_in("{name: short, DATA: {truncate: 2}}")
    talk.relay = Relay(talk.witness, lambda: 0.0, rules, to_cassette=to_cassette)
    talk.take(talk.relay.connected())
    talk.play("U: 220 mail.example.org\nS: 220 mail.example.org")
    for line in ("EHLO app.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"):
        talk.play(f"C: {line}\n> {line}\nU: 250 Ok\nS: 250 Ok")
    talk.play("C: DATA\n> DATA\nU: 354 Go on\nS: 354 Go on")
    talk.client(b"Hello\r\n.\r\n")
    talk.upstream(b"250 Ok\r\n")
    notes = [note for note in talk.witness.notes if note[0] == "mail-data-changed"]
    return talk.unread(Side.UPSTREAM), notes


def test_a_cassette_gets_the_clients_message() -> None:
    """It has kept no other, and nothing is noted; upstream gets the one that is changed."""
    assert message_to(to_cassette=True) == (b"Hello\r\n.\r\n", [])
    changed = [("mail-data-changed", "short: 5 octets were swallowed")]
    assert message_to(to_cassette=False) == (b"He\r\n.\r\n", changed)


# SIZE, where a rule may change the size of a message.

RESIZING = "{DATA: {truncate: 10}, when: {sender: z@example.org}}"


@pytest.mark.parametrize(
    ("said", "wire"),
    [
        (
            "MAIL FROM:<a@example.org> SIZE=100 BODY=8BITMIME",
            "MAIL FROM:<a@example.org> BODY=8BITMIME",
        ),
        ("mail from:a@example.org  RET=HDRS\tsize=5", "mail from:a@example.org  RET=HDRS"),
        ('MAIL FROM:<"a SIZE=5 b"@c> SIZES=1', 'MAIL FROM:<"a SIZE=5 b"@c> SIZES=1'),
        ("MAIL FROM:<> SIZE SIZE=6 X=SIZE=7", "MAIL FROM:<> X=SIZE=7"),
        ("MAIL FROM:<a@example.org>", "MAIL FROM:<a@example.org>"),
    ],
)
def test_size_is_not_told(said: str, wire: str) -> None:
    """The parameter alone goes, whether the rule will match or not; the log keeps what was said."""
    talk = ready(RESIZING)
    talk.play(f"C: {said}\n> {wire}\nU: 250 Ok\nS: 250 Ok")
    command = talk.witness.exchanges[-1].command
    assert command is not None
    assert command.wire == said.encode() + b"\r\n"
    assert told(talk) == [wire.encode() + b"\r\n"] * (wire != said)


def test_size_goes_with_another_sender() -> None:
    """Both rules have their way."""
    talk = ready(SENDER, RESIZING)
    talk.play(
        """
        C: MAIL FROM:<a@example.org> SIZE=100
        > MAIL FROM:<other@example.org>
        U: 250 Ok
        S: 250 Ok
        """
    )


@pytest.mark.parametrize("rule", ["DATA: {corrupt: {octets: 3}}", "DATA: {delay: 1 s}"])
def test_size_stays_where_it_is_true(rule: str) -> None:
    """No other rule takes it out."""
    talk = ready(rule)
    line = "MAIL FROM:<a@example.org> SIZE=100"
    talk.play(f"C: {line}\n> {line}\nU: 250 Ok\nS: 250 Ok")


def test_size_stays_in_a_dry_run() -> None:
    """Such rules change nothing."""
    visit = Visit("", 1, Run(dry=True))
    talk = Conversation(book=rules_in(RESIZING), visit=visit)
    line = "MAIL FROM:<a@example.org> SIZE=100"
    talk.play(READY + f"C: {line}\n> {line}\nU: 250 Ok\nS: 250 Ok")


def test_size_under_rules_that_come_later() -> None:
    """A reload has its way from the next command on."""
    talk = ready("{NOOP: 250}")
    talk.relay.adopt(rules_in(RESIZING))
    talk.play("C: MAIL FROM:<> SIZE=1\n> MAIL FROM:<>\nU: 250 Ok\nS: 250 Ok")
    talk.relay.adopt(rules_in("{NOOP: 250}"))
    talk.play("C: MAIL FROM:<> SIZE=1\n> MAIL FROM:<> SIZE=1\nU: 503 No\nS: 503 No")
