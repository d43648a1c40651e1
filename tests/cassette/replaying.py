"""Letters that are sent again and again, and a cassette that is being replayed."""

from smtpproxy.cassette.matching import ANY, USUAL, Matching
from smtpproxy.cassette.misses import Miss
from smtpproxy.cassette.model import Cassette
from smtpproxy.replay import Player
from tests.cassette.dialogues import Client, cassette, dialogue

OPENING = dialogue(
    """
    S: 220 mail.example.org ESMTP ready
    C: EHLO app.example.org
    S: 250-mail.example.org
    S: 250-PIPELINING
    S: 250 8BITMIME
    """
)
LETTER = dialogue(
    """
    C: MAIL FROM:<a@example.org>
    S: 250 2.1.0 Ok
    C: RCPT TO:<b@example.net>
    S: 250 2.1.5 Ok
    C: DATA
    S: 354 go
    C: Subject: hello
    C:
    C: Hi.
    C: .
    S: 250 2.0.0 Ok: queued as 1
    """
)
CLOSING = "C: QUIT\nS: 221 2.0.0 Bye"


def lines(*parts: str) -> str:
    """Return one dialogue of its parts."""
    return "\n".join(parts)


def letter(number: int, recipient: str = "b") -> str:
    """Return a transaction that is told from others by its last reply."""
    return LETTER.replace("as 1", f"as {number}").replace("<b@", f"<{recipient}@")


class Replaying:
    """A cassette that is being replayed, and what it lacked."""

    def __init__(
        self,
        recorded: Cassette,
        repeat: bool = False,
        plain: bool = False,
        matching: Matching = USUAL,
        order: str = ANY,
    ) -> None:
        self.misses: list[Miss] = []
        self.player = Player(recorded, self.misses.append, repeat, plain, matching, order=order)

    def client(self) -> Client:
        """Connect."""
        return Client(self.player.connection())

    def opened(self) -> Client:
        """Connect, and say hello."""
        client = self.client()
        assert client.played(OPENING) == OPENING
        return client

    @property
    def unused(self) -> int:
        """How many transactions nobody replayed."""
        return self.player.tree.unused_count()


def replaying(*dialogues: str, repeat: bool = False) -> Replaying:
    """Return a replay of dialogues, one a session."""
    return Replaying(cassette(*dialogues), repeat)
