"""A replay that compares messages: what differs is a miss, and noise is none."""

from pathlib import Path

import pytest

from smtpproxy.cassette.matching import Matching
from smtpproxy.cassette.misses import ALREADY_USED, DIFFERENT, Miss
from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.store import load_cassette
from smtpproxy.private.privatesession import PrivateRedactor
from smtpproxy.private.redactionrules import read_privacy
from smtpproxy.replay import Player
from tests.cassette.dialogues import Client, cassette
from tests.cassette.recording import Recording
from tests.cassette.replaying import CLOSING, LETTER, OPENING, lines, replaying

RECORDED = lines(OPENING, LETTER, CLOSING)
COMPARED = Matching(message=True)
ENVELOPE = ("EHLO app.example.org", "MAIL FROM:<a@example.org>", "RCPT TO:<b@example.net>")
BODY = ("Subject: hello", "", "Hi.", ".")


HIDDEN = """\
smtpproxy-redaction: 1
addresses: pseudonyms
headers: {replace: {Subject: "x"}}
bodies: replace
"""


class Comparing:
    """A replay of dialogues in which messages count."""

    def __init__(self, *dialogues: str) -> None:
        self.misses: list[Miss] = []
        self.recorded = cassette(*dialogues)

    def client(self) -> Client:
        """Connect."""
        return Client(self.player().connection())

    def player(self) -> Player:
        """Return what replays."""
        return Player(self.recorded, self.misses.append, matching=COMPARED)

    def sends(self, *body: str) -> bytes:
        """Send one message by DATA, and return what is said to it."""
        client = self.client()
        client.says(*ENVELOPE)
        assert client.says("DATA") == b"354 go\r\n"
        return client.says(*body)


@pytest.mark.parametrize(
    "body",
    [
        BODY,
        ("Date: today", *BODY),
        ("Message-ID: <2@app.example.org>", "Received: from x", "\tby y", *BODY),
    ],
)
def test_the_same_message_is_taken(body: tuple[str, ...]) -> None:
    """What a mail program writes anew each time does not count."""
    comparing = Comparing(RECORDED)
    assert comparing.sends(*body) == b"250 2.0.0 Ok: queued as 1\r\n"
    assert comparing.misses == []


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (("Subject: hello", "", "Ho.", "."), "body"),
        (("Subject: hallo", "", "Hi.", "."), "header Subject"),
        (("X-Mailer: y", *BODY), "header X-Mailer"),
        ((".",), "body"),
    ],
)
def test_another_message_is_a_miss(body: tuple[str, ...], name: str) -> None:
    """It is told which part of the message differs."""
    comparing = Comparing(RECORDED)
    assert comparing.sends(*body).startswith(b"554 5.3.0 smtpproxy: replay miss 1 at END-OF-DATA")
    (miss,) = comparing.misses
    assert miss.verdict == DIFFERENT
    assert name in [field.name for field in miss.compared if field.outcome == "differs"]


def test_messages_are_not_compared_unless_that_is_asked_for() -> None:
    """By default the message does not count, and nobody looks at it."""
    replay = replaying(RECORDED)
    connection = replay.player.connection()
    assert connection.mail_data is None
    client = Client(connection)
    client.says(*ENVELOPE, "DATA")
    assert client.says("Subject: other", "", ".") == b"250 2.0.0 Ok: queued as 1\r\n"


def test_each_of_two_messages_gets_its_own_answer() -> None:
    """Two letters of one envelope are told apart by their end, in any order, and once each."""
    other = LETTER.replace("Hi.", "Ho.").replace("as 1", "as 2")
    comparing = Comparing(lines(OPENING, LETTER, other, CLOSING))
    client = comparing.client()
    client.says(ENVELOPE[0])
    for body, answer in (("Ho.", "as 2"), ("Hi.", "as 1")):
        client.says(*ENVELOPE[1:], "DATA")
        assert client.says("Subject: hello", "", body, ".").decode().endswith(f"{answer}\r\n")
    assert comparing.misses == []


def test_the_same_message_again_is_already_used() -> None:
    """Of two letters, the one that was sent before is no difference."""
    other = LETTER.replace("Hi.", "Ho.")
    comparing = Comparing(lines(OPENING, LETTER, other, CLOSING))
    client = comparing.client()
    client.says(ENVELOPE[0])
    for _ in range(2):
        client.says(*ENVELOPE[1:], "DATA")
        client.says(*BODY)
    assert [miss.verdict for miss in comparing.misses] == [ALREADY_USED]


@pytest.mark.parametrize("step", [1, 2, 7, 4096])
def test_dots_and_cuts_do_not_count(step: int) -> None:
    """The message is compared as its receiver understands it, in whatever pieces it came."""
    dotted = LETTER.replace("C: Hi.", "C: .Hi.")
    comparing = Comparing(lines(OPENING, dotted, CLOSING))
    client = comparing.client()
    client.says(*ENVELOPE, "DATA")
    octets = b"Subject: hello\r\n\r\n..Hi.\r\n.\r\n"
    answers = [client.server.receive(octets[at : at + step]) for at in range(0, len(octets), step)]
    assert b"".join(answers) == b"250 2.0.0 Ok: queued as 1\r\n"


def test_kept_mail_data_counts_as_it_was_understood() -> None:
    """What is kept as it was on the wire is the same message."""
    comparing = Comparing(RECORDED)
    dialogue = comparing.recorded.sessions[0].dialogue
    at = next(at for at, one in enumerate(dialogue) if one.kept is not None)
    dialogue[at] = dialogue[at]._replace(kept=Kept(b"Subject: hello\r\n\r\n.Hi.\r\n", wire=True))
    assert comparing.sends(*BODY) == b"250 2.0.0 Ok: queued as 1\r\n"


CHUNKED = """
C: MAIL FROM:<a@example.org>
S: 250 2.1.0 Ok
C: RCPT TO:<b@example.net>
S: 250 2.1.5 Ok
C: BDAT 16
S: 250 2.0.0 16 octets
C: BDAT 7 LAST
S: 250 2.0.0 taken
"""


@pytest.mark.parametrize(
    ("chunks", "taken"),
    [
        ([b"Subject: hello\r\n", b"\r\nHi.\r\n"], True),
        ([b"Subject: hello\r\n", b"\r\nHo.\r\n"], False),
        ([b"Date: x\r\nSubject", b": hello\r\n\r\nHi.\r\n"], True),
    ],
)
def test_chunks_are_compared_as_one_message(chunks: list[bytes], taken: bool) -> None:
    """However a message is cut into BDATs (RFC 3030), all of it counts, and at the last."""
    comparing = Comparing(lines(OPENING, *CHUNKED.strip().splitlines(), CLOSING))
    dialogue = comparing.recorded.sessions[0].dialogue
    kept = iter([b"Subject: hello\r\n", b"\r\nHi.\r\n"])
    for at, one in enumerate(dialogue):
        if one.stage == "BDAT":
            dialogue[at] = one._replace(kept=Kept(next(kept)))
    client = comparing.client()
    client.says(*ENVELOPE)
    first, last = chunks
    assert client.server.receive(b"BDAT %d\r\n%s" % (len(first), first)).startswith(b"250")
    answer = client.server.receive(b"BDAT %d LAST\r\n%s" % (len(last), last))
    assert (answer == b"250 2.0.0 taken\r\n") is taken
    assert bool(comparing.misses) is not taken


@pytest.mark.parametrize(
    "dialogue",
    [
        ("DATA", "Subject: bob@nest.corp", "", "Hi.", "."),
        ("BDAT 24", "Subject: bob@nest.corp", "BDAT 7 LAST", "", "Hi.", "RSET"),
    ],
)
def test_what_is_hidden_is_hidden_before_it_is_compared(
    tmp_path: Path, dialogue: tuple[str, ...]
) -> None:
    """A recording made with redaction fits again, and a miss tells no more than a cassette."""
    privacy = read_privacy(HIDDEN.encode(), "redact.yaml")
    recording = Recording(tmp_path)
    live = recording.begin(privacy=privacy)
    live.upstream(b"220 mail.example.org\r\n")
    replies = {"EHLO": b"250 m\r\n", "DATA": b"354 go\r\n"}
    for line in (*ENVELOPE, *dialogue):
        live.client(line.encode() + b"\r\n")
        while live.relay.waiting:
            live.upstream(replies.get(line[:4], b"250 ok\r\n"))
    live.client_leaves()
    recording.recorder.finish()
    misses: list[Miss] = []

    def client() -> Client:
        player = Player(
            load_cassette(recording.path),
            misses.append,
            matching=COMPARED,
            redactor=lambda: PrivateRedactor(privacy),
        )
        return Client(player.connection())

    again = client()
    for line in (*ENVELOPE, *dialogue):
        again.says(line)
    assert misses == []
    other = client()
    for line in (*ENVELOPE, "DATA", "Subject: carol@nest.corp", "X-To: carol@nest.corp", "", "."):
        other.says(line)
    assert misses
    assert "carol" not in repr(misses)
