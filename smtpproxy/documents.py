"""Reads YAML from strangers, safely and with the place of everything.

Owns the one use of a YAML library: cassettes, rule files and configuration files are read here
into nodes that know their line. No tags, anchors, aliases or merge keys; every scalar is text;
bounded in octets, depth and number. Whatever is wrong is a DocumentError with file and line.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import yaml

MOST_OCTETS = 256 * 1024 * 1024
MOST_DEPTH = 16
MOST_NODES = 20_000_000

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class DocumentError(Exception):
    """Something in a file can't be used. Its text is one line: file, line, what was expected."""

    def __init__(self, source: str, line: int, problem: str) -> None:
        super().__init__(f"{source}:{line}: {problem}" if line else f"{source}: {problem}")
        self.source = source
        self.line = line
        self.problem = problem


class Text(NamedTuple):
    """A scalar. `plain`: it was written without quotes; `cut`: a comment follows it on its line."""

    line: int
    value: str
    plain: bool
    cut: bool = False


class Sequence(NamedTuple):
    """A list."""

    line: int
    items: list[Node]


class Mapping(NamedTuple):
    """A mapping, in the order of the file; its keys are unique."""

    line: int
    entries: dict[str, Node]
    key_lines: dict[str, int]


Node: TypeAlias = Text | Sequence | Mapping


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean …?" for the nearest known word, or "" where none is near."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if not found:
        upper = {name.upper(): name for name in known}
        found = [
            upper[name] for name in difflib.get_close_matches(word.upper(), upper, n=1, cutoff=0.6)
        ]
    return f"; did you mean {found[0]!r}?" if found else ""


def read_octets(path: Path) -> bytes:
    """Return a file's octets. Raises DocumentError where it can't be read or is too large."""
    try:
        if not path.is_file() and path.exists():
            raise DocumentError(str(path), 0, "is not a regular file")
        with path.open("rb") as file:
            octets = file.read(MOST_OCTETS + 1)
    except OSError as error:
        raise DocumentError(str(path), 0, f"can't be read: {error.strerror}") from None
    if len(octets) > MOST_OCTETS:
        raise DocumentError(str(path), 0, f"is larger than {MOST_OCTETS:,} octets")
    return octets


def read_documents(octets: bytes, source: str) -> Iterator[Node]:
    """Yield the documents of a YAML stream. Raises DocumentError."""
    try:
        text = octets.decode("utf-8")
    except UnicodeDecodeError as error:
        line = octets.count(b"\n", 0, error.start) + 1
        raise DocumentError(source, line, "is not UTF-8") from None
    yield from _Reader(text, source).documents()


class DocumentReader:
    """What readers of a document have in common: texts, keys, and errors with their place."""

    def __init__(self, source: str) -> None:
        self._source = source

    def fail(self, line: int, problem: str) -> DocumentError:
        """Return the error to raise."""
        return DocumentError(self._source, line, problem)

    def text(self, node: Node) -> str:
        """Return a scalar's text. Raises DocumentError."""
        if not isinstance(node, Text):
            raise self.fail(node.line, "expected a text")
        return node.value

    def optional(self, node: Mapping, key: str) -> str:
        """Return the text under a key, or "" where it is missing. Raises DocumentError."""
        return self.text(node.entries[key]) if key in node.entries else ""

    def check_keys(self, node: Mapping, known: Iterable[str]) -> None:
        """Refuse keys that are not known; `x-…` is free. Raises DocumentError."""
        for key, line in node.key_lines.items():
            if key not in known and not key.startswith("x-"):
                raise self.fail(line, f"unknown key {key!r}{nearest(key, known)}")


class _Reader:
    """Turns a parser's events into nodes."""

    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._nodes = 0
        self._lines = text.split("\n") if " #" in text else []  # only where there are comments
        self._events: Iterator[Any] = iter(())

    def documents(self) -> Iterator[Node]:
        try:
            self._events = yaml.parse(self._text, Loader=_LOADER)
            for event in self._events:
                if isinstance(event, yaml.DocumentStartEvent):
                    yield self._node(next(self._events), 0)
        except yaml.MarkedYAMLError as error:
            raise self._explained(error) from None
        except yaml.reader.ReaderError as error:
            number = _number(error.character)
            # One parser tells the place in octets, the other in characters.
            line = self._text.count("\n", 0, self._text.find(chr(number))) + 1
            problem = f"the character #x{number:04x} is not allowed"
            raise DocumentError(self._source, line, f"is not YAML: {problem}") from None
        except yaml.YAMLError as error:
            raise DocumentError(self._source, 0, f"is not YAML: {_one_line(error)}") from None

    def _explained(self, error: yaml.MarkedYAMLError) -> DocumentError:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        problem = _one_line(error.problem or error.context or error)
        lines = self._text.splitlines()
        written = lines[line - 1] if 0 < line <= len(lines) else ""
        if paste := _quoted(written):
            problem += f"; text with ': ' or ' #' in it is quoted: {paste}"
        return DocumentError(self._source, line, f"is not YAML: {problem}")

    def _fail(self, event: Any, problem: str) -> DocumentError:
        return DocumentError(self._source, event.start_mark.line + 1, problem)

    def _node(self, event: Any, depth: int) -> Node:
        line = event.start_mark.line + 1
        self._nodes += 1
        if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
            raise self._fail(event, "anchors and aliases are not allowed")
        if event.tag is not None:
            raise self._fail(event, f"tags such as {event.tag!r} are not allowed")
        if depth > MOST_DEPTH or self._nodes > MOST_NODES:
            raise self._fail(event, "is nested too deeply, or holds too much")
        if isinstance(event, yaml.ScalarEvent):
            plain = not event.style
            return Text(line, event.value, plain, plain and self._is_cut(event.end_mark))
        if isinstance(event, yaml.SequenceStartEvent):
            return Sequence(line, list(self._items(depth)))
        return self._mapping(event, depth)

    def _is_cut(self, mark: Any) -> bool:
        """Does a comment follow? It may have been meant as text."""
        line = self._lines[mark.line] if mark.line < len(self._lines) else ""
        return line[mark.column :].lstrip().startswith("#")

    def _items(self, depth: int) -> Iterator[Node]:
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._node(event, depth + 1)

    def _mapping(self, start: Any, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._node(event, depth + 1)
            if not isinstance(key, Text):
                raise self._fail(event, "a key must be a word")
            if key.plain and key.value == "<<":
                raise self._fail(event, "merge keys are not allowed")
            if key.value in entries:
                raise self._fail(event, f"the key {key.value!r} stands here twice")
            lines[key.value] = key.line
            entries[key.value] = self._node(next(self._events), depth + 1)
        return Mapping(start.start_mark.line + 1, entries, lines)


def _number(character: str | int) -> int:
    return character if isinstance(character, int) else ord(character)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _quoted(line: str) -> str:
    """Return a line such as `S: 250 Ok: queued` as it should have been written, or ""."""
    key, colon, value = line.partition(": ")
    if not colon or key.strip(" -") not in ("C", "S", "client-saw") or value[:1] in "\"'|[{":
        return ""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key.strip()}: "{escaped}"'
