"""The built-in server that accepts everything, and keeps nothing."""

from itertools import count

import pytest

from smtpproxy.sink import DOMAIN, Sink
from smtpproxy.smtp.protocols import LMTP, SMTP, MailProtocol
from smtpproxy.smtp.server import ServerReader
from tests.cassette.dialogues import Client, dialogue

WHOLE = dialogue(
    """
    S: 220 sink.localhost ESMTP smtpproxy sink
    C: HELO app.example.org
    S: 250 sink.localhost greets you
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 250 2.1.5 Ok
    C: RCPT TO:<c@example.net>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 End data with <CRLF>.<CRLF>
    C: Subject: hello
    C:
    C: ..
    C: .
    S: 250 2.0.0 Ok: message 1 taken
    C: QUIT
    S: 221 2.0.0 sink.localhost closing
    """
)


@pytest.fixture
def client() -> Client:
    """A client of a new sink."""
    return connect()


def connect(protocol: MailProtocol = SMTP) -> Client:
    """Connect to a new sink."""
    taken = count(1)
    return Client(Sink(lambda: next(taken), protocol))


def codes(octets: bytes) -> list[int]:
    """Return the reply code of each reply."""
    reader = ServerReader()
    reader.receive(octets)
    found = []
    while (fact := reader.next()) is not None:
        found.append(getattr(fact, "code", 0))
    return found


def test_a_message_is_taken(client: Client) -> None:
    """From greeting to QUIT, a client hears what RFC 5321 lets it expect."""
    assert client.played(WHOLE) == WHOLE
    assert client.server.closed


@pytest.mark.parametrize(("protocol", "hello"), [(SMTP, "EHLO"), (LMTP, "LHLO")])
def test_it_offers_what_clients_like(protocol: MailProtocol, hello: str) -> None:
    """Its own name first, then the extensions, of which it keeps every one."""
    client = connect(protocol)
    first, *keywords = client.says(f"{hello} app.example.org").decode().split("\r\n")[:-1]
    assert first[:4] == "250-"
    assert first[4:].split()[0] == DOMAIN
    offered = {line[4:].split()[0] for line in keywords}
    assert offered == {"PIPELINING", "8BITMIME", "SMTPUTF8", "SIZE", "AUTH", "ENHANCEDSTATUSCODES"}


@pytest.mark.parametrize("verb", ["NOOP", "RSET", "VRFY b", "EXPN list", "HELP", "HELP MAIL"])
def test_everything_is_fine(client: Client, verb: str) -> None:
    """Commands without consequence succeed."""
    assert codes(client.says(verb))[0] // 100 == 2


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (("DATA",), [503]),
        (("RCPT TO:<b@example.net>",), [503]),
        (("MAIL FROM:<a@example.org>", "DATA"), [250, 503]),
        (("MAIL FROM:<>", "RCPT TO:<b@example.net>", "RSET", "DATA"), [250, 250, 250, 503]),
        (("MAIL FROM:<>", "RCPT TO:<b@example.net>", "EHLO x", "DATA"), [250, 250, 250, 503]),
        (("MAIL FROM:<>", "RCPT TO:<b@example.net>", "HELO x", "DATA"), [250, 250, 250, 503]),
        (("MAIL FROM:<>", "RCPT TO:<b@example.net>", "MAIL FROM:<>", "DATA"), [250, 250, 250, 503]),
        (("SEND FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"), [250, 250, 354]),
        (("SOML FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"), [250, 250, 354]),
        (("SAML FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA"), [250, 250, 354]),
    ],
)
def test_only_a_message_without_recipient_is_refused(
    client: Client, said: tuple[str, ...], heard: list[int]
) -> None:
    """DATA needs a recipient, and that a sender: RFC 5321 §3.3."""
    assert codes(client.says(*said)) == heard


def test_a_message_ends_its_transaction(client: Client) -> None:
    """After the final dot a new MAIL is needed; messages of all sessions are counted."""
    client.says("MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>", "DATA")
    assert client.says(".") == b"250 2.0.0 Ok: message 1 taken\r\n"
    assert codes(client.says("RCPT TO:<b@example.net>")) == [503]


@pytest.mark.parametrize("said", ["MAIL", "MAIL FROM:", "RCPT TO:", "RCPT b@example.net"])
def test_a_path_is_needed(client: Client, said: str) -> None:
    """Without an address there is nothing to accept: 501 (RFC 5321 §4.2.2)."""
    client.says("MAIL FROM:<a@example.org>")
    assert codes(client.says(said)) == [501]


@pytest.mark.parametrize("verb", ["STARTTLS", "ETRN x", "TURN", "ATRN x", "XCLIENT A=B", "LHLO x"])
def test_what_is_not_offered_is_refused(client: Client, verb: str) -> None:
    """502: known, and not implemented here (RFC 5321 §4.2.4)."""
    assert codes(client.says(verb)) == [502]


@pytest.mark.parametrize("line", ["XYZZY", "", "250 Ok", "\x80"])
def test_what_is_no_command_is_refused(client: Client, line: str) -> None:
    """500: not recognized (RFC 5321 §4.2.4)."""
    assert codes(client.says(line)) == [500]


def test_a_refused_chunk_is_no_command(client: Client) -> None:
    """BDAT takes its octets also where it is refused (RFC 3030 §2)."""
    assert codes(client.server.receive(b"BDAT 6 LAST\r\nQUIT\r\nNOOP\r\n")) == [502, 250]
    assert not client.server.closed


@pytest.mark.parametrize(
    ("said", "heard"),
    [
        (["AUTH PLAIN AGEAYg=="], "235"),
        (["auth plain AGEAYg=="], "235"),
        (["AUTH PLAIN", "AGEAYg=="], "334 |235"),
        (["AUTH PLAIN", "*"], "334 |501"),
        (["AUTH LOGIN", "YQ==", "Yg=="], "334 VXNlcm5hbWU6|334 UGFzc3dvcmQ6|235"),
        (["AUTH LOGIN YQ==", "Yg=="], "334 UGFzc3dvcmQ6|235"),
        (["AUTH LOGIN", "YQ==", "*", "NOOP"], "334 VXNlcm5hbWU6|334 UGFzc3dvcmQ6|501|250"),
        (["AUTH CRAM-MD5"], "504"),
        (["AUTH"], "504"),
    ],
)
def test_any_credentials_are_taken(client: Client, said: list[str], heard: str) -> None:
    """PLAIN and LOGIN, with an initial response or without; `*` cancels (RFC 4954 §4)."""
    for line, begins in zip(said, heard.split("|"), strict=True):
        assert client.says(line).startswith(begins.encode())


def test_an_empty_prompt_is_a_334_and_a_blank(client: Client) -> None:
    """RFC 4954 §4: the challenge of PLAIN is empty, and the blank before it stays."""
    assert client.says("AUTH PLAIN") == b"334 \r\n"


def test_a_message_is_taken_for_each_recipient() -> None:
    """In LMTP there is one reply for each, and it is one message: RFC 2033 §4.2."""
    letter = dialogue(
        """
        C: MAIL FROM:<a@example.org>
        S: 250 2.1.0 Ok
        C: RCPT TO:<b@example.net>
        S: 250 2.1.5 Ok
        C: RCPT TO:<b@example.net>
        S: 250 2.1.5 Ok
        C: DATA
        S: 354 End data with <CRLF>.<CRLF>
        C: Hi
        C: .
        S: 250 2.0.0 Ok: message 1 taken
        S: 250 2.0.0 Ok: message 1 taken
        """
    )
    client = connect(LMTP)
    assert client.greeting == b"220 sink.localhost LMTP smtpproxy sink\r\n"
    assert codes(client.says("LHLO app.example.org")) == [250]
    for number in (1, 2):
        assert client.played(letter) == letter.replace("message 1", f"message {number}")


@pytest.mark.parametrize("hello", ["HELO", "EHLO"])
def test_lmtp_takes_no_hello_of_smtp(hello: str) -> None:
    """RFC 2033 §4.1: both sides learn that they speak different protocols; nothing else happens."""
    client = connect(LMTP)
    client.says("LHLO app.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>")
    assert codes(client.says(f"{hello} app.example.org")) == [500]
    assert codes(client.says("DATA")) == [354]


def test_lmtp_needs_a_recipient_too() -> None:
    """RFC 2033 §4.2: DATA fails with 503 where no RCPT was successful."""
    client = connect(LMTP)
    client.says("LHLO app.example.org", "MAIL FROM:<a@example.org>")
    assert codes(client.says("RCPT TO:", "DATA")) == [501, 503]
