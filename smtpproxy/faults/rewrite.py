"""Tell upstream another sender, recipient or name than the client said."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from smtpproxy.faults.base import Fault, FaultError, NotRewritten, Value, mapping_of, text_of
from smtpproxy.smtp.facts import Command
from smtpproxy.smtp.path import with_path
from smtpproxy.visible import visible_text

SENDER, RECIPIENT, HELLO = "sender", "recipient", "hello"
#: What may be rewritten, by stage.
KEYS: Final = {
    **dict.fromkeys(("MAIL", "SEND", "SOML", "SAML"), SENDER),
    "RCPT": RECIPIENT,
    **dict.fromkeys(("EHLO", "HELO", "LHLO"), HELLO),
}
MOST = 254  # octets: RFC 5321 §4.5.3.1.3, without the angle brackets
_TEXT: Final = {"type": "string", "maxLength": MOST}


@dataclass(frozen=True, slots=True)
class Rewrite(Fault):
    """`rewrite: {sender: other@example.org}`: upstream is told this instead.

    `key` says what `octets` are; a sender of no octets is the null reverse-path.
    """

    key: str
    octets: bytes
    rewrites: ClassVar[bool] = True
    schema: ClassVar[dict[str, Any]] = {
        "type": "object",
        "additionalProperties": False,
        "minProperties": 1,
        "maxProperties": 1,
        "properties": {
            SENDER: _TEXT,
            RECIPIENT: {**_TEXT, "minLength": 1},
            HELLO: {**_TEXT, "minLength": 1},
        },
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read what upstream is told."""
        key = KEYS.get(stage)
        if key is None:
            stages = f"{', '.join([*KEYS][:-1])} or LHLO"
            raise FaultError(f"expected at {stages}: {stage} names nobody")
        text = text_of(mapping_of(value, (key,))[key], key)
        return cls(key, _octets(text, key))

    def rewritten(self, command: Command, international: Callable[[], bool]) -> Command:
        """Put it in the place of what the client said."""
        if not self.octets.isascii() and not international():
            raise NotRewritten("without SMTPUTF8")
        if self.key == HELLO:
            return _renamed(command, self.octets)
        wire = with_path(command, self.octets)
        if wire is None:
            raise NotRewritten("without an address")
        return Command(command.verb, wire)

    @property
    def words(self) -> str:
        """What upstream is told."""
        told = visible_text(self.octets.decode())
        shown = told if self.key == HELLO else f"<{told}>"
        return f"upstream is told the {_WORDS[self.key]} {shown}"


_WORDS: Final = {SENDER: "sender", RECIPIENT: "recipient", HELLO: "name"}


def _octets(text: str, key: str) -> bytes:
    """Return what can stand in a command. Raises FaultError."""
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        raise FaultError("expected UTF-8", path=(key,)) from None
    if not octets and key != SENDER:
        raise FaultError(f"expected a {_WORDS[key]}, got none", path=(key,))
    if len(octets) > MOST:
        raise FaultError(f"expected no more than {MOST} octets, got {len(octets)}", path=(key,))
    if any(letter in "<>\x7f" or letter < "!" or letter.isspace() for letter in text):
        problem = "expected no blank, no control character and none of <>"
        raise FaultError(f"{problem}, got {text!r}", path=(key,))
    if key == HELLO and not octets.isascii():
        # RFC 6531 §3.7.1: nothing but ASCII before SMTPUTF8 is offered.
        raise FaultError(f"expected ASCII, got {text!r}", path=(key,))
    return octets


def _renamed(command: Command, name: bytes) -> Command:
    """Return EHLO with another name in its place, or behind a verb that has none."""
    wire, argument = command.wire, command.argument
    verb_ends = len(wire) - len(wire.lstrip()) + len(command.verb)
    if not argument:
        return Command(command.verb, wire[:verb_ends] + b" " + name + wire[verb_ends:])
    at = wire.index(argument, verb_ends)
    return Command(command.verb, wire[:at] + name + wire[at + len(argument) :])
