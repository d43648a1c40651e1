"""Upstream is told another sender, recipient or name than the client said."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.documents import DocumentError
from smtpproxy.faults import FaultError, Rewrite, Value
from smtpproxy.faults.base import NotRewritten
from smtpproxy.faults.rewrite import KEYS, MOST
from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.sentences import sentence
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Command


def rewritten(value: Value, line: bytes, international: bool = False) -> Command:
    """Return what upstream is told."""
    command = parse_command(line)
    return Rewrite.parse(value, command.verb).rewritten(command, lambda: international)


SENDER: Value = {"sender": "other@example.org"}
RECIPIENT: Value = {"recipient": "other@example.net"}
HELLO: Value = {"hello": "other.example.org"}
ROWS: list[tuple[Value, bytes, bytes]] = [
    (SENDER, b"MAIL FROM:<a@example.org>\r\n", b"MAIL FROM:<other@example.org>\r\n"),
    (
        SENDER,
        b"mail  From: <a@example.org>  size=5 BODY=8BITMIME X=a@example.org \r\n",
        b"mail  From: <other@example.org>  size=5 BODY=8BITMIME X=a@example.org \r\n",
    ),
    (SENDER, b"MAIL FROM:<>\n", b"MAIL FROM:<other@example.org>\n"),
    (SENDER, b"MAIL FROM:<@b,@c:a@d> RET=HDRS\r\n", b"MAIL FROM:<other@example.org> RET=HDRS\r\n"),
    (SENDER, b'MAIL FROM:<"a>b"@c> X=\xff\r\n', b"MAIL FROM:<other@example.org> X=\xff\r\n"),
    (SENDER, b"MAIL FROM:a@example.org SIZE=5\r\n", b"MAIL FROM:other@example.org SIZE=5\r\n"),
    (SENDER, b"SAML FROM:<a@example.org>\r\n", b"SAML FROM:<other@example.org>\r\n"),
    ({"sender": ""}, b"MAIL FROM:<a@example.org> SIZE=5\r\n", b"MAIL FROM:<> SIZE=5\r\n"),
    ({"sender": ""}, b"MAIL FROM:a@example.org\r\n", b"MAIL FROM:<>\r\n"),
    (
        RECIPIENT,
        b"rcpt to:<b@example.net> NOTIFY=NEVER ORCPT=rfc822;b@example.net\r\n",
        b"rcpt to:<other@example.net> NOTIFY=NEVER ORCPT=rfc822;b@example.net\r\n",
    ),
    (HELLO, b"EHLO app.example.org\r\n", b"EHLO other.example.org\r\n"),
    (HELLO, b" helo\t[192.0.2.7] \r\n", b" helo\tother.example.org \r\n"),
    (HELLO, b"LHLO E\r\n", b"LHLO other.example.org\r\n"),
    (HELLO, b"ehlo\r\n", b"ehlo other.example.org\r\n"),
]


@pytest.mark.parametrize(("value", "said", "told"), ROWS)
def test_one_thing_is_another(value: Value, said: bytes, told: bytes) -> None:
    """All else in the command stays as it stands, octet for octet."""
    assert rewritten(value, said) == Command(parse_command(said).verb, told)


@pytest.mark.parametrize("line", [b"MAIL\r\n", b"MAIL FROM\r\n", b"MAIL FROM:<a\r\n"])
def test_what_names_nobody_stays(line: bytes) -> None:
    """Nobody knows where an address would stand in it."""
    with pytest.raises(NotRewritten, match="without an address"):
        rewritten(SENDER, line)


def test_other_letters_where_they_were_asked_for() -> None:
    """RFC 6531 §3.4: an address that is not ASCII takes SMTPUTF8."""
    value: Value = {"sender": "jörg@example.org"}
    line = b"MAIL FROM:<a@example.org> SMTPUTF8\r\n"
    told = "MAIL FROM:<jörg@example.org> SMTPUTF8\r\n".encode()
    assert rewritten(value, line, international=True).wire == told
    with pytest.raises(NotRewritten, match="without SMTPUTF8"):
        rewritten(value, line)


# At which stage what can't be read, the words that say so, and the way to what is wrong.
MISTAKES: list[tuple[str, Value, str, tuple[str | int, ...]]] = [
    ("MAIL", "other@example.org", "a mapping with sender", ()),
    ("MAIL", {}, "a mapping with sender", ()),
    ("MAIL", RECIPIENT, "expected sender, got 'recipient'", ("recipient",)),
    ("RCPT", SENDER, "expected recipient, got 'sender'", ("sender",)),
    ("EHLO", {"helo": "a"}, "expected hello, got 'helo'", ("helo",)),
    ("MAIL", {"sender": ["a"]}, "expected a text", ("sender",)),
    ("RCPT", {"recipient": ""}, "expected a recipient, got none", ("recipient",)),
    ("HELO", {"hello": ""}, "expected a name, got none", ("hello",)),
    ("EHLO", {"hello": "jörg.example.org"}, "expected ASCII", ("hello",)),
    ("RCPT", {"recipient": "ö" * 128}, "no more than 254 octets, got 256", ("recipient",)),
    ("MAIL", {"sender": "\ud800"}, "expected UTF-8", ("sender",)),
]


@pytest.mark.parametrize(("stage", "value", "words", "path"), MISTAKES)
def test_nothing_to_tell(stage: str, value: Value, words: str, path: tuple[str | int, ...]) -> None:
    """What would break a command, or does not stand in it, is refused where it stands."""
    with pytest.raises(FaultError) as caught:
        Rewrite.parse(value, stage)
    assert str(caught.value).startswith("expected ")
    assert words in str(caught.value)
    assert caught.value.path == path


OCTETS = ("\r", "\n", "\0", "<", ">", " ", "\t", "\x7f", "\x85", "\u00a0", "\u3000")


@pytest.mark.parametrize("octet", OCTETS)
@pytest.mark.parametrize("stage", ["MAIL", "RCPT", "EHLO"])
def test_what_would_break_a_command(stage: str, octet: str) -> None:
    """It can stand in nothing that upstream is told."""
    with pytest.raises(FaultError, match="expected no blank, no control character and none of <>"):
        Rewrite.parse({KEYS[stage]: f"a{octet}b"}, stage)


@pytest.mark.parametrize("stage", ["DATA", "CONNECT", "VRFY", "END-OF-DATA"])
def test_nobody_is_named_elsewhere(stage: str) -> None:
    """Nothing is said there that could be rewritten."""
    with pytest.raises(FaultError, match=r"LHLO: .* names nobody"):
        Rewrite.parse(SENDER, stage)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("{reply: 550, rewrite: {sender: a@b}}", "say forward"),
        ("{client: drop, rewrite: {sender: a@b}}", "say forward"),
        ("{rewrite: {sender: a@b}, upstream: none}", "upstream: none needs an answer"),
    ],
)
def test_upstream_must_be_asked(rule: str, words: str) -> None:
    """Where it is not, nothing can be told it."""
    with pytest.raises(DocumentError, match=words):
        parse_rule(f"MAIL: {rule}")
    assert parse_rule("MAIL: {reply: 550, upstream: forward, rewrite: {sender: a@b}}")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ("MAIL: {rewrite: {sender: ''}}", "at MAIL, upstream is told the sender <>."),
        (
            "RCPT: {rewrite: {recipient: other@example.net}}",
            "at RCPT, upstream is told the recipient <other@example.net>.",
        ),
        (
            "EHLO: {rewrite: {hello: a.example.org}}",
            "at EHLO, upstream is told the name a.example.org.",
        ),
    ],
)
def test_it_reads_as_a_sentence(rule: str, words: str) -> None:
    """It says what upstream is told."""
    assert sentence(parse_rule(rule)) == words


@settings(max_examples=200, deadline=None)
@given(st.sampled_from([*KEYS]), st.text(max_size=12), st.binary(max_size=24))
def test_it_stays_one_command(stage: str, text: str, rest: bytes) -> None:
    """Whatever stands in the rule, and whatever the client says, it is one line with one verb."""
    line = f"{stage} ".encode() + rest.replace(b"\n", b"") + b"\r\n"
    try:
        told = rewritten({KEYS[stage]: text}, line, international=True)
    except (FaultError, NotRewritten):
        return
    assert told.wire.count(b"\n") == 1
    assert told.wire.count(b"\r") <= line.count(b"\r")
    assert parse_command(told.wire) == told
    assert len(told.wire) <= len(line) + MOST + 2
