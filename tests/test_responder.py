"""A server in this process: what is said to it is framed as any server frames it."""

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from smtpproxy.responder import Answer, LocalServer
from smtpproxy.smtp.facts import Chunk, Command, Continuation, MailData

READY = Answer(b"220 ready\r\n")
# What clients send, in pieces that make sense together, or none.
PIECES = (
    *(b"NOOP", b"DATA", b"AUTH", b"*", b"BDAT 3", b" LAST", b"QUI", b"T", b".", b"\xff"),
    *(b"\r\n", b"\r\n", b"\n", b"\r", b"\r\n.\r\n"),
)


class Echo:
    """Answers with what it was asked, and keeps a list of it."""

    def __init__(self, greeting: Answer = READY) -> None:
        self._greeting = greeting
        self.asked: list[bytes] = []

    def greeting(self) -> Answer:
        """Greet."""
        return self._greeting

    def command(self, command: Command) -> Answer:
        """Answer by the verb: 354 to DATA, 334 to AUTH, and so on."""
        self.asked.append(command.wire)
        code = {"DATA": b"354", "AUTH": b"334", "QUIT": b"221"}.get(command.verb, b"250")
        return Answer(code + b" " + command.verb.encode() + b"\r\n", close=code == b"221")

    def continuation(self, line: Continuation) -> Answer:
        """Go on with AUTH until the client cancels."""
        self.asked.append(b"+" + line.wire)
        return Answer(b"501 cancelled\r\n" if line.wire == b"*\r\n" else b"334 more\r\n")

    def end_of_mail_data(self) -> Answer:
        """Take the message."""
        self.asked.append(b".")
        return Answer(b"250 taken\r\n")

    def gone(self) -> None:
        """Take note."""
        self.asked.append(b"gone")


# What a client sends, what the responder is asked, and what the server says.
DIALOGUES = [
    pytest.param(
        b"EHLO x\r\nNOOP\nQUIT\r\n",
        [b"EHLO x\r\n", b"NOOP\n", b"QUIT\r\n"],
        b"250 EHLO\r\n250 NOOP\r\n221 QUIT\r\n",
        id="pipelined",
    ),
    pytest.param(
        b"DATA\r\nQUIT\r\n..\r\n.\r\nNOOP\r\n",
        [b"DATA\r\n", b".", b"NOOP\r\n"],
        b"354 DATA\r\n250 taken\r\n250 NOOP\r\n",
        id="mail data",
    ),
    pytest.param(
        b"DATA\r\n.\r\nDATA\r\na\n.\n\r\n.\r\n",
        [b"DATA\r\n", b".", b"DATA\r\n", b"."],
        b"354 DATA\r\n250 taken\r\n" * 2,
        id="only CRLF . CRLF ends mail data",
    ),
    pytest.param(
        b"AUTH LOGIN\r\nQUIT\r\nNOOP\r\n*\r\nNOOP\r\n",
        [b"AUTH LOGIN\r\n", b"+QUIT\r\n", b"+NOOP\r\n", b"+*\r\n", b"NOOP\r\n"],
        b"334 AUTH\r\n334 more\r\n334 more\r\n501 cancelled\r\n250 NOOP\r\n",
        id="continuations",
    ),
    pytest.param(
        b"BDAT 6\r\nQUIT\r\nBDAT 0 LAST\r\nNOOP\r\n",
        [b"BDAT 6\r\n", b"BDAT 0 LAST\r\n", b"NOOP\r\n"],
        b"250 BDAT\r\n250 BDAT\r\n250 NOOP\r\n",
        id="chunks",
    ),
    pytest.param(
        b"QUIT\r\nNOOP\r\n", [b"QUIT\r\n"], b"221 QUIT\r\n", id="nothing is heard behind QUIT"
    ),
    pytest.param(b"NOOP", [], b"", id="half a line"),
]


def serve(pieces: list[bytes]) -> tuple[list[bytes], bytes]:
    """Return what the responder was asked, and what was said."""
    responder = Echo()
    server = LocalServer(responder)
    assert server.connected() == b"220 ready\r\n"
    return responder.asked, b"".join([server.receive(piece) for piece in pieces])


@pytest.mark.parametrize(("sent", "asked", "said"), DIALOGUES)
def test_a_dialogue_wherever_it_is_cut(sent: bytes, asked: list[bytes], said: bytes) -> None:
    """Every cut in two, and octet by octet: the same is asked, and the same is said."""
    for at in range(len(sent) + 1):
        assert serve([sent[:at], sent[at:]]) == (asked, said)
    assert serve([sent[at : at + 1] for at in range(len(sent))]) == (asked, said)


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=20).map(b"".join),
    st.lists(st.integers(0, 80), max_size=6),
)
def test_cuts_never_matter(sent: bytes, cuts: list[int]) -> None:
    """Whatever a client sends, the answers do not depend on the segments that it came in."""
    places = sorted({0, len(sent), *(min(cut, len(sent)) for cut in cuts)})
    pieces = [sent[a:b] for a, b in pairwise(places)]
    assert serve(pieces) == serve([sent])


def test_a_chunk_is_answered_when_it_is_complete() -> None:
    """BDAT is answered once its octets are there (RFC 3030 §2), and not before."""
    server = LocalServer(Echo())
    assert server.receive(b"BDAT 4 LAST\r\nabc") == b""
    assert server.receive(b"d") == b"250 BDAT\r\n"


@pytest.mark.parametrize("line", [b"NOOP " + b"x" * 2048, b"x" * 100_000 + b"\r\nNOOP\r\n"])
def test_a_line_without_end_ends_the_connection(line: bytes) -> None:
    """500 (RFC 5321 §4.2.4), and nothing more is read."""
    responder = Echo()
    server = LocalServer(responder)
    assert server.receive(line).startswith(b"500 5.5.2 ")
    assert server.closed
    assert server.receive(b"NOOP\r\n") == b""
    assert responder.asked == []


def test_a_server_may_close_at_once() -> None:
    """A greeting that closes: nothing is asked any more."""
    responder = Echo(Answer(b"421 busy\r\n", close=True))
    server = LocalServer(responder)
    assert server.connected() == b"421 busy\r\n"
    assert server.closed
    assert server.receive(b"NOOP\r\n") == b""
    assert responder.asked == []


def test_the_responder_hears_that_the_client_has_left() -> None:
    """What it holds for this client can be given back."""
    responder = Echo()
    LocalServer(responder).gone()
    assert responder.asked == [b"gone"]


class Encrypting(Echo):
    """Goes ahead with STARTTLS."""

    def command(self, command: Command) -> Answer:
        """Answer by the verb."""
        answer = super().command(command)
        return Answer(b"220 go\r\n") if command.verb == "STARTTLS" else answer


@pytest.mark.parametrize("sent", [b"NOOP\r\n", b"DATA\r\nHi.\r\n.\r\n", b"BDAT 2\r\nHi"])
def test_framing_begins_anew_under_tls(sent: bytes) -> None:
    """Behind the 220 to STARTTLS nothing can be read; once TLS has begun, commands are."""
    plain, encrypted = LocalServer(Echo()), LocalServer(Encrypting())
    plain.connected()
    encrypted.connected()
    assert encrypted.receive(b"STARTTLS\r\n") == b"220 go\r\n"
    encrypted.secured()
    assert encrypted.receive(sent) == plain.receive(sent)
    assert not encrypted.closed


@pytest.mark.parametrize("injected", [b"RS", b"RSET\r\n", b"\x16\x03\x01"])
def test_octets_where_tls_should_begin_end_the_connection(injected: bytes) -> None:
    """RFC 3207 §6: what comes in plain text behind STARTTLS is not read, nor answered."""
    responder = Encrypting()
    server = LocalServer(responder)
    assert server.receive(b"STARTTLS\r\n" + injected) == b"220 go\r\n"
    assert server.closed
    assert responder.asked == [b"STARTTLS\r\n"]


def test_an_envelope_in_plain_text_is_forgotten_under_tls() -> None:
    """RFC 3207 §4.2: a message is answered for the recipients that were named under TLS."""
    server = LocalServer(Mailbox())
    server.connected()
    server.receive(b"LHLO x\r\nMAIL\r\nRCPT\r\nRCPT\r\n")
    server.secured()
    server.receive(b"LHLO x\r\nMAIL\r\nRCPT\r\nDATA\r\n")
    assert server.receive(b".\r\n") == b"250 taken\r\n"


class Mailbox(Echo):
    """Answers for each recipient, whatever it is asked."""

    def command(self, command: Command) -> Answer:
        """Answer by the verb."""
        return super().command(command)._replace(each=True)

    def end_of_mail_data(self) -> Answer:
        """Take the message."""
        return super().end_of_mail_data()._replace(each=True)


@pytest.mark.parametrize(
    ("sent", "replies"),
    [
        (b"LHLO x\r\nMAIL\r\nRCPT\r\nRCPT\r\n", 2),
        (b"LHLO x\r\nMAIL\r\nRCPT\r\nRCPT\r\nEHLO x\r\nMAIL\r\nRCPT\r\nRCPT\r\n", 1),
        (b"LHLO x\r\nMAIL\r\nRCPT\r\nRCPT\r\nRSET\r\nMAIL\r\nRCPT\r\n", 1),
        (b"LHLO x\r\nMAIL\r\nRCPT\r\nRCPT\r\nMAIL\r\nRCPT\r\nRCPT\r\nRCPT\r\n", 3),
        (b"LHLO x\r\nMAIL\r\n", 1),
        (b"MAIL\r\nRCPT\r\nRCPT\r\n", 1),
    ],
)
def test_a_message_is_answered_for_each_recipient(sent: bytes, replies: int) -> None:
    """RFC 2033 §4.2: after LHLO there is a reply for each RCPT accepted in this transaction."""
    server = LocalServer(Mailbox())
    server.connected()
    assert server.receive(sent + b"DATA\r\n").count(b"\r\n") == sent.count(b"\r\n") + 1
    assert server.receive(b".\r\n") == b"250 taken\r\n" * replies
    assert server.receive(b"BDAT 0 LAST\r\n") == b"250 BDAT\r\n"


def test_a_last_chunk_is_answered_for_each_recipient() -> None:
    """RFC 2033 §4.3: so is the last BDAT, and no other."""
    server = LocalServer(Mailbox())
    server.connected()
    server.receive(b"LHLO x\r\nMAIL\r\nRCPT\r\nRCPT\r\n")
    assert server.receive(b"BDAT 1\r\nx") == b"250 BDAT\r\n"
    assert server.receive(b"BDAT 1 LAST\r\nx") == b"250 BDAT\r\n" * 2


class Listening(Echo):
    """Hears mail data, too."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[tuple[bytes, bool]] = []

    def mail_data(self, fact: MailData | Chunk) -> None:
        """Keep it."""
        self.heard.append((fact.octets, fact.last))


def test_a_responder_that_wants_mail_data_hears_it_before_the_end() -> None:
    """Octets come as they were sent, chunks too, and all of them before their answer is asked."""
    responder = Listening()
    server = LocalServer(responder)
    server.receive(b"DATA\r\n")
    server.receive(b"..a\r\n")
    assert b"".join(octets for octets, _ in responder.heard) == b"..a\r\n"
    assert responder.asked == [b"DATA\r\n"]
    server.receive(b".\r\nBDAT 3\r\nabc")
    assert b"".join(octets for octets, _ in responder.heard) == b"..a\r\n.\r\nabc"
    assert [last for _, last in responder.heard].count(True) == 2
    assert responder.asked == [b"DATA\r\n", b".", b"BDAT 3\r\n"]
