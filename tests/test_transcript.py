"""What observers are told: everything that happened, in order, and no secret."""

from __future__ import annotations

import base64
from typing import Any

from smtpproxy.exchange import PROXY, RULE, UPSTREAM, Exchange
from smtpproxy.rules.judge import Judge
from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.model import rule_book
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.facts import Chunk, Continuation, MailData, Reply
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Entry, Note, Session, Transcript
from smtpproxy.watcher import TOLD_UPSTREAM
from tests.observed import NOON, a_session, replied

SECRET = base64.b64encode(b"\0alice\0open sesame")


class Remembering:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, Session, Any]] = []

    def began(self, session: Session) -> None:
        """Remember."""
        self.heard.append(("began", session, None))

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Remember."""
        self.heard.append(("exchanged", session, entry))

    def mail_data(self, session: Session, fact: MailData | Chunk) -> None:
        """Remember."""
        self.heard.append(("mail data", session, fact))

    def noted(self, session: Session, note: Note) -> None:
        """Remember."""
        self.heard.append(("noted", session, note))

    def ended(self, session: Session, how: str) -> None:
        """Remember."""
        self.heard.append(("ended", session, how))

    def what(self) -> list[str]:
        """Return the names of what was heard."""
        return [name for name, _, _ in self.heard]

    def last(self) -> Any:
        """Return what was heard last."""
        return self.heard[-1][2]


def watched(observers: int = 1, seconds: float = 0.0) -> tuple[Transcript, list[Remembering]]:
    """Return a transcript of a session at `seconds` past noon, and its observers."""
    found = [Remembering() for _ in range(observers)]
    return Transcript(a_session(), found, lambda: NOON + seconds), found


def an_exchange(line: str | bytes, said: str | None = None, began: float = 0.0) -> Exchange:
    """Return what a command and upstream's reply to it became."""
    octets = (line.encode() if isinstance(line, str) else line) + b"\r\n"
    command = parse_command(octets)
    reply = replied(said) if said else None
    return Exchange(command.verb, command, NOON + began, said=reply, heard=reply)


def test_everything_reaches_every_observer_in_order() -> None:
    """All that happens in a session is told to all, with the same session."""
    transcript, observers = watched(observers=2)
    transcript.exchanged(an_exchange("DATA", "354 Go"))
    transcript.mail_data(MailData(b"x\r\n.\r\n", last=True))
    transcript.noted("stray-line", "upstream", b"hello?\r\n")
    transcript.ended("quit")
    for observer in observers:
        assert observer.what() == ["began", "exchanged", "mail data", "noted", "ended"]
        assert {id(session) for _, session, _ in observer.heard} == {id(transcript.session)}
        assert observer.last() == "quit"


def test_exchange_becomes_a_record() -> None:
    """Octets are those of the wire; times are of the clock that was given."""
    transcript, (observer,) = watched(seconds=2.0)
    exchange = an_exchange("RCPT TO:<b@example.net>", "250 2.1.5 Ok", began=1.5)
    exchange.pipelined = True
    transcript.exchanged(exchange)
    assert observer.last() == Entry(
        stage="RCPT",
        sent=b"RCPT TO:<b@example.net>\r\n",
        said=Reply(250, b"250 2.1.5 Ok\r\n"),
        heard=Reply(250, b"250 2.1.5 Ok\r\n"),
        by=UPSTREAM,
        rule="",
        asked=True,
        pipelined=True,
        began=NOON + 1.5,
        seconds=0.5,
    )


def test_greeting_and_end_of_mail_data_have_no_command() -> None:
    """What the client did not send as a line is empty."""
    transcript, (observer,) = watched()
    for stage in ("CONNECT", "END-OF-DATA"):
        transcript.exchanged(Exchange(stage, None, NOON, heard=replied("250 Ok")))
        assert (observer.last().stage, observer.last().sent) == (stage, b"")


def test_rule_that_answered_is_named() -> None:
    """Who spoke, the rule's name, and that upstream was not asked, are part of the record."""
    transcript, (observer,) = watched()
    exchange = an_exchange("RCPT TO:<b@example.net>")
    judge = Judge(rule_book([parse_rule("RCPT b*: 550")]), a_session().state, "mail.example.org")
    judge.consider(exchange)
    exchange.heard = judge.tell(exchange, None).reply
    transcript.exchanged(exchange)
    entry = observer.last()
    assert (entry.by, entry.rule, entry.asked, entry.said) == (RULE, "RCPT b*", False, None)
    assert entry.heard.code == 550


def test_exchange_that_was_never_answered() -> None:
    """There is no reply then, from nobody."""
    transcript, (observer,) = watched()
    transcript.exchanged(an_exchange("NOOP"))
    assert (observer.last().said, observer.last().heard) == (None, None)


def test_mail_data_is_handed_on_as_it_is() -> None:
    """Observers get the very fact."""
    transcript, (observer,) = watched()
    for fact in (MailData(b"x\r\n", last=False), Chunk(b"hello", last=True)):
        transcript.mail_data(fact)
        assert observer.last() is fact


def test_what_upstream_is_told_has_no_credentials() -> None:
    """Not even behind a bare CR, where a rule leaves what stands behind the address."""
    transcript, (observer,) = watched()
    wire = b"MAIL FROM:<other@example.org>\rAUTH PLAIN " + SECRET + b"\r\n"
    transcript.noted(TOLD_UPSTREAM, "", wire)
    note = observer.last()
    assert note.octets.startswith(b"MAIL FROM:<other@example.org>\rAUTH ")
    assert SECRET not in note.octets


def test_note_has_its_time() -> None:
    """A fact that is no exchange comes with its octets and the moment."""
    transcript, (observer,) = watched(seconds=3.0)
    transcript.noted("stray-line", "upstream", b"hello?\r\n")
    assert observer.last() == Note("stray-line", "upstream", b"hello?\r\n", NOON + 3.0)


def test_tls_is_told_with_its_facts() -> None:
    """Whose leg it is, what is known of its TLS, and the moment, reach every observer."""
    transcript, observers = watched(observers=2, seconds=3.0)
    facts = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "mail.example.org", "", "", "")
    transcript.secured("client", facts)
    for observer in observers:
        assert observer.last() == Note("tls", "client", b"", NOON + 3.0, tls=facts)


def test_opaque_session_knows_the_verb() -> None:
    """Behind STARTTLS octets pass unread, and the session says so before observers hear it."""
    transcript, (observer,) = watched()
    assert transcript.session.opaque == ""
    transcript.noted("opaque", "STARTTLS", b"")
    assert observer.heard[-1][1].opaque == "STARTTLS"


def test_end_has_its_time() -> None:
    """When the session ended is known when observers hear of it."""
    transcript, (observer,) = watched(seconds=9.0)
    transcript.ended("client-drop")
    assert observer.heard[-1][1].ended == NOON + 9.0


def test_credentials_in_the_command_pass_no_further() -> None:
    """RFC 4954 §4: an initial reply is a secret; the mechanism is not."""
    transcript, (observer,) = watched()
    exchange = an_exchange(b"AUTH PLAIN " + SECRET, "235 2.7.0 Welcome")
    transcript.exchanged(exchange)
    entry = observer.last()
    assert entry.stage == "AUTH"
    assert entry.sent.startswith(b"AUTH PLAIN ")
    assert SECRET not in entry.sent
    assert exchange.command is not None
    assert exchange.command.wire == b"AUTH PLAIN " + SECRET + b"\r\n"


def test_continuations_pass_no_further() -> None:
    """Every line in answer to 334 is a secret, and its length does not show."""
    transcript, (observer,) = watched()
    transcript.exchanged(an_exchange("AUTH LOGIN", "334 VXNlcm5hbWU6"))
    lines = set()
    for secret in (b"YWxpY2U=", SECRET):
        command = Continuation(secret + b"\r\n")
        transcript.exchanged(Exchange("AUTH", command, NOON, heard=replied("334 UGFzc3dvcmQ6")))
        assert secret not in observer.last().sent
        lines.add(observer.last().sent)
    assert len(lines) == 1


def test_secret_that_comes_back_passes_no_further() -> None:
    """A server may repeat what it was sent, in a reply or in a stray line, also after AUTH."""
    transcript, (observer,) = watched()
    transcript.exchanged(an_exchange(b"AUTH PLAIN " + SECRET, "535 5.7.8 No"))
    echo = an_exchange("NOOP", "250 Ok")
    echo.said = replied(b"250 I know " + SECRET)
    echo.heard = replied(b"250 I know open sesame")
    echo.by = PROXY
    transcript.exchanged(echo)
    entry = observer.last()
    assert SECRET not in entry.said.wire
    assert b"open sesame" not in entry.heard.wire
    transcript.noted("stray-line", "upstream", b"debug: " + SECRET + b"\r\n")
    assert SECRET not in observer.last().octets


def test_credentials_behind_a_refused_auth_pass_no_further() -> None:
    """What was meant as a continuation and came as a command is a secret, and so is its verb."""
    transcript, (observer,) = watched()
    transcript.exchanged(an_exchange("AUTH LOGIN", "504 5.5.4 Not here"))
    transcript.exchanged(an_exchange("YWxpY2U", "500 5.5.2 What?"))
    entry = observer.last()
    assert "YWXPY2U" not in entry.stage
    assert b"YWxpY2U" not in entry.sent


def test_sessions_do_not_share_secrets() -> None:
    """Without AUTH of its own a session's octets are not touched."""
    transcript, _ = watched()
    transcript.exchanged(an_exchange(b"AUTH PLAIN " + SECRET, "535 5.7.8 No"))
    other, (observer,) = watched()
    other.exchanged(an_exchange(b"NOOP " + SECRET, "250 Ok"))
    assert observer.last().sent == b"NOOP " + SECRET + b"\r\n"


def test_what_a_session_does_not_allow_is_told() -> None:
    """A command out of its order is odd by the state before it, and others are not."""
    transcript, (observer,) = watched()
    transcript.exchanged(an_exchange("NOOP", "250 Ok"))
    assert observer.last().odd == ()
    transcript.exchanged(an_exchange("DATA", "503 No"))
    assert observer.last().odd == ("command-before-hello",)


def test_what_is_out_of_order_keeps_its_secret() -> None:
    """AUTH before EHLO is odd, and its credentials are told nobody; so is what answers a 334."""
    transcript, (observer,) = watched()
    for line in (b"AUTH PLAIN " + SECRET, b"AUTH PLAIN"):
        transcript.authenticating(an_exchange(line))
        transcript.exchanged(an_exchange(line, "334 "))
        assert observer.last().odd == ("command-before-hello",)
        assert SECRET not in observer.last().sent
    exchange = an_exchange(b"x", "235 Ok")
    exchange.stage, exchange.command = "AUTH", Continuation(SECRET + b"\r\n")
    transcript.exchanged(exchange)
    assert observer.last().odd == ()
    assert SECRET not in observer.last().sent
