"""Say a reply in a way in which no server may say it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Final, Self

from smtpproxy.faults.base import SPOIL, Fault, FaultError, Telling, Value, text_of
from smtpproxy.smtp.facts import Reply

WRONG_CLASS = "wrong-class"
#: Lines of a reply that never ends, and characters of a line that is too long.
ENDLESS, LONG = 10_000, 5_000
#: The stages at which a 3xx goes on.
_GOING_ON = frozenset({"DATA", "AUTH"})


@dataclass(frozen=True, slots=True)
class Malformed(Fault):
    """`malformed: bare-lf`: the reply's octets are not those of a reply in order.

    What it was meant to say stays what the proxy takes it for, but with `wrong-class`: there the
    code itself is another.
    """

    way: str
    order: ClassVar[int] = SPOIL
    schema: ClassVar[dict[str, Any]] = {}  # below: it lists the ways

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read in which way."""
        way = text_of(value)
        if way not in MALFORMED:
            words = f"{', '.join(MALFORMED[:-1])} or {MALFORMED[-1]}"
            raise FaultError(f"expected {words}, got {way!r}", way, MALFORMED)
        return cls(way)

    def apply(self, telling: Telling) -> None:
        """Spoil the octets of what is said, if anything is."""
        reply = telling.reply
        if reply is None:
            return
        if self.way == WRONG_CLASS:
            code = 250 if telling.stage in _GOING_ON and reply.code // 100 != 2 else 354
            telling.reply = Reply(code, b"%03d" % code + reply.wire[3:])
            if reply.wire.count(b"\n") > 1:
                telling.reply = Reply(code, b"%03d " % code + reply.lines[0] + b"\r\n")
        else:
            telling.octets = _SPOILT[self.way](reply)

    @property
    def words(self) -> str:
        """What is wrong with the reply."""
        return f"the reply is malformed: {self.way}"


def _code(reply: Reply) -> bytes:
    return b"%03d" % reply.code


def _body(reply: Reply) -> bytes:
    """Return a reply without its last line ending."""
    return reply.wire.rstrip(b"\r\n")


def _mixed_codes(reply: Reply) -> bytes:
    """The last line has the code in question; those before it have others of other classes."""
    others = [code for code in (b"250", b"451", b"550") if code[:1] != _code(reply)[:1]]
    text = reply.lines[-1]
    first = b"".join(b"%s-%s\r\n" % (other, text) for other in others)
    return first + b"%s %s\r\n" % (_code(reply), text)


def _endless(reply: Reply) -> bytes:
    return b"%s-%s\r\n" % (_code(reply), reply.lines[0][:40]) * ENDLESS


def _long_line(reply: Reply) -> bytes:
    line = b"%s %s" % (_code(reply), reply.lines[-1])
    return line.ljust(LONG, b"x")[:LONG] + b"\r\n"


def _contradicting(reply: Reply) -> bytes:
    """An enhanced code that says success of a failure, and failure of all else."""
    enhanced = b"2.0.0" if reply.code >= 400 else b"5.7.1"
    text = reply.lines[-1]
    if reply.enhanced:
        text = text.partition(b" ")[2]
    return b"%s %s %s\r\n" % (_code(reply), enhanced, text)


_SPOILT: Final[dict[str, Callable[[Reply], bytes]]] = {
    "code-only": lambda reply: _code(reply) + b"\r\n",
    "no-crlf": _body,
    "bare-lf": lambda reply: reply.wire.replace(b"\r\n", b"\n"),
    "bare-cr": lambda reply: reply.wire.replace(b"\r\n", b"\r"),
    "mixed-codes": _mixed_codes,
    "stray-line": lambda reply: b"This line has no code.\r\n" + reply.wire,
    "endless": _endless,
    "long-line": _long_line,
    "8-bit": lambda reply: _body(reply) + b" Gr\xfc\xdfe \xff\xfe\r\n",  # no UTF-8
    "nul": lambda reply: _body(reply) + b" \0 \0\r\n",
    "contradicting": _contradicting,
}
MALFORMED: Final = (*_SPOILT, WRONG_CLASS)
Malformed.schema = {"enum": list(MALFORMED)}
