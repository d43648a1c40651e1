"""Cassettes read back: YAML text to the model (of the newest version; `versions` has the others).

Strict, since cassettes are edited by hand and come from strangers: whatever is wrong is one
DocumentError with file and line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from collections.abc import Mapping as Steps
from typing import BinaryIO, TypeVar

from smtpproxy.cassette.encrypted import read_tls
from smtpproxy.cassette.matchwords import MatchError, read_ignored, read_match, read_order
from smtpproxy.cassette.model import (
    END_OF_DATA,
    MAGIC,
    UNSOLICITED,
    Cassette,
    Kept,
    Recorded,
    RecordedSession,
    stray,
)
from smtpproxy.cassette.scalars import ScalarError, read_line, read_message
from smtpproxy.cassette.versions import STEPS, Step, upgraded, version_of
from smtpproxy.documents import (
    MOST_QUOTED,
    DocumentError,
    DocumentReader,
    Mapping,
    Node,
    Sequence,
    Text,
    read_documents,
)
from smtpproxy.smtp.client import parse_command
from smtpproxy.smtp.server import final_code

_T = TypeVar("_T")
HEADER_KEYS = (MAGIC, "upstream", "recorded", "match", "ignore", "order", "note")
SESSION_KEYS = (
    *(
        "session",
        "behind",
        "dialogue",
        "ended",
        "opaque",
        "client",
        "tls",
        "anomalies",
        "timing-ms",
    ),
    "note",
)
EXCHANGE_KEYS = (
    *("C", "S", "message", "wire", "chunk", "client-saw", "rule", "by", "pipelined", "stray"),
    "note",
)

#: Commands that can stand in one list.
MOST_COMMANDS = 500


def read_cassette(
    octets: bytes | BinaryIO, source: str, steps: Steps[int, Step] = STEPS
) -> Cassette:
    """Read a cassette of any version; `source` names it in errors. Raises DocumentError.

    `steps`: how documents of older versions become today's.
    """
    documents = read_documents(octets, source)
    header = next(documents, None)
    version = version_of(header, source, steps)
    cassette = _Reading(source).header(header and upgraded(header, version, steps))
    labels: dict[str, int] = {}
    for document in documents:
        session = _Reading(source).session(upgraded(document, version, steps))
        if session.label in labels:
            first, label = labels[session.label], session.label[:MOST_QUOTED]
            raise DocumentError(
                source, session.line, f"session {label} stands already in line {first}"
            )
        labels[session.label] = session.line
        cassette.sessions.append(session)
    return cassette


class _Reading(DocumentReader):
    """Reads one document of a cassette."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self._expects_continuation = False
        self._greeted = False

    def header(self, node: Node | None) -> Cassette:
        assert isinstance(node, Mapping)  # or it had no version
        self.check_keys(node, HEADER_KEYS)
        return Cassette(
            self._source,
            self.optional(node, "upstream"),
            self.optional(node, "recorded"),
            match=self._checked(node, "match", read_match),
            ignore=self._checked(node, "ignore", read_ignored),
            order=self._checked(node, "order", read_order),
        )

    def _checked(self, node: Mapping, key: str, check: Callable[[list[str]], _T]) -> _T:
        try:
            return check(self._words(node.entries.get(key)))
        except MatchError as error:
            raise self.fail(node.key_lines[key], str(error)) from None

    def session(self, node: Node) -> RecordedSession:
        if not isinstance(node, Mapping):
            raise self.fail(node.line, "expected a session: a mapping with session: and dialogue:")
        self.check_keys(node, SESSION_KEYS)
        for key in ("session", "dialogue"):
            if key not in node.entries:
                raise self.fail(node.line, f"a session needs {key}:")
        dialogue = node.entries["dialogue"]
        if not isinstance(dialogue, Sequence):
            raise self.fail(dialogue.line, "dialogue: is a list of exchanges")
        session = RecordedSession(
            self.text(node.entries["session"]),
            ended=self.optional(node, "ended"),
            opaque=self.optional(node, "opaque"),
            anomalies=self._words(node.entries.get("anomalies")),
            timing_ms=self._numbers(node.entries.get("timing-ms")),
            line=node.line,
            client=self.optional(node, "client"),
            tls=read_tls(self, node.entries.get("tls")),
            behind=self.optional(node, "behind"),
        )
        self._greeted = bool(session.behind)
        for item in dialogue.items:
            session.dialogue.extend(self._exchanges(item))
        return session

    def _exchanges(self, node: Node) -> Iterator[Recorded]:
        if not isinstance(node, Mapping):
            raise self.fail(node.line, "an exchange is a mapping, such as C: and S:")
        self.check_keys(node, EXCHANGE_KEYS)
        command = node.entries.get("C")
        if isinstance(command, Sequence):
            yield from self._group(node, command)
        else:
            yield self._one(node)

    def _one(self, node: Mapping) -> Recorded:
        entries = node.entries
        if "stray" in entries:
            self._alone(node, "stray", ("note",))
            return stray(self._line(entries["stray"]))
        said_node = entries.get("S")
        said = [
            self._line(item)
            for item in (said_node.items if isinstance(said_node, Sequence) else [said_node])
            if item is not None and not _is_null(item)
        ]
        sent = self._line(entries["C"]) if "C" in entries else b""
        kept = self._kept(node, bool(sent))
        saw = entries.get("client-saw")
        heard_nothing = saw is not None and _is_null(saw)
        one = Recorded(
            self._stage(sent, kept),
            sent,
            kept,
            tuple(said),
            None if saw is None or heard_nothing else self._line(saw),
            saw is not None,
            self.optional(node, "rule"),
            self.optional(node, "by"),
            self._pipelined(node),
            node.line,
        )
        return self._seen(one)

    def _pipelined(self, node: Mapping) -> bool:
        value = self.optional(node, "pipelined") or "false"
        if value not in ("true", "false"):
            raise self.fail(node.key_lines["pipelined"], "pipelined: is true or false")
        return value == "true"

    def _alone(self, node: Mapping, key: str, beside: tuple[str, ...]) -> None:
        """Refuse keys that mean nothing beside `key`."""
        for other, line in node.key_lines.items():
            if other != key and other not in beside and not other.startswith("x-"):
                raise self.fail(line, f"{other}: can't stand beside {key}:")

    def _group(self, node: Mapping, commands: Sequence) -> Iterator[Recorded]:
        many = len(commands.items)
        if many > MOST_COMMANDS:
            problem = f"C: a list holds {MOST_COMMANDS} commands at most, not {many:,}"
            raise self.fail(commands.line, problem)
        for key in ("message", "wire", "chunk"):
            if key in node.entries:
                raise self.fail(
                    node.key_lines[key], f"{key}: can't stand beside a list of commands"
                )
        columns = {key: self._column(node, key, many) for key in ("S", "client-saw", "rule", "by")}
        for at, command in enumerate(commands.items):
            said, saw, rule, by = (columns[key][at] for key in ("S", "client-saw", "rule", "by"))
            sent = self._line(command)
            yield self._seen(
                Recorded(
                    self._stage(sent, None),
                    sent,
                    None,
                    (self._line(said),) if said else (),
                    self._line(saw) if saw else None,
                    saw is not None,
                    self.text(rule) if rule else "",
                    self.text(by) if by else "",
                    at > 0 or self._pipelined(node),
                    command.line,
                )
            )

    def _column(self, node: Mapping, key: str, many: int) -> list[Node | None]:
        column = node.entries.get(key)
        if column is None:
            return [None] * many
        if not isinstance(column, Sequence) or len(column.items) != many:
            raise self.fail(
                column.line, f"{key}: needs a list of {many} beside a C: of {many} commands"
            )
        return [None if _is_null(item) else item for item in column.items]

    def _stage(self, sent: bytes, kept: Kept | None) -> str:
        if sent:
            return "AUTH" if self._expects_continuation else parse_command(sent).verb
        if kept is not None:
            return END_OF_DATA
        return UNSOLICITED if self._greeted else "CONNECT"

    def _seen(self, one: Recorded) -> Recorded:
        """Take note of whether the client's next line continues an AUTH."""
        self._greeted = True
        if one.stage == UNSOLICITED:
            return one
        code = final_code(one.heard or b"")
        self._expects_continuation = one.stage == "AUTH" and code == 334
        return one

    def _kept(self, node: Mapping, has_command: bool) -> Kept | None:
        keys = [key for key in ("message", "wire", "chunk") if key in node.entries]
        if not keys:
            return None
        key, found = keys[0], node.entries[keys[0]]
        if len(keys) > 1:
            raise self.fail(node.key_lines[keys[1]], f"{keys[1]}: can't stand beside {key}:")
        if (key == "chunk") != has_command:
            raise self.fail(found.line, f"{key}: stands {'without' if has_command else 'with'} C:")
        if isinstance(found, Mapping) and "file" in found.entries:
            return self._file(found, key == "wire")
        try:
            return Kept(read_message(found), wire=key == "wire")
        except ScalarError as error:
            raise self.fail(found.line, f"{key}: {error}") from None

    def _file(self, node: Mapping, wire: bool) -> Kept:
        self.check_keys(node, ("file", "octets"))
        name, size = self.text(node.entries["file"]), self.optional(node, "octets")
        if not re.fullmatch(r"[0-9a-f]{64}\.eml", name):
            raise self.fail(node.line, "file: expected 64 hexadecimal digits and '.eml'")
        if size and not (size.isdecimal() and len(size) < 19):
            raise self.fail(node.line, "octets: expected a number of octets")
        return Kept(b"", wire, name, int(size or 0))

    def _line(self, node: Node | None) -> bytes:
        line = node.line if node else 0
        try:
            if node is None or _is_null(node):
                raise ScalarError("expected a text")
            if isinstance(node, Text) and node.cut:
                raise ScalarError("text with ' #' in it is quoted: what follows # is a comment")
            return read_line(node)
        except ScalarError as error:
            raise self.fail(line, str(error)) from None

    def _words(self, node: Node | None) -> list[str]:
        if node is None:
            return []
        return [self.text(item) for item in (node.items if isinstance(node, Sequence) else [node])]

    def _numbers(self, node: Node | None) -> list[int]:
        if node is None:
            return []
        items = node.items if isinstance(node, Sequence) else [node]
        if not all(isinstance(item, Text) and item.value.isdecimal() for item in items):
            raise self.fail(node.line, "timing-ms: is a list of whole numbers")
        return [int(self.text(item)[:18]) for item in items]


def _is_null(node: Node) -> bool:
    return isinstance(node, Text) and node.plain and node.value in ("", "~", "null")
