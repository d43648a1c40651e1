"""A password that must not turn up, and all that is kept or shown of a session."""

import base64
from collections.abc import Iterator
from pathlib import Path

from smtpproxy.log import JsonLog, TextLog
from tests.cassette.recording import Conversation, Recording

PASSWORD = "Tr0ub4dor&3-canary"


def encoded(text: str) -> str:
    """Return a text in base64, as credentials are sent."""
    return base64.b64encode(text.encode()).decode()


PLAIN = encoded(f"\0bob\0{PASSWORD}")
USER = encoded("bob")
SECRET = encoded(PASSWORD)
XOAUTH2 = encoded(f"user=bob@example.org\x01auth=Bearer {PASSWORD}\x01\x01")
OAUTHBEARER = encoded(f"n,a=bob@example.org,\x01host=a\x01auth=Bearer {PASSWORD}\x01\x01")
DIGEST = "b913a602c7eda7a495b4e6e7334d3890"
CRAM = encoded(f"bob {DIGEST}")


def leaks(text: str, *tokens: str) -> list[str]:
    """Return what of the canary a text holds: it in clear, and any piece of what was sent."""
    return [piece for piece in _pieces(PASSWORD, DIGEST, *tokens) if piece in text]


def _pieces(*secrets: str) -> Iterator[str]:
    for secret in secrets:
        for at in range(max(1, len(secret) - 9)):
            yield secret[at : at + 10]


class Watched:
    """A session of which everything is kept: in the cassette, and in a log of each form."""

    def __init__(self, folder: Path, *rules: str) -> None:
        self._lines: list[bytes] = []
        self._recording = Recording(folder)
        logs = (TextLog(self._lines.append), JsonLog(self._lines.append))
        self.conversation: Conversation = self._recording.begin(*rules, observers=logs)

    def play(self, text: str) -> None:
        """Let client and upstream say their parts."""
        self.conversation.play(text)

    def over(self) -> str:
        """End the session, and return everything that is kept or shown of it."""
        self.conversation.client_leaves()
        return self.kept()

    def kept(self) -> str:
        """Return everything that is kept or shown of the session, which is over."""
        shown = b"".join(self._lines).decode()
        assert "ended" in shown, "the logs are not there"
        return shown + self.cassette()

    def cassette(self) -> str:
        """Return the text of the cassette so far."""
        return self._recording.file.partial.read_text()
