"""What is remembered of a connection to a cassette, for upstream to be brought as far."""

from __future__ import annotations

from smtpproxy.cassette.model import Cassette, Recorded, RecordedSession
from smtpproxy.departure import Remembered
from smtpproxy.replay import Player
from smtpproxy.responder import LocalServer

DIALOGUE = [
    ("CONNECT", b"", b"220 mail.example.org\r\n"),
    ("EHLO", b"EHLO a\r\n", b"250 mail.example.org\r\n"),
    ("AUTH", b"AUTH PLAIN [redacted]\r\n", b"235 Ok\r\n"),
    ("MAIL", b"MAIL FROM:<a@example.org>\r\n", b"250 Ok\r\n"),
    ("RCPT", b"RCPT TO:<no@example.net>\r\n", b"550 No\r\n"),
    ("RCPT", b"RCPT TO:<b@example.net>\r\n", b"250 Ok\r\n"),
    ("DATA", b"DATA\r\n", b"354 Go\r\n"),
    ("END-OF-DATA", b"", b"250 Ok\r\n"),
]


class Talk:
    """A client of a cassette that may be departed from."""

    def __init__(
        self, may_depart: bool = True, dialogue: list[tuple[str, bytes, bytes]] = DIALOGUE
    ) -> None:
        session = RecordedSession("1", [Recorded(s, c, None, (r,)) for s, c, r in dialogue])
        self.misses: list[object] = []
        player = Player(Cassette("c.yaml", sessions=[session]), self.misses.append)
        self.remembered = Remembered(player.connection(), lambda: may_depart)
        self._server = LocalServer(self.remembered)
        self._server.connected()

    def say(self, *lines: str) -> bytes:
        """Say lines; return what is answered."""
        return b"".join(self._server.receive(f"{line}\r\n".encode()) for line in lines)

    @property
    def again(self) -> list[bytes]:
        """What would be said again."""
        return [one.command.wire.strip() for one in self.remembered.history() if one.command]


PROLOGUE = ("EHLO a", "AUTH PLAIN AGJvYgBzZWNyZXQ=")
ENVELOPE = ("MAIL FROM:<a@example.org>", "RCPT TO:<no@example.net>", "RCPT TO:<b@example.net>")


def test_prologue_and_open_transaction_are_remembered() -> None:
    """With the credentials as they were said; a recipient that was refused is no part of it."""
    talk = Talk()
    talk.say(*PROLOGUE, *ENVELOPE)
    assert talk.say("RCPT TO:<new@example.net>") == b""
    assert talk.remembered.departed
    assert talk.again == [line.encode() for line in (*PROLOGUE, ENVELOPE[0], ENVELOPE[2])]
    assert talk.misses == []


def test_a_message_that_was_finished_is_not_remembered() -> None:
    """It would be sent twice."""
    talk = Talk()
    talk.say(*PROLOGUE, *ENVELOPE, "DATA", "Hi!", ".")
    talk.say("MAIL FROM:<other@example.org>")
    assert talk.remembered.departed
    assert talk.again == [line.encode() for line in PROLOGUE]


def test_once_mail_data_have_begun_nobody_departs() -> None:
    """They are not kept: what the cassette does not have then is a miss."""
    talk = Talk()
    talk.say(*PROLOGUE, *ENVELOPE)
    assert b"miss" in talk.say("BDAT 3 LAST", "x")
    assert not talk.remembered.departed
    assert len(talk.misses) == 1


def test_a_message_that_was_finished_in_chunks_keeps_nobody() -> None:
    """Its last chunk ends it, as a final dot does: the next one may go on to upstream."""
    chunk = ("BDAT", b"BDAT 3 LAST\r\n", b"250 Ok\r\n")
    talk = Talk(dialogue=[*DIALOGUE[:6], chunk])
    talk.say(*PROLOGUE, *ENVELOPE)
    assert talk.say("BDAT 3 LAST", "x") == b"250 Ok\r\n"
    assert talk.say("MAIL FROM:<other@example.org>") == b""
    assert talk.remembered.departed
    assert talk.again == [line.encode() for line in PROLOGUE]


def test_who_may_not_depart_misses() -> None:
    """As where octets are on their way that could not be sent to another."""
    talk = Talk(may_depart=False)
    talk.say(*PROLOGUE)
    assert b"miss" in talk.say("MAIL FROM:<other@example.org>")
    assert len(talk.misses) == 1


def test_only_the_last_hello_counts() -> None:
    """However often a client says it: what is remembered is bounded."""
    talk = Talk()
    talk.say(*["EHLO a"] * 50, "RSET", "EHLO a")
    assert talk.again == [b"EHLO a"]
