"""Change parts of the reply that the client would have heard, and leave the others as they are."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, Self

import re2

from smtpproxy.faults.base import Fault, FaultError, Telling, Value, mapping_of, text_of
from smtpproxy.smtp.facts import Reply
from smtpproxy.visible import visible_text

KEYS = ("code", "enhanced", "text", "replace")
NO_CODE = "none"  # `enhanced: none` takes the enhanced code away
#: Lines of a text, and patterns, that one rule may have; and octets of one line that is edited.
MOST_LINES, MOST_PATTERNS, LONGEST = 100, 20, 4096
_CODE = re.compile(r"[2-5][0-9]{2}")
_ENHANCED = re.compile(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}")
_WITH_ENHANCED = re.compile(rb"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:[ \t]+|$)")


@dataclass(frozen=True, slots=True)
class Edit(Fault):
    """`edit: {code: 451, enhanced: 4.7.1, text: Later}`: parts of the reply are others.

    `replace: {"/pattern/": text}` changes what is found in the text of any line. Where the code's
    class changes, an enhanced code that stays changes its own with it.
    """

    code: int = 0  # 0: it stays
    enhanced: str = ""  # "": it stays
    lines: tuple[str, ...] = ()
    replace: tuple[tuple[str, str], ...] = ()  # patterns, and what takes their place
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "code": {"type": "integer", "minimum": 200, "maximum": 599},
            "enhanced": {"type": "string", "pattern": r"^([245]\.\d{1,3}\.\d{1,3}|none)$"},
            "text": {
                "anyOf": [
                    {"type": "string"},
                    {"type": "array", "items": {"type": "string"}, "minItems": 1},
                ]
            },
            "replace": {
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": "^/.+/$"},
                "additionalProperties": {"type": "string"},
            },
        },
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read which parts are changed, and to what."""
        parts = mapping_of(value, KEYS)
        code = _code(text_of(parts["code"], "code")) if "code" in parts else 0
        enhanced = _enhanced(text_of(parts["enhanced"], "enhanced")) if "enhanced" in parts else ""
        if code and enhanced not in ("", NO_CODE) and enhanced[0] != str(code)[0]:
            problem = f"expected an enhanced code of the class of {code}, got {enhanced}"
            raise FaultError(f"{problem}; see malformed: contradicting", path=("enhanced",))
        return cls(
            code,
            enhanced,
            _lines(parts["text"]) if "text" in parts else (),
            _replacements(parts["replace"]) if "replace" in parts else (),
        )

    def apply(self, telling: Telling) -> None:
        """Edit what is said, if anything is."""
        reply = telling.reply
        if reply is not None:
            code = self.code or reply.code
            lines = [self._line(code, line) for line in self._texts(reply, telling)]
            last = len(lines) - 1
            wire = b"".join(
                b"%03d%s%s\r\n" % (code, b" " if at == last else b"-", line)
                for at, line in enumerate(lines)
            )
            telling.reply = Reply(code, wire)

    def _texts(self, reply: Reply, telling: Telling) -> list[bytes]:
        """Return each line, behind its code: the enhanced code stays that of the first."""
        if not self.lines:
            lines = reply.lines
        else:
            enhanced = reply.enhanced
            path = f"<{visible_text(telling.forward_path)}>"
            lines = [
                f"{enhanced}{' ' if enhanced else ''}{line}".replace("<domain>", telling.domain)
                .replace("<forward-path>", path)
                .encode()
                for line in self.lines
            ]
        for pattern, text in self.replace:
            replaced = _replacing(pattern, text)
            lines = [replaced(line)[:LONGEST] for line in lines]
        return lines

    def _line(self, code: int, line: bytes) -> bytes:
        """Return a line with the enhanced code that belongs to it."""
        found = _WITH_ENHANCED.match(line)
        text = line[found.end() :] if found else line
        old = found[1].decode("ascii") if found else ""
        if self.enhanced:
            enhanced = "" if self.enhanced == NO_CODE else self.enhanced
        elif self.code and old and code // 100 == 3:
            enhanced = ""  # RFC 2034 §4: there is none with 3xx
        elif self.code and old:
            enhanced = f"{code // 100}{old[1:]}"
        else:
            return line
        return b" ".join(filter(None, [enhanced.encode("ascii"), text]))

    @property
    def words(self) -> str:
        """Which parts of the reply are others."""
        parts = [f"code {self.code}"] if self.code else []
        parts += [f"enhanced code {self.enhanced}"] if self.enhanced else []
        parts += [f"text {visible_text(self.lines[0])!r}"] if self.lines else []
        parts += [
            f"{visible_text(pattern)} replaced by {visible_text(text)!r}"
            for pattern, text in self.replace
        ]
        return f"the reply is edited: {', '.join(parts)}"


def _code(text: str) -> int:
    if not _CODE.fullmatch(text):
        raise FaultError(f"expected a reply code from 200 to 599, got {text!r}", path=("code",))
    return int(text)


def _enhanced(text: str) -> str:
    if text != NO_CODE and not _ENHANCED.fullmatch(text):
        problem = f"expected an enhanced code such as 4.7.1, or none, got {text!r}"
        raise FaultError(problem, path=("enhanced",))
    return text


def _lines(value: Value) -> tuple[str, ...]:
    items = value if isinstance(value, list) else None
    if items is None:
        lines = text_of(value, "text").removesuffix("\n").split("\n")
    else:
        lines = [text_of(item, "text", at) for at, item in enumerate(items)]
    if not 0 < len(lines) <= MOST_LINES:
        raise FaultError(f"expected 1 to {MOST_LINES} lines, got {len(lines)}", path=("text",))
    for line in lines:
        _check_text(line, "text")
    return tuple(lines)


def _replacements(value: Value) -> tuple[tuple[str, str], ...]:
    if not isinstance(value, dict) or not 0 < len(value) <= MOST_PATTERNS:
        problem = 'expected a mapping such as {"/queued as .*/": queued}'
        raise FaultError(f"{problem}, of no more than {MOST_PATTERNS} patterns", path=("replace",))
    found = []
    for pattern, text in value.items():
        if len(pattern) < 3 or pattern[0] != "/" or pattern[-1] != "/":
            problem = f"expected a regular expression between slashes, got {pattern!r}"
            raise FaultError(problem, path=("replace", pattern))
        written = _check_text(text_of(text, "replace", pattern), "replace", pattern)
        _replacing(pattern, written)
        found.append((pattern, written))
    return tuple(found)


@lru_cache(maxsize=256)
def _replacing(pattern: str, text: str) -> Callable[[bytes], bytes]:
    """Return what replaces a pattern in octets, in time linear in them. Raises FaultError."""
    options = re2.Options()
    options.case_sensitive = False
    options.log_errors = False
    try:
        compiled: Any = re2.compile(pattern[1:-1].encode(), options)
    except re2.error as error:
        told = error.args[0] if error.args else error
        told = told.decode("utf-8", "replace") if isinstance(told, bytes) else told
        problem = f"expected a regular expression, but {pattern!r} can't be read: {told}"
        raise FaultError(problem, path=("replace", pattern)) from None
    written = text.encode()
    return lambda octets: bytes(compiled.sub(lambda _: written, octets))


def _check_text(text: str, *path: str | int) -> str:
    if bad := next((letter for letter in text if letter in "\r\n\0"), ""):
        raise FaultError(f"expected a text of one line, which can't hold {bad!r}", path=path)
    if len(text) > LONGEST:
        raise FaultError(f"expected a text of no more than {LONGEST} characters", path=path)
    return text
