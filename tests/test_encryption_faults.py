"""TLS that goes wrong by rule: what the client is told, and that nothing goes out in plain text."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.actions import Action, Send, Side
from smtpproxy.encryption import MIRROR, OPAQUE, ORIGINATE, STRIP, TERMINATE, Encryption
from smtpproxy.exchange import Exchange
from smtpproxy.faults.tls import ENDLESS, TLS_FAULTS, WITHOUT
from smtpproxy.introduction import Introduction
from smtpproxy.rules.judge import Judge
from smtpproxy.smtp.state import State
from tests.dialogue import GREETED, Conversation, rules_in
from tests.test_encryption import ASKED, BOTH, NOT_OFFERED, OFFERED
from tests.test_encryption_generated import GOOD, STEPS, Shell

HANDSHAKES = [word for word in TLS_FAULTS if word not in WITHOUT]
CLIENT_HELLO = b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256))
PLAIN = b"500 5.5.2 Syntax error, command unrecognized\r\n"

# How the client comes to hear 220.
TOLD = {
    MIRROR: OFFERED + ASKED + "TLS: upstream\nS: 220 Go ahead\n",
    TERMINATE: OFFERED + "C: STARTTLS\nS: 220 2.0.0 Ready to start TLS\n",
}
both = pytest.mark.parametrize("relation", TOLD)


def talk(relation: str, *rules: str) -> Conversation:
    """Return a conversation under rules of a file."""
    return Conversation(book=rules_in(*rules), tls=Encryption(relation))


def spoilt(relation: str, word: str) -> Conversation:
    """Return a conversation whose client has heard 220, and what is wrong follows."""
    one = talk(relation, f"STARTTLS: {{tls: {word}}}")
    one.play(TOLD[relation])
    return one


@both
@pytest.mark.parametrize("word", HANDSHAKES)
def test_a_handshake_with_a_flaw(relation: str, word: str) -> None:
    """In mirror upstream's own is in order, and over; the rule is told of."""
    one = spoilt(relation, word)
    one.play(f"(client: start tls {word})")
    asked = one.witness.exchanges[-1]
    assert asked.decision is not None
    assert (asked.stage, asked.decision.rule, asked.flaw) == ("STARTTLS", "STARTTLS", word)


@both
@pytest.mark.parametrize("word", HANDSHAKES)
def test_who_refuses_it_ends_the_session(relation: str, word: str) -> None:
    """Nothing is said in plain text any more."""
    one = spoilt(relation, word)
    one.play("NO TLS: client\n(client: reset)\n(upstream: close)")
    one.relay.finished()
    assert one.witness.how == "tls-failed"


@both
def test_who_takes_it_goes_on(relation: str) -> None:
    """A client that does not look is encrypted, and relayed."""
    one = spoilt(relation, "self-signed")
    one.play("TLS: client\nC: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")
    assert one.relay.state.secure


@both
def test_close(relation: str) -> None:
    """The client hears 220, and then the end."""
    one = spoilt(relation, "close")
    one.play("(client: close)\n(upstream: close)")
    assert not one.relay.client_received(CLIENT_HELLO)
    one.relay.finished()
    assert one.witness.how == "rule"


@both
def test_silence(relation: str) -> None:
    """Whatever the client sends is swallowed, and upstream is left."""
    one = spoilt(relation, "silence")
    one.play("(upstream: close)")
    for octets in (CLIENT_HELLO, b"QUIT\r\n", b"MAIL FROM:<a@example.org>\r\n", b"\0" * 100_000):
        assert not one.relay.client_received(octets)
    assert "client: start tls" not in one.done


@both
def test_plain_text(relation: str) -> None:
    """Its ClientHello is answered as by a server that knows no TLS, once, and what follows not."""
    one = spoilt(relation, "plain-text")
    one.client(CLIENT_HELLO[:1])
    assert one.unread(Side.CLIENT) == PLAIN
    assert ("tls-withheld", "plain-text") in one.witness.notes
    one.client(CLIENT_HELLO[1:])
    one.client(b"QUIT\r\n")
    one.play("(upstream: close)")


@both
@pytest.mark.parametrize("word", sorted(ENDLESS))
def test_nobody_waits_for_who_is_kept_waiting(relation: str, word: str) -> None:
    """No time ends it, nor what upstream says and does."""
    one = spoilt(relation, word)
    assert one.relay.awaited().seconds == 0
    one.upstream(b"421 4.4.2 mail.example.org Timeout exceeded\r\n")
    one.take(one.relay.upstream_closed(clean=True))
    one.take(one.relay.upstream_closed(clean=False))
    one.play("(upstream: close)")
    assert not [done for done in one.done if done != f"client: start tls {word}"]
    assert one.relay.awaited().seconds == 0


@both
@pytest.mark.parametrize("word", sorted(ENDLESS))
def test_told_to_stop(relation: str, word: str) -> None:
    """The proxy closes, and says nothing in plain text."""
    one = spoilt(relation, word)
    one.take(one.relay.shut_down("shutdown"))
    one.play("(client: close)\n(upstream: close)")
    one.relay.finished()
    assert one.witness.how == "shutdown"


@both
@pytest.mark.parametrize("word", ["silence", "plain-text"])
@pytest.mark.parametrize(("clean", "how"), [(True, "client-drop"), (False, "client-reset")])
def test_the_client_leaves(relation: str, word: str, clean: bool, how: str) -> None:
    """Its connection ends, in order or not, and so does all."""
    one = spoilt(relation, word)
    one.take(one.relay.client_closed(clean))
    one.play("(client: close)\n(upstream: close)")
    one.relay.finished()
    assert one.witness.how == how


@both
@pytest.mark.parametrize("word", TLS_FAULTS)
def test_octets_before_the_220_are_an_injection(relation: str, word: str) -> None:
    """They are refused as ever, and none is taken for a command."""
    one = talk(relation, f"STARTTLS: {word}")
    one.play(OFFERED)
    one.client(b"STARTTLS\r\nNOOP\r\n")
    assert one.unread(Side.CLIENT).startswith(b"421 4.7.0")
    assert one.unread(Side.UPSTREAM) == b""


@pytest.mark.parametrize("word", TLS_FAULTS)
def test_where_upstream_refuses_nothing_goes_wrong(word: str) -> None:
    """The client hears the refusal, and goes on in plain text."""
    one = talk(MIRROR, f"STARTTLS: {{tls: {word}}}")
    one.play(OFFERED + "C: STARTTLS\n> STARTTLS\nU: 454 4.7.0 Not now\nS: 454 4.7.0 Not now")
    one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")


@pytest.mark.parametrize("word", TLS_FAULTS)
def test_where_upstreams_handshake_fails_nothing_goes_wrong(word: str) -> None:
    """The client hears 454, as without a rule."""
    one = talk(MIRROR, f"STARTTLS: {{tls: {word}}}")
    one.play(OFFERED + ASKED)
    one.play(
        "NO TLS: upstream\nS: 454 4.7.0 TLS not available due to temporary reason\n"
        "(upstream: reset)\n(upstream: connect)"
    )
    assert one.relay.awaited().seconds > 0


@both
@pytest.mark.parametrize("word", TLS_FAULTS)
@pytest.mark.parametrize("order", [1, -1])
def test_a_refusal_by_rule_comes_before_a_flaw(relation: str, word: str, order: int) -> None:
    """Wherever it stands: there is no TLS that could go wrong."""
    one = talk(relation, *["STARTTLS: 454 4.7.0 No", f"STARTTLS: {{tls: {word}}}"][::order])
    one.play(OFFERED + "C: STARTTLS\nS: 454 4.7.0 No\nC: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")


@pytest.mark.parametrize("word", TLS_FAULTS)
def test_where_tls_is_not_followed_nothing_goes_wrong(word: str) -> None:
    """In strip there is none, and in opaque it is none of ours."""
    rule = f"STARTTLS: {{tls: {word}}}"
    for relation in (STRIP, ORIGINATE):
        one = talk(relation, rule)
        one.play(NOT_OFFERED + "C: STARTTLS\nS: 502 5.5.1 STARTTLS is not offered")
        one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")
    one = talk(OPAQUE, rule)
    one.play(OFFERED + "C: STARTTLS\n> STARTTLS\nU: 220 Go\nS: 220 Go")
    one.client(CLIENT_HELLO)
    assert one.unread(Side.UPSTREAM) == CLIENT_HELLO


@both
@pytest.mark.parametrize("code", ["454", "501 5.5.4 No parameters", "550 5.7.1 Never", "250 Fine"])
def test_starttls_is_refused_by_any_code(relation: str, code: str) -> None:
    """Upstream is not asked by a refusal, and the session goes on as it is."""
    text = {"454": "454 4.7.0 TLS not available due to temporary reason"}.get(code, code)
    one = talk(relation, f"STARTTLS: {{reply: {code}, upstream: none}}")
    one.play(OFFERED + f"C: STARTTLS\nS: {text}")
    one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")


@both
def test_a_delay_comes_before_what_goes_wrong(relation: str) -> None:
    """Both are in one rule, and what the client sends meanwhile is swallowed, too."""
    one = talk(relation, "STARTTLS: {tls: plain-text, delay: 2 s}")
    one.play(TOLD[relation])
    one.client(CLIENT_HELLO)
    assert one.unread(Side.CLIENT) == PLAIN
    assert "client: wait 2" in one.done


class Listening(Shell):
    """A session under a rule, and all that it sends."""

    def __init__(self, relation: str, word: str) -> None:
        self.sent: list[tuple[Side, bytes]] = []
        super().__init__(relation, False, rules_in(f"STARTTLS: {word}"))

    def _do(self, actions: list[Action]) -> None:
        self.sent += [(one.side, one.octets) for one in actions if isinstance(one, Send)]
        super()._do(actions)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(list(TOLD)), st.sampled_from(sorted(ENDLESS)), STEPS)
def test_who_is_kept_waiting_is_told_nothing_whatever_happens(
    relation: str, word: str, steps: list[tuple[str, bytes]]
) -> None:
    """Nor is upstream, and the session has an end."""
    shell = Listening(relation, word)
    for what, octets in GOOD[:6] if relation == MIRROR else GOOD[:4]:
        shell.happen(what, octets)
    assert shell.sent[-1][1].startswith(b"220 ")
    told = len(shell.sent)
    for what, octets in steps:
        if what != "ok":  # its handshake never is
            shell.happen(what, octets)
    assert shell.sent[told:] in ([], [(Side.CLIENT, PLAIN)] if word == "plain-text" else [])
    shell.finish()
    assert shell.witness.how


# Keywords, before TLS and behind it.

AGAIN = """
    C: EHLO app.example.org
    > EHLO app.example.org
    U: 250-mail.example.org
    U: 250-SIZE 10240000
    U: 250 AUTH PLAIN LOGIN
    S: 250-mail.example.org
"""


def test_keywords_that_differ_behind_tls() -> None:
    """A condition on the client's leg tells one EHLO from the other, and the state knows."""
    one = talk(
        MIRROR,
        "EHLO: {keywords: {set: {SIZE: 1024}}}\n  when: {tls: true}",
        "EHLO: {keywords: {remove: [PIPELINING], set: {DSN: }}}\n  when: {tls: false}",
        "EHLO: {keywords: {remove: AUTH}}\n  when: {tls: true}",
    )
    one.play(
        GREETED
        + """
        C: EHLO app.example.org
        > EHLO app.example.org
        U: 250-mail.example.org
        U: 250-STARTTLS
        U: 250 PIPELINING
        S: 250-mail.example.org
        S: 250-STARTTLS
        S: 250 DSN
        """
    )
    assert one.relay.state.keywords == {"STARTTLS": "", "DSN": ""}
    assert not one.relay.state.offers_pipelining
    assert one.witness.exchanges[-1].by == "rule"
    one.play(BOTH + AGAIN + "S: 250 SIZE 1024")
    assert one.relay.state.keywords == {"SIZE": "1024"}


def test_tls_is_a_condition_at_every_stage() -> None:
    """A rule for plain text alone lets go behind TLS, and the other way round."""
    one = talk(
        MIRROR,
        "MAIL: 530 5.7.0 Must issue a STARTTLS command first\n  when: {tls: false}",
        "NOOP: 450 4.7.1 Not behind TLS\n  when: {tls: true}",
    )
    one.play(OFFERED + "C: MAIL FROM:<>\nS: 530 5.7.0 Must issue a STARTTLS command first")
    one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")
    one.play(BOTH + "C: MAIL FROM:<>\n> MAIL FROM:<>\nU: 250 Ok\nS: 250 Ok")
    one.play("C: NOOP\nS: 450 4.7.1 Not behind TLS")


@pytest.mark.parametrize("secure", [True, False])
def test_at_connect_tls_is_what_there_is_from_the_first_octet(secure: bool) -> None:
    """A client at a place that has TLS is encrypted before it is greeted."""
    state = State()
    state.secure = secure
    judge = Judge(rules_in("CONNECT: 421 4.3.2 No\n  when: {tls: true}"), state, "")
    exchange = Exchange("CONNECT", None, 0.0)
    judge.consider(exchange)
    assert exchange.forwarded is not secure


def test_keywords_are_edited_as_the_client_is_shown_them() -> None:
    """In terminate, where the proxy itself offers STARTTLS, that is removed by rule as well."""
    one = talk(TERMINATE, "EHLO: {keywords: {remove: [STARTTLS], set: {SIZE: 1024}}}")
    one.play(GREETED + "C: EHLO a\n> EHLO a\nU: 250-m\nU: 250 SIZE\nS: 250-m\nS: 250 SIZE 1024")


def test_keywords_in_originate() -> None:
    """Nothing is left of upstream's STARTTLS, and the rule has the last word."""
    one = Conversation(
        book=rules_in("EHLO: {keywords: {set: {STARTTLS: , AUTH: LOGIN}}}"),
        tls=Encryption(ORIGINATE),
        introduction=Introduction(starttls=True),
    )
    one.play(
        """
        U: 220 mail.example.org ESMTP
        > EHLO smtpproxy.localhost
        U: 250-mail.example.org
        U: 250 STARTTLS
        > STARTTLS
        U: 220 Go ahead
        TLS: upstream
        S: 220 mail.example.org ESMTP
        C: EHLO a
        > EHLO a
        U: 250-mail
        U: 250-REQUIRETLS
        U: 250 AUTH PLAIN SCRAM-SHA-256-PLUS
        S: 250-mail
        S: 250-AUTH LOGIN
        S: 250 STARTTLS
        """
    )


def test_rules_that_edit_apply_one_after_the_other_and_behind_an_answer() -> None:
    """Also to a reply that a later rule makes; and LHLO has keywords, too."""
    one = talk(
        OPAQUE,
        "LHLO: {keywords: {set: {SIZE: 1}}}",
        "LHLO: {keywords: {remove: [DSN], set: {SIZE: 2, X-A: b c}}}",
        'LHLO: "250 m\\nDSN\\nPIPELINING"',
    )
    one.play(
        GREETED + "C: LHLO a\n> LHLO a\nU: 250 mail\n"
        "S: 250-m\nS: 250-PIPELINING\nS: 250-SIZE 2\nS: 250 X-A b c"
    )


def test_a_close_that_is_not_told() -> None:
    """`no-close-notify` reaches whoever closes."""
    one = talk(OPAQUE, "NOOP: no-close-notify")
    one.play(GREETED + "C: NOOP\n(client: close unsaid)\n(upstream: close)")
