"""Redaction files, and the short form of the command line, read into what is in force.

Every error names file, line and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import re2

from smtpproxy.documents import (
    DocumentError,
    DocumentReader,
    Mapping,
    Node,
    Sequence,
    Text,
    nearest,
    read_documents,
    read_octets,
)
from smtpproxy.private.privacy import KEEP, PSEUDONYMS, REPLACE, Privacy
from smtpproxy.private.pseudonyms import Pseudonyms
from smtpproxy.private.spotting import latin_1
from smtpproxy.rules.pattern import Pattern, PatternError

MAGIC = "smtpproxy-redaction"
VERSION = "1"
KEYS = (MAGIC, "addresses", "key", "keep", "headers", "bodies", "replies", "patterns", "note")
#: What can be said instead of naming a file.
SHORT_FORMS = ("addresses",)

_NAME = re.compile(r"[!-9;-~]{1,77}")
_LONGEST_VALUE = 900  # with its name it fits on a line (RFC 5322 §2.1.1: 998 characters)


def load_privacy(given: str) -> Privacy:
    """Return what a file, or a short form such as `addresses`, asks for. Raises DocumentError."""
    if given in SHORT_FORMS:
        return Privacy(Pseudonyms())
    try:
        octets = read_octets(Path(given))
    except DocumentError as error:
        raise DocumentError(given, 0, f"{error.problem}{nearest(given, SHORT_FORMS)}") from None
    return read_privacy(octets, given)


def read_privacy(octets: bytes, source: str) -> Privacy:
    """Return what a file's octets ask for; `source` names it in errors. Raises DocumentError."""
    found = list(read_documents(octets, source))
    if len(found) != 1 or not isinstance(found[0], Mapping) or MAGIC not in found[0].entries:
        raise DocumentError(source, 1, f"is no redaction file: expected '{MAGIC}: {VERSION}'")
    return _Loader(source).file(found[0])


class _Loader(DocumentReader):
    """Reads one redaction file."""

    def file(self, node: Mapping) -> Privacy:
        if self.text(node.entries[MAGIC]) != VERSION:
            line = node.entries[MAGIC].line
            raise self.fail(line, f"this release reads redaction files of version {VERSION}")
        self.check_keys(node, KEYS)
        pseudonyms = self._word(node, "addresses", (PSEUDONYMS, KEEP), KEEP) == PSEUDONYMS
        for key in ("keep", "key"):
            if key in node.entries and not pseudonyms:
                line = node.key_lines[key]
                raise self.fail(line, f"{key}: means something beside addresses: pseudonyms only")
        kept = [self._glob(item) for item in self._items(node.entries.get("keep"))]
        headers = node.entries.get("headers")
        removed, replaced = self._headers(headers) if headers is not None else ((), {})
        return Privacy(
            Pseudonyms(self.optional(node, "key"), kept) if pseudonyms else None,
            removed,
            replaced,
            self._word(node, "bodies", (KEEP, REPLACE), KEEP) == REPLACE,
            self._word(node, "replies", ("true", "false"), "true") == "true",
            tuple(self._pattern(item) for item in self._items(node.entries.get("patterns"))),
        )

    def _word(self, node: Mapping, key: str, known: tuple[str, ...], default: str) -> str:
        if key not in node.entries:
            return default
        value = self.text(node.entries[key])
        if value not in known:
            expected = f"expected {' or '.join(known)}, got {value!r}{nearest(value, known)}"
            raise self.fail(node.entries[key].line, f"{key}: {expected}")
        return value

    def _items(self, node: Node | None) -> Iterator[Node]:
        """Yield the items of a list; one text will do for a list of one."""
        if isinstance(node, Sequence):
            yield from node.items
        elif node is not None:
            yield node

    def _glob(self, node: Node) -> Callable[[str], bool]:
        try:
            return Pattern(self._filled(node)).matches
        except PatternError as error:
            raise self.fail(node.line, str(error)) from None

    def _filled(self, node: Node) -> str:
        text = self.text(node)
        if not text or "\ud800" <= max(text) <= "\udfff":
            raise self.fail(node.line, "expected a text")
        return text

    def _headers(self, node: Node) -> tuple[tuple[Callable[[str], bool], ...], dict[bytes, bytes]]:
        if not isinstance(node, Mapping):
            raise self.fail(node.line, "headers: is a mapping of remove: and replace:")
        self.check_keys(node, ("remove", "replace"))
        removed = []
        for item in self._items(node.entries.get("remove")):
            self._name(self.text(item), item.line)
            removed.append(self._glob(item))
        replaced: dict[bytes, bytes] = {}
        values = node.entries.get("replace")
        if values is not None and not isinstance(values, Mapping):
            raise self.fail(values.line, 'replace: is a mapping such as {Subject: "…"}')
        for name, value in values.entries.items() if values else ():
            line = values.key_lines[name] if values else 0
            self._name(name, line)
            if any(removes(name) for removes in removed):
                raise self.fail(line, f"{name}: is removed already")
            replaced[name.lower().encode()] = self._value(value)
        return tuple(removed), replaced

    def _name(self, name: str, line: int) -> None:
        if not _NAME.fullmatch(name):
            raise self.fail(line, f"expected the name of a header such as Subject, got {name!r}")

    def _value(self, node: Node) -> bytes:
        text = self._filled(node) if not isinstance(node, Text) or node.value else ""
        if any(letter in text for letter in "\r\n\0"):
            raise self.fail(node.line, "a header's text is one line")
        octets = text.encode()
        if len(octets) > _LONGEST_VALUE:
            raise self.fail(node.line, f"a header's text has {_LONGEST_VALUE} octets at the most")
        return octets

    def _pattern(self, node: Node) -> Any:
        text = self._filled(node)
        try:
            pattern = octet_pattern(text)
        except re2.error as error:
            told = error.args[0] if error.args else error
            why = told.decode("utf-8", "replace") if isinstance(told, bytes) else str(told)
            raise self.fail(node.line, f"the pattern {text!r} can't be read: {why}") from None
        if pattern.search(b"") is not None:
            raise self.fail(node.line, f"the pattern {text!r} matches where there is nothing")
        return pattern


def octet_pattern(text: str) -> Any:
    """Return the user's pattern, for octets: a text beyond ASCII is UTF-8. Raises re2.error."""
    return latin_1("".join(map(_octets, text)))


def _octets(letter: str) -> str:
    if letter.isascii():
        return letter
    return "(?:" + "".join(f"\\x{octet:02x}" for octet in letter.encode()) + ")"
