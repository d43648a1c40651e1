"""Rule files, and rules of the command line: the short forms are read as the design means them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.documents import DocumentError
from smtpproxy.faults import Delay, Drop, Keywords, SayReply, SpoiltTls
from smtpproxy.rules.load import load_rules, parse_rule, read_rules
from smtpproxy.rules.model import DELIVER, FORWARD, NONE, Rule
from smtpproxy.rules.occasion import Occasion
from tests.rules.occasions import occasion

NO_STORAGE = "Requested action not taken: insufficient system storage"


def rule_in(*lines: str) -> Rule:
    """Return the only rule of a file, written as these lines."""
    text = "smtpproxy-rules: 1\nrules:\n- " + "\n  ".join(lines) + "\n"
    (rule,) = read_rules(text.encode(), "rules.yaml")
    return rule


def at_rcpt(recipient: str, sender: str = "a@example.org", code: int = 0) -> Occasion:
    """Return a recipient in question."""
    reply = f"{code} Said" if code else ""
    return occasion(f"RCPT TO:<{recipient}>", f"MAIL FROM:<{sender}>", reply)


@pytest.mark.parametrize("read", [rule_in, parse_rule])
def test_stage_and_code_are_a_rule(read: Callable[[str], Rule]) -> None:
    """`RCPT: 452` takes text and enhanced code from the registry, and applies to everyone."""
    rule = read("RCPT: 452")
    assert (rule.name, rule.stage, rule.upstream) == ("RCPT", "RCPT", NONE)
    assert rule.faults == (SayReply(452, "4.3.1", (NO_STORAGE,)),)
    assert rule.matches(at_rcpt("b@example.net"))


@pytest.mark.parametrize("read", [rule_in, parse_rule])
def test_pattern_for_the_address_of_the_stage(read: Callable[[str], Rule]) -> None:
    """`RCPT *@example.net` looks at the recipient in question; a text is told as it stands."""
    rule = read('RCPT *@example.net: "450 4.7.1 Later"')
    assert rule.name == "RCPT *@example.net"
    assert rule.faults == (SayReply(450, "4.7.1", ("Later",)),)
    assert rule.matches(at_rcpt("b@example.net"))
    assert not rule.matches(at_rcpt("b@example.com"))


def test_pattern_at_mail_is_for_the_sender() -> None:
    """`MAIL a@example.org` looks at the reverse-path."""
    rule = rule_in("MAIL a@example.org: 552")
    assert rule.matches(occasion("MAIL FROM:<a@example.org>"))
    assert not rule.matches(occasion("MAIL FROM:<b@example.org>"))


def test_name_and_conditions() -> None:
    """`name:` names the rule, and every condition of `when:` must hold."""
    rule = rule_in(
        "name: greylist",
        'RCPT: "450 4.7.1 Greylisted, try again later"',
        'when: {recipient: "*@example.net", sender: a@example.org, reply: 45x}',
    )
    assert (rule.name, rule.stage, rule.upstream) == ("greylist", "RCPT", FORWARD)
    assert rule.faults == (SayReply(450, "4.7.1", ("Greylisted, try again later",)),)
    assert rule.matches(at_rcpt("b@example.net", "a@example.org", 451))
    assert not rule.matches(at_rcpt("b@example.com", "a@example.org", 451))
    assert not rule.matches(at_rcpt("b@example.net", "c@example.org", 451))
    assert not rule.matches(at_rcpt("b@example.net", "a@example.org", 550))


def test_pattern_and_condition_on_the_same_address_both_count() -> None:
    """A pattern behind the stage is not forgotten where `when:` names the recipient, too."""
    try:
        rule = rule_in("RCPT *@example.net: 550", 'when: {recipient: "bob@*"}')
    except DocumentError:
        return  # to refuse it as said twice is as good
    assert rule.matches(at_rcpt("bob@example.net"))
    assert not rule.matches(at_rcpt("bob@example.com"))
    assert not rule.matches(at_rcpt("carol@example.net"))


def test_block_is_a_multiline_reply() -> None:
    """More lines of text make a reply of more lines."""
    rule = rule_in("RCPT: |", "  450 4.7.1 Greylisted", "  Try again in five minutes")
    assert rule.faults == (SayReply(450, "4.7.1", ("Greylisted", "Try again in five minutes")),)


def test_mapping_says_what_upstream_experiences() -> None:
    """`{upstream: deliver, client: drop}` is the lost acknowledgement of the design."""
    rule = rule_in("name: lost acknowledgement", "END-OF-DATA: {upstream: deliver, client: drop}")
    assert (rule.stage, rule.upstream, rule.faults) == ("END-OF-DATA", DELIVER, (Drop(),))


def test_delay_forwards() -> None:
    """A rule that only delays asks upstream as ever."""
    rule = parse_rule("CONNECT: {delay: 30 s}")
    assert (rule.faults, rule.answers, rule.upstream) == ((Delay(30.0),), False, FORWARD)


def test_delay_and_reply_in_one_rule() -> None:
    """One rule may make the client wait and then answer."""
    rule = parse_rule("RCPT: {reply: 450 4.7.1 Later, delay: 250 ms}")
    assert set(rule.faults) == {SayReply(450, "4.7.1", ("Later",)), Delay(0.25)}


@pytest.mark.parametrize(
    ("word", "drop"),
    [
        ("drop", Drop()),
        ("reset", Drop("reset")),
        ("no-close-notify", Drop("no-close-notify")),
    ],
)
def test_way_to_end_the_connection_as_short_form(word: str, drop: Drop) -> None:
    """`RCPT: drop` and its like end the client's connection, and upstream is not asked."""
    rule = parse_rule(f"RCPT: {word}")
    assert (rule.faults, rule.upstream) == ((drop,), NONE)


@pytest.mark.parametrize("text", ["STARTTLS: expired", "starttls: {tls: expired}"])
def test_what_goes_wrong_in_tls(text: str) -> None:
    """At STARTTLS the word alone will do; upstream is asked as ever."""
    rule = parse_rule(text)
    assert (rule.faults, rule.answers, rule.upstream) == ((SpoiltTls("expired"),), False, FORWARD)


def test_keywords() -> None:
    """A mapping is read whole, and asks upstream as ever."""
    rule = rule_in("EHLO: {keywords: {remove: [STARTTLS, auth], set: {SIZE: 1024, DSN: }}}")
    put = (b"SIZE 1024", b"DSN")
    assert rule.faults == (Keywords(frozenset({b"STARTTLS", b"AUTH"}), put),)
    assert (rule.answers, rule.upstream) == (False, FORWARD)


@pytest.mark.parametrize("secure", [True, False])
def test_condition_on_tls(secure: bool) -> None:
    """`tls: true` holds where the client's leg is encrypted, `tls: false` elsewhere."""
    for word, wanted in (("true", True), ("false", False)):
        rule = rule_in("NOOP: 450", f"when: {{tls: {word}}}")
        assert rule.matches(occasion("NOOP", secure=secure)) is (secure is wanted)
    assert rule_in("NOOP: 450").matches(occasion("NOOP", secure=secure))


@pytest.mark.parametrize(
    ("text", "upstream"),
    [
        ("RCPT: 250", FORWARD),
        ("DATA: 354", FORWARD),
        ("RCPT: 450", NONE),
        ("RCPT: 550", NONE),
        ("AUTH: 334", FORWARD),
        ("STARTTLS: 220", FORWARD),
        ("RCPT: {reply: 250, upstream: none}", NONE),
        ("RCPT: {reply: 550, upstream: forward}", FORWARD),
    ],
)
def test_upstream_by_default(text: str, upstream: str) -> None:
    """A refusal is made here, a success is forwarded; `upstream:` says otherwise."""
    assert parse_rule(text).upstream == upstream


@pytest.mark.parametrize(
    ("text", "stage"),
    [
        *(("rcpt: 452", "RCPT"), ("VERFY: 550", "VRFY"), ("end-of-data: 552", "END-OF-DATA")),
        *(("BDAT: 552", "BDAT"), ("ETRN: 458", "ETRN"), ("XCLIENT: 501", "XCLIENT")),
    ],
)
def test_every_verb_is_a_stage(text: str, stage: str) -> None:
    """Stages are CONNECT, every verb and END-OF-DATA, in any case; VERFY is VRFY."""
    assert parse_rule(text).stage == stage


def test_text_may_hold_a_colon() -> None:
    """A rule of the command line ends its stage at the first colon and blank."""
    rule = parse_rule("RCPT: 550 5.7.1 Refused: see https://example.org/")
    assert rule.faults == (SayReply(550, "5.7.1", ("Refused: see https://example.org/",)),)


def test_rules_keep_their_order_and_notes_are_free(tmp_path: Path) -> None:
    """A file's rules come in its order; `note:` and `x-…` may stand everywhere."""
    path = tmp_path / "rules.yaml"
    path.write_text(
        "smtpproxy-rules: 1\nnote: why\nx-owner: someone\nrules:\n"
        "- RCPT: 452\n- {RCPT: 550, note: second, x-ticket: 7}\n"
    )
    assert [rule.code for rule in load_rules(path)] == [452, 550]


def test_header_may_hold_a_seed() -> None:
    """The header is a version and, where chance is to be repeated, a seed."""
    (rule,) = read_rules(b"smtpproxy-rules: 1\nseed: 42\nrules:\n- RCPT: 452\n", "rules.yaml")
    assert rule.code == 452


BEGINNINGS = (
    *("", "smtpproxy-rules: 1\nrules:\n- ", "smtpproxy-rules: 1\nrules:\n- RCPT: ", "RCPT: "),
    *("RCPT: {", 'RCPT: "', "smtpproxy-rules: 1\nrules:\n- RCPT: 450\n  when: {"),
)
PIECES = (
    *("RCPT", "END-OF-DATA: ", ": ", "452", '"450 a"', "when: ", "reply: ", "{", "}", "[", "]"),
    *(", ", "\n", "\n- ", "\n  ", "|\n", "delay: ", "3 s", "upstream: ", "none", "/(/", "*", "&a "),
    *("!!b ", "<<: ", "\0", "\r", "\x1b", "\u2028", "é", "'", '"', "name: ", "4xx", "\\n", "# "),
)


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(BEGINNINGS), st.lists(st.sampled_from(PIECES), max_size=8).map("".join))
def test_nonsense_is_an_error_and_nothing_worse(beginning: str, rest: str) -> None:
    """Whatever stands in a file or on the command line, it is read or is a DocumentError."""
    text = beginning + rest
    for rules_of in (rules_of_file, rules_of_command_line):
        try:
            rules = rules_of(text)
        except DocumentError as error:
            assert len(str(error).splitlines()) == 1
        else:
            assert all(isinstance(rule, Rule) for rule in rules)


def rules_of_file(text: str) -> list[Rule]:
    """Read a text as a rule file."""
    return read_rules(text.encode(), "rules.yaml")


def rules_of_command_line(text: str) -> list[Rule]:
    """Read a text as a rule of the command line."""
    return [parse_rule(text)]
