"""Somebody who must not be recognised, and all that is kept or shown of what is said of them."""

from __future__ import annotations

import base64
import json
from pathlib import Path

from smtpproxy.alarm import Alarm
from smtpproxy.log import JsonLog, TextLog
from smtpproxy.private.privacy import Privacy
from smtpproxy.private.redactionrules import read_privacy
from smtpproxy.statistics import Statistics
from smtpproxy.tools.explain import explain
from smtpproxy.tools.show import show
from tests.cassette.canary import printed
from tests.cassette.recording import Conversation, Recording

#: What would give away who it is, in lower case.
LOCAL, DOMAIN, HELLO, IP = "wren.canary", "aviary.corp", "cage-seven", "10.77.66.55"
ADDRESS = f"{LOCAL}@{DOMAIN}"
SUBJECT, BODY = "feathered subject", "feathered body"
TRACES = (
    *("wren", "canary", "aviary", HELLO, "77.66", "feathered", "q2fuYXJ5", "canari"),
    *(base64.b64encode(ADDRESS.encode()).decode().lower()[:12],),
)

EVERYTHING = """\
smtpproxy-redaction: 1
addresses: pseudonyms
headers: {remove: [X-Feathered], replace: {Subject: "hidden"}}
bodies: replace
patterns: ['[Tt]oken-[0-9]+']
"""


def private(text: str = EVERYTHING) -> Privacy:
    """Return what a redaction file asks for."""
    return read_privacy(text.encode(), "redact.yaml")


def traces(text: str) -> list[str]:
    """Return what a text gives away."""
    folded = text.lower()
    return [trace for trace in TRACES if trace.lower() in folded]


class Watched:
    """A session of which everything is kept, mail data in the logs as well."""

    def __init__(self, folder: Path, *rules: str, privacy: Privacy | None = None) -> None:
        self._lines: list[bytes] = []
        self._recording = Recording(folder)
        self.folder = folder
        self._statistics = Statistics()
        observers = (
            *(TextLog(self._lines.append), JsonLog(self._lines.append)),
            *(
                TextLog(self._lines.append, clock=lambda: 0.0),
                JsonLog(self._lines.append, clock=lambda: 0.0),
            ),
            *(self._statistics, Alarm()),
        )
        self.conversation: Conversation = self._recording.begin(
            *rules, observers=observers, host=IP, privacy=privacy or private()
        )

    def play(self, text: str) -> None:
        """Let client and upstream say their parts."""
        self.conversation.play("\n".join(filter(str.strip, text.splitlines())))

    def everything(self, tools: bool = True) -> str:
        """End the session, and return all that is kept of it, or shown by tools."""
        self.conversation.client_leaves()
        recording = self._recording
        log = b"".join(self._lines).decode()
        assert log.count("ended") == 4
        recording.recorder.finish()
        assert recording.problems == []
        path = str(recording.path)
        texts = [log, json.dumps(self._statistics.as_json()), self.cassette()]
        texts += [file.read_text("latin-1") for file in self.folder.glob("*.d/*")]
        if not tools:
            return "\n".join(texts)
        return "\n".join((*texts, printed(show, path), printed(explain, "--json", given=log)))

    def cassette(self) -> str:
        """Return the cassette's text."""
        return self._recording.path.read_text()
