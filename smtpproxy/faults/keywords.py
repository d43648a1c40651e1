"""Change what a server says that it can do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Fault, FaultError, Telling, Value, text_of
from smtpproxy.smtp.ehlo import edited, keyword_of
from smtpproxy.visible import visible

STAGES = ("EHLO", "LHLO")
KEYS = ("remove", "set")
#: So many in one rule are enough, and the client hears no endless reply.
MOST = 100
_LONGEST = 500  # RFC 5321 §4.5.3.1.5: a reply line has 512 octets, code and CRLF included
_KEYWORD = re.compile(r"[!-~]+")
_PARAMETERS = re.compile(r"[ -~]*")


@dataclass(frozen=True, slots=True)
class Keywords(Fault):
    """`keywords: {remove: [STARTTLS], set: {SIZE: 1024}}`: EHLO's reply, edited.

    `put` has the line of each keyword that is set, in place of one that is there or behind all.
    """

    remove: frozenset[bytes]
    put: tuple[bytes, ...]
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "properties": {
            "remove": {
                "anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]
            },
            "set": {
                "type": "object",
                "additionalProperties": {"type": ["string", "integer", "null"]},
            },
        },
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the keywords to remove, and those to set with their parameters."""
        if stage not in STAGES:
            raise FaultError(f"expected at {' or '.join(STAGES)} alone: {stage} tells no keywords")
        if not isinstance(value, dict) or not value:
            raise FaultError("expected a mapping such as {remove: [STARTTLS], set: {SIZE: 1024}}")
        for key in value:
            if key not in KEYS:
                raise FaultError(f"expected remove or set, got {key!r}", key, KEYS, (key,))
        return cls(_removed(value.get("remove", [])), _put(value.get("set", {})))

    def apply(self, telling: Telling) -> None:
        """Edit the reply, if it is one that has keywords."""
        reply = telling.reply
        if reply is None or reply.code != 250:
            return
        lines = {keyword_of(line): line for line in self.put}
        seen: set[bytes] = set()

        def change(line: bytes) -> bytes | None:
            keyword = keyword_of(line)
            if keyword in self.remove and keyword not in lines:
                return None
            if keyword in lines and keyword in seen:
                return None  # it stood there twice
            seen.add(keyword)
            return lines.get(keyword, line)

        telling.reply = edited(reply, change, self.put)

    @property
    def words(self) -> str:
        """Which keywords are gone, and which are there."""
        gone = ", ".join(sorted(map(visible, self.remove)))
        put = ", ".join(map(visible, self.put))
        told = [f"without {gone}"] if gone else []
        return f"the keywords are told {' and '.join([*told, f'with {put}'] if put else told)}"


def _removed(value: Value) -> frozenset[bytes]:
    words = value if isinstance(value, list) else [value]
    _bound(len(words), "remove")
    return frozenset(
        _keyword(text_of(word, "remove", at), "remove", at).upper() for at, word in enumerate(words)
    )


def _put(value: Value) -> tuple[bytes, ...]:
    if not isinstance(value, dict):
        raise FaultError("expected a mapping such as {SIZE: 1024}", path=("set",))
    _bound(len(value), "set")
    found: dict[bytes, bytes] = {}
    for word, parameters in value.items():
        keyword = _keyword(word, "set", word)
        if keyword.upper() in found:
            raise FaultError(f"expected each keyword once, got {word!r} again", path=("set", word))
        found[keyword.upper()] = _line(keyword, text_of(parameters, "set", word))
    return tuple(found.values())


def _keyword(word: str, *path: str | int) -> bytes:
    if not _KEYWORD.fullmatch(word) or len(word) > _LONGEST:
        problem = "expected a keyword of printable ASCII, without blanks"
        raise FaultError(f"{problem}, got {word[:_LONGEST]!r}", path=path)
    return word.encode("ascii")


def _line(keyword: bytes, parameters: str) -> bytes:
    path = ("set", keyword.decode("ascii"))
    if not _PARAMETERS.fullmatch(parameters):
        problem = f"expected parameters of printable ASCII, got {parameters[:_LONGEST]!r}"
        raise FaultError(problem, path=path)
    line = b" ".join([keyword, *parameters.encode("ascii").split()])
    if len(line) > _LONGEST:
        raise FaultError(f"expected no more than {_LONGEST} octets for a keyword", path=path)
    return line


def _bound(number: int, key: str) -> None:
    if number > MOST:
        raise FaultError(f"expected no more than {MOST} keywords, got {number}", path=(key,))
