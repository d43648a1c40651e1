"""What is kept, and told, of sessions that go on from a cassette to upstream."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.cassette.appending import Appender
from smtpproxy.cassette.model import Cassette, Recorded, RecordedSession
from smtpproxy.cassette.store import CassetteFile, load_cassette
from smtpproxy.departure import Remembered
from smtpproxy.replay import Player
from smtpproxy.responder import LocalServer
from smtpproxy.transcript import Entry, Note, Session
from tests.cassette.recording import RECORDED, UPSTREAM, Conversation

NAME, PASSWORD = b"Ym9iQGV4YW1wbGUub3Jn", b"aHVudGVyMmh1bnRlcjI="
HAS = [
    ("CONNECT", b"", b"220 mail.example.org\r\n"),
    ("EHLO", b"EHLO a\r\n", b"250 mail.example.org\r\n"),
    ("AUTH", b"AUTH LOGIN\r\n", b"334 VXNlcm5hbWU6\r\n"),
    ("AUTH", b"[redacted]\r\n", b"334 UGFzc3dvcmQ6\r\n"),
    ("AUTH", b"[redacted]\r\n", b"235 Ok\r\n"),
    ("MAIL", b"MAIL FROM:<a@example.org>\r\n", b"250 Ok\r\n"),
    ("RCPT", b"RCPT TO:<b@example.net>\r\n", b"250 Ok\r\n"),
]
SAID = (b"EHLO a", b"AUTH LOGIN", NAME, PASSWORD, HAS[5][1].strip(), HAS[6][1].strip())
AGAIN = (b"250 m", b"334 VXNlcm5hbWU6", b"334 UGFzc3dvcmQ6", b"235 Ok", b"250 a", b"250 b")


class Noting:
    """An observer that keeps notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def began(self, session: Session) -> None:
        """Nothing."""

    def exchanged(self, session: Session, entry: Entry) -> None:
        """Nothing."""

    def mail_data(self, session: Session, fact: object) -> None:
        """Nothing."""

    def noted(self, session: Session, note: Note) -> None:
        """Keep it."""
        self.notes.append(f"{note.fact} {note.detail}")

    def ended(self, session: Session, how: str) -> None:
        """Nothing."""


class Departing:
    """A session that says what a cassette has, and then another recipient."""

    def __init__(self, folder: Path) -> None:
        self.file = CassetteFile(folder / "c.yaml", UPSTREAM, RECORDED, grows=True)
        self.problems: list[str] = []

        def astray(session: Session, why: str) -> None:
            self.problems.append(f"session {session.number} could not go on upstream: {why}")

        self.appender = Appender(self.file, self.problems.append, first=2, astray=astray)
        self.noting = Noting()
        self.conversation = Conversation(self.appender, self.noting)
        recorded = RecordedSession("1", [Recorded(s, c, None, (r,)) for s, c, r in HAS])
        player = Player(Cassette("c.yaml", sessions=[recorded]), lambda miss: None)
        self._remembered = Remembered(player.connection(), self.conversation.relay.may_depart)
        server = LocalServer(self._remembered)
        self.conversation.upstream(server.connected())
        for line in (*SAID, b"RCPT TO:<new@example.net>"):
            self.conversation.client(line + b"\r\n")
            if heard := server.receive(line + b"\r\n"):
                self.conversation.upstream(heard)
        assert self._remembered.departed
        self.conversation.asked = b""
        self.conversation.departs(self._remembered.history())

    def upstream(self, *lines: bytes) -> None:
        """Upstream says lines, one after the other."""
        for line in lines:
            self.conversation.upstream(line + b"\r\n")

    def kept(self) -> list[RecordedSession]:
        """End the run; return what the cassette has then."""
        self.appender.finish()
        return load_cassette(self.file.path).sessions if self.file.path.exists() else []


def test_credentials_that_are_said_again_are_told_to_nobody(tmp_path: Path) -> None:
    """Upstream hears the lines of AUTH LOGIN; whoever keeps a log hears of none of them."""
    departing = Departing(tmp_path)
    departing.upstream(b"220 now", *AGAIN)
    assert NAME + b"\r\n" in departing.conversation.asked
    assert PASSWORD + b"\r\n" in departing.conversation.asked
    own = [note for note in departing.noting.notes if note.startswith("own-command")]
    assert own == [
        "own-command EHLO a",
        "own-command AUTH LOGIN",
        "own-command MAIL FROM:<a@example.org>",
        "own-command RCPT TO:<b@example.net>",
    ]


def test_what_is_said_again_is_not_out_of_order(tmp_path: Path) -> None:
    """Upstream's session begins anew: no MAIL in it is one within a transaction."""
    departing = Departing(tmp_path)
    departing.upstream(b"220 now", *AGAIN, b"250 Ok")
    departing.conversation.client(b"QUIT\r\n")
    departing.upstream(b"221 Bye")
    departing.conversation.upstream_leaves()
    (session,) = departing.kept()
    assert (session.label, session.ended) == ("2", "quit")
    assert "mail-in-transaction" not in session.anomalies


@pytest.mark.parametrize("answers", [0, 1, 3, 6])
def test_a_session_that_never_arrives_is_not_kept(tmp_path: Path, answers: int) -> None:
    """Upstream leaves while the client is brought there: it is said, and nothing is added."""
    departing = Departing(tmp_path)
    departing.upstream(*(b"220 now", *AGAIN)[:answers])
    departing.conversation.upstream_leaves()
    assert departing.problems == ["session 1 could not go on upstream: upstream-drop"]
    assert departing.kept() == []


def test_a_client_that_does_not_wait(tmp_path: Path) -> None:
    """It leaves on its way upstream: nothing is added, and nothing is wrong."""
    departing = Departing(tmp_path)
    departing.upstream(b"220 now")
    departing.conversation.client_leaves(clean=False)
    assert departing.kept() == []
    assert departing.problems == []


def test_what_fails_once_it_has_arrived_is_kept(tmp_path: Path) -> None:
    """A handshake that the client breaks off later takes nothing away from what upstream said."""
    departing = Departing(tmp_path)
    departing.upstream(b"220 now", *AGAIN, b"250 Ok")
    departing.conversation.failed("client: it left")
    departing.conversation.upstream_leaves()
    assert departing.problems == []
    assert len(departing.kept()) == 1
