"""Answer the client with a reply of the rule's own."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.codes import wording
from smtpproxy.faults.base import ANSWER, Fault, FaultError, Telling, Value, text_of
from smtpproxy.smtp.facts import Reply
from smtpproxy.visible import visible_text

_REPLY = re.compile(r"([2-5][0-9]{2})(?:[ -](.*))?", re.DOTALL)
_ENHANCED = re.compile(r"([245]\.[0-9]{1,3}\.[0-9]{1,3})(?:\s+(.*))?", re.DOTALL)
#: Replies after which the server closes its transmission channel (RFC 5321 §4.2.3): the judge has
#: it closed, since another fault may yet edit the code.
CLOSING = frozenset({221, 421})


@dataclass(frozen=True, slots=True)
class SayReply(Fault):
    """`reply: 450 4.7.1 Later`: the client hears this; a code alone takes the registry's words."""

    code: int
    enhanced: str
    lines: tuple[str, ...]
    answers: ClassVar[bool] = True
    order: ClassVar[int] = ANSWER
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "integer", "minimum": 200, "maximum": 599},
            {"type": "string", "pattern": "^\\n*[2-5][0-9]{2}([ -].*)?"},
        ]
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read a code, or a code and a text; more lines of text make a multiline reply."""
        value = text_of(value)
        found = _REPLY.fullmatch(value.strip("\n"))
        if not found:
            raise FaultError(
                f"expected a reply code from 200 to 599, alone or with a text, got {value!r}"
            )
        code, text = int(found[1]), found[2] or ""
        if not text:
            enhanced, text = wording(stage, code)
            return cls(code, enhanced, (text,))
        if bad := next((c for c in text if c in "\r\0"), ""):
            raise FaultError(f"a reply's text can't hold {bad!r}")
        first, *others = (_without_code(line, code) for line in text.split("\n"))
        split = _ENHANCED.fullmatch(first)
        enhanced, first = (split[1], split[2] or "") if split else ("", first)
        rest = (_without_enhanced(line, enhanced) for line in others)
        return cls(code, enhanced, (first, *rest))

    def octets(self, domain: str, forward_path: str) -> bytes:
        """Return the reply as it goes over the wire."""
        prefix = f"{self.enhanced} " if self.enhanced else ""
        path = f"<{visible_text(forward_path)}>"  # the client's own words must not end our line
        lines = [
            prefix + line.replace("<domain>", domain).replace("<forward-path>", path)
            for line in self.lines
        ]
        last = len(lines) - 1
        return b"".join(
            f"{self.code}{' ' if at == last else '-'}{line}".encode() + b"\r\n"
            for at, line in enumerate(lines)
        )

    def apply(self, telling: Telling) -> None:
        """Put this reply in the place of whatever would have been said."""
        telling.reply = Reply(self.code, self.octets(telling.domain, telling.forward_path))

    @property
    def words(self) -> str:
        """What the client hears."""
        enhanced = f" {self.enhanced}" if self.enhanced else ""
        told = f"the client hears {self.code}{enhanced} {visible_text(self.lines[0])}".rstrip()
        more = len(self.lines) - 1
        return told + (f" (+{more} line{'s' * (more > 1)})" if more else "")


def _without_code(line: str, code: int) -> str:
    """Return a line's text, also where the line was written as it stands on the wire."""
    return line[4:] if line[:3] == str(code) and line[3:4] in (" ", "-") else line


def _without_enhanced(line: str, enhanced: str) -> str:
    """Return a later line's text: the enhanced code of the first is said before it anyway."""
    return line.removeprefix(f"{enhanced} ") if enhanced else line
