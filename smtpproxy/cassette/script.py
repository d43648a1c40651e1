"""A cassette as its text, for tools that keep comments, notes and layout: which lines are whose.

Owns how lines are found and replaced, and the proof that nothing else has changed. A session is a
document of its own, which begins with a line of `---`.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from smtpproxy.cassette.model import Cassette, RecordedSession
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.scalars import write_name
from smtpproxy.documents import DocumentError, Mapping, read_documents, read_octets

#: A line with its end, whatever YAML takes for one.
_LINE = re.compile(
    "[^\n\r\x85\u2028\u2029]*(?:\r\n|[\n\r\x85\u2028\u2029])|[^\n\r\x85\u2028\u2029]+"
)
_LABEL = re.compile(
    r"((?:---[ \t]+)?[ \t]*session[ \t]*:[ \t]+)"
    r"(?:\"(?:\\.|[^\"\\])*\"|'(?:''|[^'])*'|[^\s\"'{\[|>#][^#]*?)(\s*|\s+#.*\s*)"
)


class Script:
    """The lines of a cassette, and what they say."""

    def __init__(self, octets: bytes, source: str) -> None:
        """Read it. Raises DocumentError."""
        self.source = source
        self.cassette: Cassette = read_cassette(octets, source)
        self.lines: list[str] = _LINE.findall(octets.decode("utf-8"))
        documents = list(read_documents(octets, source))[1:]
        self.nodes = [node for node in documents if isinstance(node, Mapping)]
        begins = [at for at, line in enumerate(self.lines) if line.startswith("---")]
        self.spans = [self._span(session, begins) for session in self.cassette.sessions]

    def _span(self, session: RecordedSession, begins: list[int]) -> tuple[int, int]:
        """Return from which line of `lines` to which a session goes."""
        at = bisect_left(begins, session.line)  # there is one before it: the header needs none
        end = self._commented(begins[at]) if at < len(begins) else len(self.lines)
        return self._commented(begins[at - 1]), end

    def _commented(self, begin: int) -> int:
        """Return where the comments begin that stand right before a session: they are about it."""
        while begin and self.lines[begin - 1].startswith("#"):
            begin -= 1
        return begin

    @property
    def head(self) -> str:
        """All that comes before the first session."""
        return "".join(self.lines[: self.spans[0][0]] if self.spans else self.lines)

    def text(self, number: int, label: str = "") -> str:
        """Return a session's document, under another label if one is given.

        Raises DocumentError.
        """
        begin, end = self.spans[number]
        lines = self.lines[begin:end]
        if label:
            at = self.nodes[number].key_lines["session"] - 1 - begin
            found = _LABEL.fullmatch(lines[at])
            if found is None:
                raise DocumentError(
                    self.source, begin + at + 1, "expected 'session: LABEL' on a line of its own"
                )
            shown = label if label.isdecimal() else write_name(label)
            lines[at] = f"{found[1]}{shown}{found[2]}"
        return ended("".join(lines))


def load_script(path: Path) -> Script:
    """Read the cassette in a file. Raises DocumentError."""
    return Script(read_octets(path), str(path))


def ended(text: str) -> str:
    """Return a text whose last line has an end."""
    return text if text.endswith("\n") or not text else f"{text}\n"


def checked(text: str, expected: Iterable[RecordedSession], source: str) -> bytes:
    """Return a changed text's octets, if it says what is expected. Raises DocumentError."""
    octets = text.encode("utf-8")
    found = read_cassette(octets, source).sessions
    if list(map(_without_lines, found)) != list(map(_without_lines, expected)):
        raise DocumentError(source, 0, "can't be changed by its lines: something else would change")
    return octets


def _without_lines(session: RecordedSession) -> RecordedSession:
    dialogue = [one._replace(line=0) for one in session.dialogue]
    return replace(session, dialogue=dialogue, line=0)
