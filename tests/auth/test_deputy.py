"""The proxy logs in to upstream in its client's stead."""

from __future__ import annotations

import base64

import pytest

from smtpproxy.actions import Side
from smtpproxy.auth.deputy import Deputy
from smtpproxy.auth.login import Credentials
from smtpproxy.deadlines import Awaited
from smtpproxy.encryption import MIRROR, TERMINATE, Encryption
from smtpproxy.introduction import Introduction
from smtpproxy.smtp.limits import DEFAULT_LIMITS
from tests.dialogue import FACTS, GREETED, Conversation
from tests.saslserver import SaslServer

USER, PASSWORD = "app@example.org", "correct horse"
INITIAL = base64.b64encode(f"\0{USER}\0{PASSWORD}".encode()).decode()
EHLO = """
    C: EHLO app.example.org
    > EHLO app.example.org
    U: 250-mail.example.org
    U: 250 AUTH PLAIN XOAUTH2
    S: 250-mail.example.org
    S: 250 AUTH PLAIN LOGIN
"""
ACCEPTED = f"""
    > AUTH PLAIN {INITIAL}
    U: 235 2.7.0 Welcome
"""
THEIRS = base64.b64encode(b"\0somebody\0else").decode()


def talk(
    *rules: str,
    trusted: bool = True,
    tls: Encryption | None = None,
    introduction: Introduction | None = None,
) -> Conversation:
    """Return a conversation whose proxy has credentials for upstream."""
    deputy = Deputy(Credentials(USER, PASSWORD), trusted)
    return Conversation(*rules, deputy=deputy, tls=tls, introduction=introduction)


def test_the_client_needs_no_secret() -> None:
    """Upstream is logged in to as soon as it has said what it offers; MAIL waits for that."""
    one = talk()
    one.play(GREETED + EHLO + f"> AUTH PLAIN {INITIAL}\nC: MAIL FROM:<a@example.org>")
    one.play("U: 235 2.7.0 Welcome\n> MAIL FROM:<a@example.org>\nU: 250 Ok\nS: 250 Ok")
    assert ("own-command", "AUTH PLAIN") in one.witness.notes
    assert one.witness.codes() == [("CONNECT", 220), ("EHLO", 250), ("MAIL", 250)]


@pytest.mark.parametrize(
    "script",
    [
        f"C: AUTH PLAIN {THEIRS}\nS: 235 2.7.0 Authentication succeeded",
        "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: eA==\nS: 334 UGFzc3dvcmQ6\nC: eQ==\n"
        "S: 235 2.7.0 Authentication succeeded",
        "C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: *\nS: 501 5.7.0 Authentication cancelled",
        "C: AUTH XOAUTH2 eA==\nS: 504 5.5.4 Offered are PLAIN and LOGIN",
    ],
)
def test_what_the_client_says_of_itself_goes_nowhere(script: str) -> None:
    """Any credentials are taken from it, and upstream hears of none."""
    one = talk()
    one.play(GREETED + EHLO + ACCEPTED + script)
    one.play("C: NOOP\n> NOOP\nU: 250 Ok\nS: 250 Ok")


def test_plain_may_wait_for_an_empty_prompt() -> None:
    """RFC 4954 §4: 334, a blank and nothing else."""
    one = talk()
    one.play(GREETED + EHLO + ACCEPTED)
    one.client(b"AUTH PLAIN\r\n")
    assert one.unread(Side.CLIENT) == b"334 \r\n"
    one.play(f"C: {THEIRS}\nS: 235 2.7.0 Authentication succeeded")


def test_a_rule_may_refuse_the_clients_auth() -> None:
    """What a rule says stands in the place of our own answer."""
    one = talk("AUTH: '535 5.7.8 No'")
    one.play(GREETED + EHLO + ACCEPTED)
    one.play(f"C: AUTH PLAIN {THEIRS}\nS: 535 5.7.8 No")


def test_a_rule_that_accepts_lets_nothing_through() -> None:
    """A success that changes only words would else be forwarded."""
    one = talk("AUTH: '235 2.7.0 Come in'")
    one.play(GREETED + EHLO + ACCEPTED + f"C: AUTH PLAIN {THEIRS}\nS: 235 2.7.0 Come in")


def test_a_login_that_fails_is_the_answer_to_the_clients_own() -> None:
    """Upstream's refusal is told where the client asks; without AUTH upstream refuses by itself."""
    one = talk()
    one.play(GREETED + EHLO + f"> AUTH PLAIN {INITIAL}\nU: 535 5.7.8 No such user")
    one.play(f"C: AUTH PLAIN {THEIRS}\nS: 535 5.7.8 No such user")
    one.play("C: MAIL FROM:<a@example.org>\n> MAIL FROM:<a@example.org>\nU: 530 No\nS: 530 No")
    notes = [detail for fact, detail in one.witness.notes if fact == "not-logged-in"]
    assert notes == ["upstream refused the login: 535 5.7.8 No such user"]


def test_a_password_is_not_shown_in_plain_text() -> None:
    """Where upstream is elsewhere and not encrypted, only what hides the password is used."""
    one = talk(trusted=False)
    one.play(
        GREETED + EHLO + f"C: AUTH PLAIN {THEIRS}\nS: 454 4.7.0 Temporary authentication failure"
    )
    assert "not-logged-in" in dict(one.witness.notes)


def test_mirror_waits_for_tls() -> None:
    """The login comes behind the EHLO that is encrypted, and what was known before is forgotten."""
    one = talk(trusted=True, tls=Encryption(MIRROR))
    one.play(
        GREETED
        + """
        C: EHLO a
        > EHLO a
        U: 250-mail
        U: 250-AUTH PLAIN
        U: 250 STARTTLS
        S: 250-mail
        S: 250-STARTTLS
        S: 250 AUTH PLAIN LOGIN
        C: STARTTLS
        > STARTTLS
        U: 220 Go
        TLS: upstream
        S: 220 Go
        TLS: client
        """
        + EHLO
        + ACCEPTED
        + "C: EHLO again\n> EHLO again\nU: 250 mail\nS: 250-mail\nS: 250 AUTH PLAIN LOGIN"
    )


def test_a_client_that_asks_for_no_tls_is_told_of() -> None:
    """Nothing was even tried; one line says what would help, however often it needs a login."""
    one = talk(trusted=True, tls=Encryption(MIRROR))
    one.play(
        GREETED + "C: EHLO a\n> EHLO a\nU: 250-m\nU: 250 STARTTLS\n"
        "S: 250-m\nS: 250-STARTTLS\nS: 250 AUTH PLAIN LOGIN\n"
        f"C: AUTH PLAIN {THEIRS}\nS: 454 4.7.0 Temporary authentication failure\n"
        "C: MAIL FROM:<a@example.org>\n> MAIL FROM:<a@example.org>\nU: 530 No\nS: 530 No"
    )
    (why,) = [detail for fact, detail in one.witness.notes if fact == "not-logged-in"]
    assert "--tls originate" in why


def test_a_client_that_says_helo_is_logged_in_for() -> None:
    """Upstream says what it offers to EHLO alone: the proxy asks it."""
    one = talk()
    one.play(
        GREETED + "C: HELO a\n> HELO a\nU: 250 mail.example.org\nS: 250 mail.example.org\n"
        "> EHLO smtpproxy.localhost\nU: 250-mail.example.org\nU: 250 AUTH PLAIN\n" + ACCEPTED
    )
    one.play("C: MAIL FROM:<a@example.org>\n> MAIL FROM:<a@example.org>\nU: 250 Ok\nS: 250 Ok")
    own = [detail for fact, detail in one.witness.notes if fact == "own-command"]
    assert own == ["EHLO smtpproxy.localhost", "AUTH PLAIN"]


def test_originate_logs_in_behind_its_own_starttls() -> None:
    """The introduction comes first, then the client's own EHLO, and then the login."""
    one = talk(trusted=False, introduction=Introduction(starttls=True))
    one.play(
        "U: 220 mail.example.org\n> EHLO smtpproxy.localhost\nU: 250-mail\nU: 250 STARTTLS\n"
        "> STARTTLS\nU: 220 Go\nTLS: upstream\nS: 220 mail.example.org\n" + EHLO + ACCEPTED
    )


def test_an_impostor_hears_no_more() -> None:
    """RFC 5802 §5: who takes a login and can't prove that it knows the password is no upstream."""
    one = talk()
    one.play(GREETED + "C: EHLO a\n> EHLO a")
    one.upstream(b"250-mail.example.org\r\n250 AUTH SCRAM-SHA-256\r\n")
    assert one.unread(Side.UPSTREAM).startswith(b"AUTH SCRAM-SHA-256 ")
    one.unread(Side.CLIENT)
    one.client(b"MAIL FROM:<a@example.org>\r\n")
    one.play(
        "U: 235 Welcome\n"
        "S: 421 mail.example.org Service not available, closing transmission channel\n"
        "(client: close)\n(upstream: close)"
    )


@pytest.mark.parametrize(
    "mechanism", ["PLAIN", "LOGIN", "CRAM-MD5", "SCRAM-SHA-1", "SCRAM-SHA-256"]
)
def test_every_mechanism_gets_through(mechanism: str) -> None:
    """Its lines go out as upstream asks for them, and only the mechanism is told of."""
    one = talk()
    one.play(GREETED + "C: EHLO a\n> EHLO a")
    one.upstream(f"250-mail.example.org\r\n250 AUTH {mechanism}\r\n".encode())
    server = SaslServer(USER.encode(), PASSWORD.encode())
    while line := one.unread(Side.UPSTREAM):
        one.upstream(server.hears(line).encode() + b"\r\n")
    own = [detail for fact, detail in one.witness.notes if fact == "own-command"]
    assert own == [f"AUTH {mechanism}"]
    one.unread(Side.CLIENT)
    one.play(f"C: AUTH PLAIN {THEIRS}\nS: 235 2.7.0 Authentication succeeded")


def test_who_encrypts_the_clients_leg_alone_stays_logged_in() -> None:
    """RFC 4954 §4: a second AUTH would be refused with 503, and upstream has forgotten nothing."""
    one = talk(tls=Encryption(TERMINATE))
    one.play(GREETED + EHLO.replace("S: 250 AUTH", "S: 250-STARTTLS\n    S: 250 AUTH") + ACCEPTED)
    one.play("C: STARTTLS\nS: 220 2.0.0 Ready to start TLS\nTLS: client")
    one.play(EHLO)
    one.play(f"C: AUTH PLAIN {THEIRS}\nS: 235 2.7.0 Authentication succeeded")


def test_a_client_with_tls_from_the_start_is_not_waited_for() -> None:
    """In mirror it can't ask for TLS any more, so the login is put off by nothing."""
    one = talk(tls=Encryption(MIRROR))
    one.take(one.relay.secured(Side.CLIENT, FACTS))
    one.play(GREETED + EHLO.replace("U: 250 AUTH", "U: 250-STARTTLS\n    U: 250 AUTH") + ACCEPTED)


def test_upstream_is_waited_for_while_it_is_logged_in_to() -> None:
    """Who owes the next word is upstream, whatever the client has sent meanwhile."""
    one = talk()
    one.play(GREETED + EHLO + f"> AUTH PLAIN {INITIAL}\nC: MAIL FROM:<a@example.org>")
    assert one.relay.awaited() == Awaited("upstream", "AUTH", DEFAULT_LIMITS.reply_timeout)
    one.play("U: 235 2.7.0 Welcome\n> MAIL FROM:<a@example.org>")
    assert one.relay.awaited() == Awaited("upstream", "MAIL", DEFAULT_LIMITS.reply_timeout)


def test_an_upstream_that_leaves_in_the_login_ends_the_session() -> None:
    """The client, which waits, hears so, and nothing that it has sent goes out."""
    one = talk()
    one.play(GREETED + EHLO + f"> AUTH PLAIN {INITIAL}\nC: MAIL FROM:<a@example.org>")
    one.take(one.relay.upstream_closed(True))
    assert one.unread(Side.CLIENT).startswith(b"421 ")
    one.play("(client: close)")
    one.take(one.relay.client_closed(True))
    one.play("")
