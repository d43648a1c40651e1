"""A relay whose client and upstream do what a dialogue says, and a cassette of what was said."""

from pathlib import Path
from textwrap import dedent

from smtpproxy.actions import Action, Send, Side
from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.recorder import Recorder
from smtpproxy.cassette.store import CassetteFile, load_cassette
from smtpproxy.catchup import Said
from smtpproxy.private.privacy import Privacy
from smtpproxy.relay import Relay
from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.model import rule_book
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Observer, Session, Transcript
from tests.cassette.dialogues import segments, wire

UPSTREAM = "tcp:mail.example.org:25"
RECORDED = "2026-11-23T12:00:00Z"


class Conversation:
    """One session of a relay. In its dialogues, `... 12 ms` lets time pass."""

    def __init__(
        self,
        *observers: Observer,
        number: int = 1,
        rules: tuple[str, ...] = (),
        host: str = "127.0.0.1",
        privacy: Privacy | None = None,
    ) -> None:
        self.now = 0.0
        self.heard = b""  # by the client
        self.asked = b""  # by upstream
        self._session = Session(
            number, f"run-{number}", f"{host}:40000", UPSTREAM, self.now, client_host=host
        )
        self.transcript = Transcript(self._session, observers, lambda: self.now, privacy)
        book = rule_book([parse_rule(rule) for rule in rules])
        self.relay = Relay(self.transcript, lambda: self.now, book, state=self._session.state)
        self._carry_out(self.relay.connected())

    def play(self, text: str) -> None:
        """Let client and upstream say their parts."""
        for who, lines in segments(text):
            if who == "C":
                self.client(wire(lines))
            elif who == "S":
                self.upstream(wire(lines))
            else:
                self.now += int(who.split()[1]) / 1000

    def client(self, octets: bytes) -> None:
        """The client sends octets."""
        self._carry_out(self.relay.client_received(octets))

    def upstream(self, octets: bytes) -> None:
        """Upstream sends octets."""
        self._carry_out(self.relay.upstream_received(octets))

    def departs(self, history: list[Said]) -> None:
        """The cassette in upstream's place does not go on: upstream itself is connected to."""
        self._carry_out(self.relay.depart(history))

    def encrypted(self, side: str, facts: TlsFacts) -> None:
        """A side's leg is encrypted from here on."""
        self.transcript.secured(side, facts)

    def failed(self, words: str) -> None:
        """A handshake failed."""
        self.transcript.noted("tls-failed", words, b"")

    def client_leaves(self, clean: bool = True) -> None:
        """The client's connection ends first, then upstream's, and the session is over."""
        self._carry_out(self.relay.client_closed(clean))
        self._carry_out(self.relay.upstream_closed(True))
        self.relay.finished()

    def upstream_leaves(self, clean: bool = True) -> None:
        """Upstream's connection ends first, then the client's, and the session is over."""
        self._carry_out(self.relay.upstream_closed(clean))
        self._carry_out(self.relay.client_closed(True))
        self.relay.finished()

    def _carry_out(self, actions: list[Action]) -> None:
        for action in actions:
            if isinstance(action, Send) and action.side is Side.CLIENT:
                self.heard += action.octets
            elif isinstance(action, Send):
                self.asked += action.octets


class Recording:
    """A cassette that is being recorded."""

    def __init__(self, folder: Path, file: CassetteFile | None = None) -> None:
        self.file = file or CassetteFile(folder / "signup.yaml", UPSTREAM, RECORDED)
        self.path = self.file.path
        self.problems: list[str] = []
        self.recorder = Recorder(self.file, self.problems.append)
        self._sessions = 0

    def begin(
        self,
        *rules: str,
        observers: tuple[Observer, ...] = (),
        host: str = "127.0.0.1",
        privacy: Privacy | None = None,
    ) -> Conversation:
        """A client connects."""
        self._sessions += 1
        observers = (self.recorder, *observers)
        return Conversation(
            *observers, number=self._sessions, rules=rules, host=host, privacy=privacy
        )

    def dialogue(self, text: str, *rules: str) -> Conversation:
        """Record a whole session, which the client ends."""
        conversation = self.begin(*rules)
        conversation.play(text)
        conversation.client_leaves()
        return conversation

    def sessions(self) -> str:
        """Finish, and return the text of all sessions."""
        self.recorder.finish()
        return self.path.read_text().partition("---\n")[2]

    def items(self) -> str:
        """Finish, and return the dialogue of the only session, as written."""
        return self.sessions().partition("dialogue:\n")[2].partition("ended:")[0]

    def cassette(self) -> Cassette:
        """Finish, and return the cassette as read back."""
        self.recorder.finish()
        return load_cassette(self.path)


def yaml(text: str) -> str:
    """Return YAML without the indentation that it has in a test."""
    return dedent(text).lstrip("\n")
