"""Say octets in the place of a reply, whatever they are."""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import SPOIL, Fault, FaultError, Telling, Value, mapping_of, text_of
from smtpproxy.smtp.facts import Reply
from smtpproxy.smtp.limits import Limits
from smtpproxy.smtp.server import ServerReader
from smtpproxy.visible import visible

#: Octets that one rule may say.
MOST = 64 * 1024
_ESCAPE = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.)|$)", re.DOTALL)
_LETTERS = {b"r": b"\r", b"n": b"\n", b"t": b"\t", b"0": b"\0", b"\\": b"\\"}
_SUCCESS = re.compile(rb"(?:^|[\r\n])[23]")  # on whatever a client takes for a line
_SHOWN = 60
#: Stages at which a code promises what only upstream can keep: octets change none there.
_PROMISING = frozenset({"AUTH", "STARTTLS", "TURN", "ATRN"})


@dataclass(frozen=True, slots=True)
class Raw(Fault):
    r"""`raw: "250 Ok\n"`: these octets in the place of the reply, and nothing else.

    Escapes are `\r`, `\n`, `\t`, `\0`, `\\` and `\xNN`; YAML's own between double quotes come
    first. `raw: {base64: MjUw}` says any octets.
    """

    octets: bytes
    order: ClassVar[int] = SPOIL
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            {"type": "string", "maxLength": 4 * MOST},
            {
                "type": "object",
                "additionalProperties": False,
                "required": ["base64"],
                "properties": {"base64": {"type": "string"}},
            },
        ]
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read the octets."""
        if isinstance(value, dict):
            octets = _decoded(text_of(mapping_of(value, ("base64",))["base64"], "base64"))
        elif isinstance(value, str):
            octets = _unescaped(value.encode("utf-8", "surrogateescape"))
        else:
            raise FaultError(r"expected a text such as '250 Ok\r\n', or {base64: …}")
        if not 0 < len(octets) <= MOST:
            raise FaultError(f"expected 1 to {MOST} octets, got {len(octets)}")
        if stage in _PROMISING and _SUCCESS.search(octets):
            problem = f"at {stage} promises what only upstream can keep"
            raise FaultError(f"expected no reply of success: it {problem}")
        return cls(octets)

    def apply(self, telling: Telling) -> None:
        """Say them; where they hold a reply, the client is taken at that."""
        if telling.reply is None:
            return
        said = _first_reply(self.octets)
        if said is not None:
            telling.reply = said
        telling.octets = self.octets

    @property
    def words(self) -> str:
        """What the client hears."""
        shown = visible(self.octets[:_SHOWN]) + ("…" if len(self.octets) > _SHOWN else "")
        return f"the client hears the raw octets {shown!r}"


def _first_reply(octets: bytes) -> Reply | None:
    reader = ServerReader(Limits(max_reply_line=MOST, max_reply_lines=MOST))
    reader.receive(octets)
    return next((fact for fact in iter(reader.next, None) if isinstance(fact, Reply)), None)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        raise FaultError(f"expected base64, got {text[:_SHOWN]!r}", path=("base64",)) from None


def _unescaped(text: bytes) -> bytes:
    def octets(found: re.Match[bytes]) -> bytes:
        if found[1]:
            return bytes.fromhex(found[1].decode("ascii"))
        if found[2] not in _LETTERS:
            raise FaultError(rf"expected \r, \n, \t, \0, \\ or \xNN, got {found[0].decode()!r}")
        return _LETTERS[found[2]]

    return _ESCAPE.sub(octets, text)
