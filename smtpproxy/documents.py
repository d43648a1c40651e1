"""Reads YAML from strangers, safely and with the place of everything.

Owns the one use of a YAML library: cassettes, rule files and configuration files are read here
into nodes that know their line. No tags, anchors, aliases or merge keys; every scalar is text;
bounded in octets, depth and number. Whatever is wrong is a DocumentError with file and line.
"""

from __future__ import annotations

import difflib
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import yaml

from smtpproxy.regularfile import NotRegularError, open_regular, size_of
from smtpproxy.textfeed import FeedError, TextFeed
from smtpproxy.visible import visible_text

MOST_OCTETS = 256 * 1024 * 1024
MOST_DEPTH = 16
MOST_NODES = 8_000_000
#: Octets of one scalar, or of anything else in which nothing new begins.
MOST_TEXT = 4 * 1024 * 1024
#: Nodes that any file may hold, and octets that each further one must bring along. What is recorded
#: brings more: NOOP and 250 2.0.0 Ok, with their time, are 35 octets and 6 nodes.
FREE_NODES = 100_000
OCTETS_A_NODE = 5
#: What a document counts beside its nodes.
_A_DOCUMENT = 8
#: Nodes under a key that is free, and under all that is no item of a document's own lists.
MOST_NOTED = 1_000
MOST_UNDER = 50_000
#: Words in a list, and octets before it that each further one needs: a list of times is as long
#: as the dialogue before it.
MOST_WORDS = 10_000
_OCTETS_A_WORD = 8
#: Lines that begin as directives do; a parser takes time by their square.
_MOST_DIRECTIVES = 100
_MOST_SHOWN = 1_000
#: Characters of a word that an error repeats.
MOST_QUOTED = 64

#: What the parser's words mean to who writes a pattern: the way out.
_HINTS = {
    "unknown escape character": "; a regular expression stands between single quotes",
    "alphabetic or numeric character": "; a text that begins with * is quoted",
}

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


TOO_DEEP = "is nested too deeply"


_REPLY = re.compile(r"[2-5][0-9]{2}[ -]")


class DocumentError(Exception):
    """Something in a file can't be used. Its text is one line: file, line, what was expected."""

    def __init__(self, source: str, line: int, problem: str) -> None:
        problem = visible_text(problem[:_MOST_SHOWN])  # it may quote the file
        place = visible_text(source) + (f":{line}" if line else "")
        super().__init__(f"{place}: {problem}")
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

_FREE = "x-"  # keys that begin so are a user's own
NOTE = "note"


def nearest(word: str, known: Iterable[str]) -> str:
    """Return "; did you mean …?" for the nearest known word, or "" where none is near."""
    if len(word) > MOST_QUOTED:
        return ""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    if not found:
        upper = {name.upper(): name for name in known}
        found = [
            upper[name] for name in difflib.get_close_matches(word.upper(), upper, n=1, cutoff=0.6)
        ]
    return f"; did you mean {found[0]!r}?" if found else ""


def quoted(word: str) -> str:
    """Return a word of a file in quotes, shortened where it is long, for an error."""
    return repr(word if len(word) <= MOST_QUOTED else f"{word[:MOST_QUOTED]}…")


def open_document(path: Path, follow: bool = True, most: int = 0) -> io.BufferedReader:
    """Open a file of `most` octets, or MOST_OCTETS. Raises DocumentError, and never waits.

    `follow`: links are followed.
    """
    try:
        file = open_regular(path, follow)
    except NotRegularError:
        raise DocumentError(str(path), 0, "is not a regular file") from None
    except (OSError, ValueError) as error:  # ValueError: there is a NUL in the name
        raise _unread(path, error) from None
    if size_of(file) > (most or MOST_OCTETS):
        file.close()
        raise DocumentError(str(path), 0, _larger(most or MOST_OCTETS))
    return file


def read_octets(path: Path) -> bytes:
    """Return a file's octets. Raises DocumentError where it can't be read or is too large."""
    with open_document(path) as file:
        try:
            octets = file.read(MOST_OCTETS + 1)
        except OSError as error:
            raise _unread(path, error) from None
    if len(octets) > MOST_OCTETS:  # it has grown
        raise DocumentError(str(path), 0, _larger(MOST_OCTETS))
    return octets


def read_documents(octets: bytes | BinaryIO, source: str) -> Iterator[Node]:
    """Yield the documents of a YAML stream, of which little is in memory. Raises DocumentError."""
    file = io.BytesIO(octets) if isinstance(octets, bytes) else octets
    yield from _Reader(file, source).documents()


def _unread(path: Path, error: OSError | ValueError) -> DocumentError:
    why = error.strerror if isinstance(error, OSError) else error
    return DocumentError(str(path), 0, f"can't be read: {why}")


def _larger(most: int) -> str:
    return f"is larger than {most:,} octets"


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
            if key not in known and not key.startswith(_FREE):
                raise self.fail(line, f"unknown key {quoted(key)}{nearest(key, known)}")


class _Reader:
    """Turns a parser's events into nodes."""

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._feed = TextFeed(file)
        self._source = source
        self._nodes = 0
        self._most = FREE_NODES  # nodes, by what was read so far
        self._bound = MOST_NODES  # nodes, by the place
        self._line = 0  # of the last node
        self._counted = 0  # nodes, when the last piece was read
        self._quiet = 0  # octets in which no node began
        self._directives = 0
        self._events: Iterator[Any] = iter(())

    def documents(self) -> Iterator[Node]:
        try:
            self._events = yaml.parse(self, Loader=_LOADER)
            for event in self._events:
                if isinstance(event, yaml.DocumentStartEvent):
                    self._nodes += _A_DOCUMENT
                    yield self._node(next(self._events), 0)
        except FeedError as error:
            raise DocumentError(self._source, error.line, error.problem) from None
        except OSError as error:
            raise DocumentError(self._source, 0, f"can't be read: {error.strerror}") from None
        except yaml.MarkedYAMLError as error:
            raise self._explained(error) from None
        except yaml.YAMLError as error:
            raise DocumentError(self._source, 0, f"is not YAML: {_one_line(error)}") from None

    def read(self, _: int = 0) -> str:
        """Give the parser more text. Raises DocumentError where it had too much."""
        begun = self._feed.octets
        text = self._feed.read()
        self._quiet = self._quiet if self._nodes == self._counted else 0
        self._quiet += self._feed.octets - begun
        self._counted = self._nodes
        self._directives += text.startswith("%") + text.count("\n%")
        if self._feed.octets > MOST_OCTETS:
            raise FeedError(0, _larger(MOST_OCTETS))
        if self._quiet > MOST_TEXT:
            raise FeedError(self._line or 1, f"holds a text of more than {MOST_TEXT:,} octets")
        if self._directives > _MOST_DIRECTIVES:
            raise FeedError(self._line or 1, "holds too many directives, lines that begin with %")
        self._most = FREE_NODES + self._feed.octets // OCTETS_A_NODE
        return text

    def _explained(self, error: yaml.MarkedYAMLError) -> DocumentError:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else 0
        problem = _one_line(error.problem or error.context or error)
        if "nesting depth" in problem:  # PyYAML has a bound of its own since 6.0.4
            return DocumentError(self._source, line, TOO_DEEP)
        written = self._feed.line_at(mark.index, _MOST_SHOWN // 4) if mark else ""
        if paste := _quoted(written):
            problem += f"; text with ': ' or ' #' in it is quoted: {paste}"
        problem += next((hint for said, hint in _HINTS.items() if said in problem), "")
        return DocumentError(self._source, line, f"is not YAML: {problem}")

    def _fail(self, event: Any, problem: str) -> DocumentError:
        return DocumentError(self._source, event.start_mark.line + 1, problem)

    def _node(self, event: Any, depth: int) -> Node:
        kind = type(event)
        line = self._line = event.start_mark.line + 1
        self._nodes += 1
        if self._nodes > self._most or self._nodes > self._bound:
            raise self._fail(event, "holds too much: more than any cassette or rule file has")
        if kind is yaml.AliasEvent or event.anchor is not None:
            raise self._fail(event, "anchors and aliases are not allowed")
        if event.tag is not None:
            raise self._fail(event, f"tags such as {quoted(event.tag)} are not allowed")
        if kind is yaml.ScalarEvent:
            plain = not event.style
            cut = plain and self._feed.commented and self._is_cut(event)
            return Text(line, event.value, plain, cut)
        if depth >= MOST_DEPTH:
            raise self._fail(event, TOO_DEEP)
        if kind is yaml.SequenceStartEvent:
            return self._sequence(line, depth)
        return self._mapping(line, depth)

    def _is_cut(self, event: Any) -> bool:
        """Does a comment follow? It may have been meant as text."""
        return self._feed.begins_comment(event.end_mark.index)

    def _sequence(self, line: int, depth: int) -> Sequence:
        items: list[Node] = []
        words = MOST_WORDS + self._feed.octets // _OCTETS_A_WORD
        while type(event := next(self._events)) is not yaml.SequenceEndEvent:
            bound = self._bound
            self._bound = min(bound, self._nodes + MOST_UNDER)
            item = self._node(event, depth + 1)
            self._bound = bound
            items.append(item)
            if type(item) is Text:
                words -= 1
                if words < 0:
                    raise self._fail(event, "holds too many words in one list")
        return Sequence(line, items)

    def _mapping(self, line: int, depth: int) -> Mapping:
        entries: dict[str, Node] = {}
        lines: dict[str, int] = {}
        bound = self._bound
        while type(event := next(self._events)) is not yaml.MappingEndEvent:
            key = self._node(event, depth + 1)
            if type(key) is not Text:
                raise self._fail(event, "a key must be a word")
            name = key.value
            if name == "<<" and key.plain:
                raise self._fail(event, "merge keys are not allowed")
            if name in entries:
                raise self._fail(event, f"the key {quoted(name)} stands here twice")
            if len(lines) >= MOST_NOTED:
                raise self._fail(event, f"holds more than {MOST_NOTED:,} keys")
            lines[name] = key.line
            if name.startswith(_FREE) or name == NOTE:
                self._bound = min(bound, self._nodes + MOST_NOTED)
            entries[name] = self._node(next(self._events), depth + 1)
            self._bound = bound
        return Mapping(line, entries, lines)


def _one_line(error: object) -> str:
    return " ".join(str(error).split())


def _quoted(line: str) -> str:
    """Return a line such as `S: 250 Ok: queued` as it should have been written, or ""."""
    key, colon, value = line.partition(": ")
    if not colon or value[:1] in "\"'|[{":
        return ""
    if key.strip(" -") not in ("C", "S", "client-saw") and not _REPLY.match(value):
        return ""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"')
    return f'{key.strip()}: "{escaped}"'


class Place(NamedTuple):
    """A node, and where it stands in the text: what is written from `start` up to `end`.

    `column`: of the mapping or the item that a scalar stands in.
    """

    start: int
    end: int
    column: int
    text: str | None = None  # of a scalar
    items: tuple[Place, ...] = ()
    entries: dict[str, Place] = {}  # noqa: RUF012 - nobody changes it
    keys: tuple[Place, ...] = ()

    def scalars(self) -> Iterator[Place]:
        """Yield each scalar within, keys included."""
        if self.text is not None:
            yield self
        for one in (*self.keys, *self.items, *self.entries.values()):
            yield from one.scalars()


def places_in(text: str) -> list[Place]:
    """Return the documents of a YAML stream that was read without an error before."""
    events: Iterator[Any] = iter(yaml.parse(text, Loader=_LOADER))
    return [
        _place(next(events), events, 0)
        for event in events
        if isinstance(event, yaml.DocumentStartEvent)
    ]


def _place(event: Any, events: Iterator[Any], column: int) -> Place:
    start, own = _index(event.start_mark), event.start_mark.column
    if isinstance(event, yaml.ScalarEvent):
        return Place(start, _index(event.end_mark), column, event.value)
    if isinstance(event, yaml.SequenceStartEvent):
        items = []
        one: Any = next(events)
        while not isinstance(one, yaml.SequenceEndEvent):
            items.append(_place(one, events, one.start_mark.column - 2))
            one = next(events)
        return Place(start, _index(one.end_mark), column, None, tuple(items))
    entries: dict[str, Place] = {}
    keys = []
    key: Any = next(events)
    while not isinstance(key, yaml.MappingEndEvent):
        keys.append(_place(key, events, own))
        entries[key.value] = _place(next(events), events, own)
        key = next(events)
    return Place(start, _index(key.end_mark), column, None, (), entries, tuple(keys))


def _index(mark: Any) -> int:
    """Return a mark's place in characters."""
    return int(mark.index)
