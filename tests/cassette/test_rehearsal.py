"""A recorded session played again: what is sent, what is not, and what is compared."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from smtpproxy.actions import StartTls
from smtpproxy.aside import AsideError
from smtpproxy.auth.login import Credentials
from smtpproxy.cassette import playable as why
from smtpproxy.cassette.comparing import compare
from smtpproxy.cassette.deliveries import deliveries
from smtpproxy.cassette.model import Cassette, Kept, RecordedSession, RecordedTls
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.rehearsal import Rehearsal
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.maildata import stuff
from smtpproxy.smtp.server import final_code
from tests.cassette.dialogues import cassette, dialogue

TLS = "(TLS)"
TIM = Credentials("tim", "tanstaaftanstaaf")
BEGIN = """
    S: 220 mail.example.org ESMTP
    C: EHLO app.example.org
    S: 250 mail.example.org
"""
MAIL = """
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 Go on
    C: Subject: hello
    C:
    C: Hi.
    C: .
    S: 250 2.0.0 Ok
"""
QUIT = """
    C: QUIT
    S: 221 2.0.0 Bye
"""
EHLO, FROM, TO = "EHLO app.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>"
#: What a server that is content says to each verb.
CONTENT = {"DATA": "354 Go on", "QUIT": "221 Bye", "STARTTLS": "220 Go on", TLS: ""}


def on_the_wire(kept: Kept) -> bytes:
    """The octets of a message that stands in the cassette."""
    return kept.octets if kept.wire else stuff(kept.octets)


class Played:
    """A session that was played to a server that says what `replies` has for a line, or its verb.

    What has several replies gets them in turn.
    """

    def __init__(
        self, session: RecordedSession, replies: dict[str, str], **options: object
    ) -> None:
        self.rehearsal = Rehearsal(session, on_the_wire, **options)  # type: ignore[arg-type]
        self._replies = CONTENT | replies
        self.sent: list[str] = []
        self._play()

    def _play(self) -> None:
        owed = [self._replies.get("", "220 mail.example.org ESMTP")]
        steps = self.rehearsal.dialogue()
        step = next(steps)
        try:
            while True:
                if isinstance(step, StartTls):
                    self.sent.append(TLS)
                    step = steps.send(None)
                    continue
                if step:
                    assert not owed, "a reply was not waited for"
                    self.sent.append(step.decode().removesuffix("\r\n"))
                    owed = self._answer(self.sent[-1]).split("\n")
                wire = owed.pop(0).replace("/", "\r\n").encode() + b"\r\n"
                step = steps.send(Reply(final_code(wire), wire))
        except StopIteration:
            pass

    def _answer(self, line: str) -> str:
        known = (line, line.partition(" ")[0])
        return next((self._replies[one] for one in known if one in self._replies), "250 Ok")

    @property
    def drift(self) -> list[tuple[str, str, str]]:
        """Stage, old and new text of what is no mere change of words."""
        played = self.rehearsal.played
        sides = [
            Cassette("x", sessions=[RecordedSession("1", [pair[at] for pair in played])])
            for at in (0, 1)
        ]
        return [c[2:5] for c in compare(sides[0], sides[1]) if c.severity == "class"]


def session(*parts: str) -> RecordedSession:
    """A recorded session."""
    return cassette("\n".join(map(dialogue, parts))).sessions[0]


def of(items: Iterable[str]) -> RecordedSession:
    """A recorded session, of the items of its dialogue."""
    text = "".join(f"- {item}\n" for item in items)
    head = "smtpproxy-cassette: 1\n---\nsession: 1\ndialogue:\n"
    return read_cassette((head + text).encode(), "signup.yaml").sessions[0]


GREETING = 'S: "220 mail.example.org"'
HELLO = '{C: "EHLO app.example.org", S: "250 mail.example.org"}'
OPENED = (
    *(GREETING, HELLO, '{C: "MAIL FROM:<a@example.org>", S: "250 Ok"}'),
    '{C: "RCPT TO:<b@example.net>", S: "250 Ok"}',
)


def test_nothing_is_delivered() -> None:
    """Before mail data each transaction is taken back, and no DATA is ever sent."""
    played = Played(session(BEGIN, MAIL, MAIL, QUIT), {})
    assert played.sent == [EHLO, FROM, TO, "RSET", FROM, TO, "RSET", "QUIT"]
    assert played.rehearsal.skipped == {why.MAIL_DATA: 4}
    assert played.drift == []


def test_chunks_are_mail_data() -> None:
    """At the first BDAT, too, a transaction is taken back, once."""
    chunks = '{C: "BDAT 2", chunk: "Hi", S: "250 Ok"}', '{C: "BDAT 0 LAST", S: "250 Ok"}'
    assert Played(of((*OPENED, *chunks, HELLO)), {}).sent == [EHLO, FROM, TO, "RSET", EHLO]


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ('{C: "ETRN example.org", S: "250 Ok"}', why.UNKNOWN),
        ('{C: "BURL imap://example.org/1 LAST", S: "250 Ok"}', why.UNKNOWN),
        ('{C: "XEXCH50 2 2", S: "354 Go on"}', why.UNKNOWN),
        ('{C: {base64: "Tk9PUApEQVRBDQo="}, S: "250 Ok"}', why.NOT_PLAIN),  # NOOP LF DATA
        ('{C: {base64: "Tk9PUA1EQVRBDQo="}, S: "250 Ok"}', why.NOT_PLAIN),  # NOOP CR DATA
        ('{C: {base64: "Tk9PUA=="}, S: "250 Ok"}', why.NOT_PLAIN),  # without a line ending
        ('{C: "NOOP [redacted]", S: "250 Ok"}', why.HIDDEN),
    ],
)
def test_what_may_do_more_than_is_known(item: str, reason: str) -> None:
    """It is not sent, and a transaction that it was in is taken back."""
    played = Played(of((*OPENED, item)), {}, deliver=True)
    assert played.sent == [EHLO, FROM, TO, "RSET"]
    assert played.rehearsal.skipped == {reason: 1}


def test_delivery() -> None:
    """What is asked for is sent: the message as it was on the wire, with its final dot."""
    played = Played(session(BEGIN, MAIL, QUIT), {}, deliver=True)
    message = "Subject: hello\r\n\r\nHi.\r\n."
    assert played.sent == [EHLO, FROM, TO, "DATA", message, "QUIT"]
    assert played.rehearsal.skipped == {}


def test_delivery_by_chunks() -> None:
    """A chunk goes with its command, which tells the size that the chunk has now."""
    chunks = '{C: "BDAT 9", chunk: "Hi", S: "250 Ok"}', '{C: "BDAT 0 LAST", S: "250 Ok"}'
    played = Played(of((*OPENED, *chunks)), {}, deliver=True)
    assert played.sent[3:] == ["BDAT 2\r\nHi", "BDAT 0 LAST"]


def test_half_a_message_is_not_begun() -> None:
    """DATA whose message is not there, or was a rule's affair, is not sent: it can't be ended."""
    data = '{C: "DATA", S: "354 Go on"}'
    ruled = '{message: "Hi\\n", client-saw: "451 Later", rule: later}'
    for items in ([data], [data, ruled]):
        assert Played(of((*OPENED, *items)), {}, deliver=True).sent[3:] == ["RSET"]


def test_two_messages_in_one() -> None:
    """A recorded message with a final dot within never becomes two."""
    message = 'wire: "Hi\\n.\\nMAIL FROM:<c@example.org>\\n"'
    items = '{C: "DATA", S: "354 Go on"}', f'{{{message}, S: "250 Ok"}}'
    with pytest.raises(AsideError, match="final dot within"):
        Played(of((*OPENED, *items)), {}, deliver=True)


@pytest.mark.parametrize(
    ("now", "sent"),
    [
        ({"MAIL": "451 Later"}, [EHLO, FROM, "QUIT"]),
        ({"DATA": "451 Later"}, [EHLO, FROM, TO, "DATA", "RSET", "QUIT"]),
        ({"RCPT": "550 No"}, [EHLO, FROM, TO, "DATA", "Subject: hello\r\n\r\nHi.\r\n.", "QUIT"]),
    ],
)
def test_a_transaction_that_fares_otherwise(now: dict[str, str], sent: list[str]) -> None:
    """It is left out to its end, where what follows could not be compared; the drift is told."""
    played = Played(session(BEGIN, MAIL, QUIT), now, deliver=True)
    assert played.sent == sent
    ((verb, text),) = now.items()
    assert [(stage, new) for stage, _, new in played.drift] == [(verb, text)]


def test_a_sender_that_was_refused() -> None:
    """One that is taken now is taken back, so that the next one is not refused for it."""
    refused = '{C: "MAIL FROM:<x@example.org>", S: "550 No"}'
    played = Played(of((*OPENED[:2], refused, *OPENED[2:])), {})
    assert played.sent == [EHLO, "MAIL FROM:<x@example.org>", "RSET", FROM, TO]
    assert [stage for stage, _, _ in played.drift] == ["MAIL"]


def test_data_that_was_refused() -> None:
    """Where it is taken now, nothing more is said: nobody has the message, and nothing ends it."""
    played = Played(of((*OPENED, '{C: "DATA", S: "554 No"}', HELLO)), {}, deliver=True)
    assert played.sent == [EHLO, FROM, TO, "DATA"]
    assert played.drift == [("DATA", "554 No", "354 Go on")]


def test_replies_of_lmtp() -> None:
    """Each recipient that is accepted now has a reply, and all are heard before what comes next."""
    text = "\n".join(map(dialogue, (BEGIN, MAIL))).replace("EHLO", "LHLO")
    text = text.replace(TO, f"{TO}\nS: 250 Ok\nC: RCPT TO:<c@example.net>", 1)
    found = cassette(text).sessions[0]
    last = found.dialogue[-1]
    found.dialogue[-1] = last._replace(said=(b"250 One\r\n", b"250 Two\r\n"))
    message = "Subject: hello\r\n\r\nHi.\r\n."
    assert Played(found, {message: "250 One\n250 Two"}, deliver=True).drift == []
    fewer = {"RCPT TO:<c@example.net>": "550 No", message: "250 One"}
    assert len(Played(found, fewer, deliver=True).drift) == 2


def test_what_a_rule_answered() -> None:
    """Upstream has not heard it, and does not hear it now."""
    ruled = '{C: "RCPT TO:<c@example.net>", client-saw: "450 Later", rule: later}'
    played = Played(of((*OPENED, ruled, HELLO)), {})
    assert played.sent == [EHLO, FROM, TO, EHLO]
    assert played.rehearsal.skipped == {why.ANSWERED_HERE: 1}


def test_a_greeting_is_always_heard() -> None:
    """Nothing is said before it, even if the recorded one was a rule's."""
    played = Played(of(("{client-saw: '220 x', rule: r}", HELLO)), {})
    assert played.sent == [EHLO]
    with pytest.raises(AsideError, match="greets with 554"):
        Played(of(("{client-saw: '220 x', rule: r}", HELLO)), {"": "554 No"})


def test_a_server_that_is_closing() -> None:
    """Behind 421 nothing is said, and the rest is counted."""
    played = Played(session(BEGIN, MAIL, QUIT), {"RCPT": "421 Closing"})
    assert played.sent == [EHLO, FROM, TO]
    assert played.rehearsal.skipped == {why.OVER: 3}
    assert played.drift == [("RCPT", "250 2.1.5 Ok", "421 Closing")]


STARTTLS = """
    C: STARTTLS
    S: 220 Go on
    C: EHLO app.example.org
    S: 250 mail.example.org
"""


def test_starttls() -> None:
    """TLS begins where it began."""
    played = Played(session(BEGIN, STARTTLS, MAIL), {})
    assert played.sent == [EHLO, "STARTTLS", TLS, EHLO, FROM, TO, "RSET"]


@pytest.mark.parametrize("reply", ["454 No", "502 No", "421 No"])
def test_nothing_goes_on_in_plain_text(reply: str) -> None:
    """Where TLS is refused now, nothing is sent that was under TLS."""
    played = Played(session(BEGIN, STARTTLS, MAIL), {"STARTTLS": reply}, credentials=TIM)
    assert played.sent == [EHLO, "STARTTLS"]
    assert played.rehearsal.skipped == {why.PLAIN: 5}


def test_nor_where_starttls_can_not_be_sent() -> None:
    """A STARTTLS that is no plain line is no way around it."""
    items = (GREETING, HELLO, '{C: {base64: "U1RBUlRUTFMKTk9PUA0K"}, S: "220 Go on"}', HELLO)
    assert Played(of(items), {}).sent == [EHLO]


def test_starttls_under_tls() -> None:
    """Where TLS has been there from the first octet on, STARTTLS is left out."""
    played = Played(session(BEGIN, STARTTLS), {}, encrypted=True)
    assert played.sent == [EHLO, EHLO]
    assert played.rehearsal.skipped == {why.IN_TLS: 1}


def test_starttls_that_was_refused() -> None:
    """Where it is taken now, that is drift, and nothing follows in plain text."""
    refused = '{C: "STARTTLS", S: "454 No"}'
    played = Played(of((GREETING, HELLO, refused, HELLO)), {})
    assert played.sent == [EHLO, "STARTTLS"]
    assert [stage for stage, _, _ in played.drift] == ["STARTTLS"]


def test_tls_that_the_client_did_not_ask_for() -> None:
    """What the proxy had encrypted is encrypted now, or nothing of it is sent."""
    found = session(BEGIN, MAIL)
    found.tls["upstream"] = RecordedTls("TLSv1.3")
    offer = {"EHLO": "250-mail.example.org/250 STARTTLS"}
    own = ["EHLO smtpproxy.localhost", "STARTTLS", TLS]
    assert Played(found, offer).sent == [*own, EHLO, FROM, TO, "RSET"]
    with pytest.raises(AsideError, match="does not offer STARTTLS"):
        Played(found, {})
    assert Played(found, {}, encrypted=True).sent == [EHLO, FROM, TO, "RSET"]


def test_tls_that_the_proxy_itself_began() -> None:
    """What a client said under it leaves this machine under TLS alone."""
    proxied = '{C: "STARTTLS", client-saw: "220 Go on", by: proxy}'
    found = of((GREETING, HELLO, proxied, HELLO))
    with pytest.raises(AsideError, match="does not offer STARTTLS"):
        Played(found, {})
    assert Played(found, {}, trusted=True).sent == [EHLO, EHLO]


AUTH = '{C: "AUTH LOGIN", S: "334 VXNlcm5hbWU6"}'
ANSWERS = ('{C: "[redacted]", S: "334 UGFzc3dvcmQ6"}', '{C: "[redacted]", S: "235 Ok"}')
OFFER = {"EHLO": "250-mail.example.org/250 AUTH PLAIN", "AUTH": "235 Ok"}
PLAIN = "AUTH PLAIN AHRpbQB0YW5zdGFhZnRhbnN0YWFm"


def test_auth_without_credentials() -> None:
    """It is left out with its answers, and counted."""
    played = Played(of((GREETING, HELLO, AUTH, *ANSWERS, HELLO)), OFFER)
    assert played.sent == [EHLO, EHLO]
    assert played.rehearsal.skipped == {why.NO_CREDENTIALS: 3}


def test_auth_with_our_own() -> None:
    """We log in by what is offered now, in the place where the client did, and once."""
    found = of((GREETING, HELLO, AUTH, *ANSWERS, HELLO))
    assert Played(found, OFFER, credentials=TIM, encrypted=True).sent == [EHLO, PLAIN, EHLO]


def test_auth_that_was_refused() -> None:
    """Who was not logged in then is not logged in now."""
    refused = '{C: "AUTH PLAIN [redacted]", S: "535 No"}'
    played = Played(of((GREETING, HELLO, refused)), OFFER, credentials=TIM, encrypted=True)
    assert played.sent == [EHLO]
    assert played.rehearsal.skipped == {why.NO_LOGIN: 1}


def test_a_password_stays_secret() -> None:
    """It is not shown in plain text, and not kept where a server repeats it."""
    found = of((GREETING, HELLO, '{C: "AUTH PLAIN [redacted]", S: "235 Ok"}', HELLO))
    with pytest.raises(AsideError, match="not encrypted"):
        Played(found, OFFER, credentials=TIM)
    replies = OFFER | {"EHLO": "250-tanstaaftanstaaf/250 AUTH PLAIN"}
    played = Played(found, replies, credentials=TIM, encrypted=True)
    assert b"tanstaaf" not in played.rehearsal.played[-1][1].said[0]


def test_a_session_without_a_server() -> None:
    """Where a server said nothing, there is nothing to play."""
    assert Rehearsal(of(("{client-saw: '421 x', by: proxy}",)), on_the_wire).empty
    assert not Rehearsal(session(BEGIN), on_the_wire).empty


def test_what_would_be_delivered() -> None:
    """Messages are counted, and everybody whom they may reach, refused or not; nobody else."""
    refused = '{C: "RCPT TO:<c@example.net>", S: "550 No"}'
    ruled = '{C: "RCPT TO:<d@example.net>", client-saw: "550 No", rule: r}'
    mail = '{C: "DATA", S: "354 Go on"}', '{message: "Hi\\n", S: "250 Ok"}'
    reset = '{C: "RSET", S: "250 Ok"}', '{C: "RCPT TO:<e@example.net>", S: "503 No"}'
    found = deliveries([of((*OPENED, refused, ruled, *mail, *reset)), session(BEGIN, MAIL)])
    assert found.messages == 2
    assert found.recipients == {"b@example.net", "c@example.net"}
