"""Add, replace and remove header fields of a message on its way to upstream."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from smtpproxy.faults.base import DataFilter, Draw, Fault, FaultError, Value, mapping_of, text_of
from smtpproxy.faults.mid_data import at_data
from smtpproxy.smtp.headersection import (
    HeaderSection,
    field_name,
    has_bare_line_end,
    header_fields,
)
from smtpproxy.visible import visible_text

ADD, SET, REMOVE = "add", "set", "remove"
KEYS = (ADD, SET, REMOVE)
#: RFC 5322 §2.1.1: octets of a line, without CRLF.
_LONGEST: Final = 998
_NAME: Final = re.compile(r"[!-9;-~]+")
_FIELDS: Final = {
    "type": "object",
    "minProperties": 1,
    "additionalProperties": {"type": ["string", "number", "boolean"]},
}


@dataclass(frozen=True, slots=True)
class Header(Fault):
    """`header: {add: {X-Test: yes}, set: {Subject: other}, remove: [DKIM-Signature]}`.

    Fields are removed first, then set, in the place of the first one of that name, then added
    behind all others. `add` and `put` have whole lines; `remove` has names in lower case.
    """

    add: tuple[bytes, ...]
    put: tuple[bytes, ...]
    remove: tuple[bytes, ...]
    in_data: ClassVar[bool] = True
    resizes: ClassVar[bool] = True
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            ADD: _FIELDS,
            SET: _FIELDS,
            REMOVE: {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "minItems": 1, "items": {"type": "string"}},
                ]
            },
        },
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the fields to add, to set and to remove."""
        at_data(stage)
        found = mapping_of(value, KEYS)
        return cls(_lines(found, ADD), _lines(found, SET), _names(found))

    def data_filter(self, draw: Draw) -> DataFilter:
        """Return what changes a header section."""
        return HeaderChange(self)

    @property
    def words(self) -> str:
        """Which fields are others."""
        parts = [f"{_shown(one)} added" for one in self.add]
        parts += [f"{_shown(one)} set" for one in self.put]
        parts += [f"{_shown(one)} removed" for one in self.remove]
        return f"upstream gets the message with {', '.join(parts)}"


def _shown(octets: bytes) -> str:
    return visible_text(octets.decode().removesuffix("\r\n"))


def _lines(found: dict[str, Value], key: str) -> tuple[bytes, ...]:
    if key not in found:
        return ()
    fields = found[key]
    if not isinstance(fields, dict) or not fields:
        raise FaultError("expected a mapping such as {X-Test: yes}", path=(key,))
    return tuple(_line(name, value, key) for name, value in fields.items())


def _line(name: str, value: Value, key: str) -> bytes:
    text = text_of(value, key, name)
    _check_name(name, key, name)
    if set(text) & {"\r", "\n", "\0"}:
        raise FaultError(f"expected no CR, LF and NUL, got {text!r}", path=(key, name))
    try:
        line = f"{name}: {text}".encode()
    except UnicodeEncodeError:
        raise FaultError("expected UTF-8", path=(key, name)) from None
    if len(line) > _LONGEST:
        problem = f"expected a line of no more than {_LONGEST} octets, got {len(line)}"
        raise FaultError(problem, path=(key, name))
    return line + b"\r\n"


def _names(found: dict[str, Value]) -> tuple[bytes, ...]:
    if REMOVE not in found:
        return ()
    value = found[REMOVE]
    names = [value] if isinstance(value, str) else value
    if not isinstance(names, list) or not names:
        raise FaultError("expected a list such as [DKIM-Signature]", path=(REMOVE,))
    texts = [text_of(one, REMOVE, place) for place, one in enumerate(names)]
    for place, text in enumerate(texts):
        _check_name(text, REMOVE, *([place] if isinstance(value, list) else []))
    return tuple(text.lower().encode() for text in texts)


def _check_name(name: str, *path: str | int) -> None:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        problem = f"expected the name of a header field, without its colon, got {name!r}"
        raise FaultError(problem, path=path)


class HeaderChange:
    """One message whose header section is changed: it is held back until it is whole."""

    def __init__(self, fault: Header) -> None:
        self._fault = fault
        self._section: HeaderSection | None = HeaderSection()  # None: it has gone
        self.told = ""

    def feed(self, octets: bytes) -> bytes:
        """Return nothing of the header section until it is whole; what follows passes."""
        section = self._section
        if section is None:
            return octets
        if section.feed(octets):
            return self._changed(section)
        if section.too_large:
            return self._unchanged(section, "has more than 64 KiB")
        return b""

    def finish(self) -> bytes:
        """Return what was held back: there was nothing behind the header section."""
        section = self._section
        if section is None:
            return b""
        section.finish()
        return self._changed(section)

    def _unchanged(self, section: HeaderSection, why: str) -> bytes:
        self._section = None
        self.told = f"no header field changed: the section {why}"
        return bytes(section.octets)

    def _changed(self, section: HeaderSection) -> bytes:
        header, rest = section.parts()
        if has_bare_line_end(header):
            return self._unchanged(section, "has bare CR or LF")
        self._section = None
        before = header_fields(header)
        fields = self._fields(before)
        if fields == before:
            self.told = ""
            return header + rest
        between = b"\r\n" if rest and not rest.startswith(b"\r\n") else b""
        return b"".join(fields) + between + rest

    def _fields(self, fields: list[bytes]) -> list[bytes]:
        """Return other fields, and note what became of them."""
        fault = self._fault
        left = [field for field in fields if field_name(field) not in fault.remove]
        removed = len(fields) - len(left)
        for line in fault.put:
            left = _with(left, line)
        counts = ((len(fault.add), "added"), (len(fault.put), "set"), (removed, "removed"))
        what = ", ".join(f"{count} {word}" for count, word in counts if count)
        self.told = f"header fields: {what}" if what else ""
        return [*left, *fault.add]


def _with(fields: list[bytes], line: bytes) -> list[bytes]:
    """Return the fields with this one in the place of all that have its name."""
    name = field_name(line)
    names = [field_name(field) for field in fields]
    place = names.index(name) if name in names else len(fields)
    left = [field for field, other in zip(fields, names, strict=True) if other != name]
    return [*left[:place], line, *left[place:]]
