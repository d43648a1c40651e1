"""A password that must not turn up, and all that is kept or shown of a session."""

import base64
import io
import json
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from unittest.mock import patch

from smtpproxy.alarm import Alarm
from smtpproxy.log import JsonLog, TextLog
from smtpproxy.statistics import Statistics
from smtpproxy.tools.explain import explain
from smtpproxy.tools.show import show
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


#: So much of a secret, in any form, must not be left: the shortest piece that a server may repeat
#: and that is hidden. In base64 it is 6 octets.
PIECE = 8


def traces(text: str, secrets: Iterable[bytes | str]) -> list[str]:
    """Return what a text holds of secrets, in clear or in base64 at any alignment and cut."""
    folded = text.lower()
    return [piece for secret in secrets for piece in pieces(secret) if piece.lower() in folded]


def pieces(secret: bytes | str) -> Iterator[str]:
    """Yield each piece of each form of a secret."""
    octets = secret if isinstance(secret, bytes) else secret.encode()
    for form in (octets, *aligned(octets)):
        shown = form.decode("utf-8", "backslashreplace")
        for at in range(max(1, len(shown) - PIECE + 1)):
            yield shown[at : at + PIECE]


def aligned(octets: bytes) -> Iterator[bytes]:
    """Yield what base64 makes of octets that stand within others: what is theirs alone."""
    for before in range(3):
        end = (before + len(octets)) * 8 // 6
        yield base64.b64encode(bytes(before) + octets + b"\0")[-(-before * 8 // 6) : end]


def printed(tool: Callable[[list[str]], int], *words: str, given: str = "") -> str:
    """Return everything that a tool prints."""
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(out), patch.object(sys, "stdin", io.StringIO(given)):
        tool(list(words))
    return out.getvalue()


class Watched:
    """A session of which everything is kept: in the cassette, and in a log of each form."""

    def __init__(self, folder: Path, *rules: str) -> None:
        self._lines: list[bytes] = []
        self._recording = Recording(folder)
        self._statistics = Statistics()
        self._observers = (
            *(TextLog(self._lines.append), JsonLog(self._lines.append)),
            *(self._statistics, Alarm()),
        )
        self._rules = rules
        self.begin()

    def begin(self) -> None:
        """Another client connects; what is kept is kept of all of them."""
        self.conversation: Conversation = self._recording.begin(
            *self._rules, observers=self._observers
        )

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
        return shown + json.dumps(self._statistics.as_json()) + self.cassette()

    def everything(self) -> str:
        """Return that, once all is over, and what the tools tell of log and cassette."""
        log = b"".join(self._lines).decode()
        kept = self.kept() + "".join(self._recording.problems)
        self._recording.recorder.finish()
        cassette = str(self._recording.path)
        return "".join(
            (
                kept,
                printed(show, cassette),
                printed(show, "--plain", cassette),
                printed(explain, given=log),
                printed(explain, "--json", given=log),
            )
        )

    def cassette(self) -> str:
        """Return the text of the cassette so far."""
        return self._recording.file.partial.read_text()
