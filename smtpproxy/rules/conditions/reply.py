"""What upstream has answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Self

from smtpproxy.faults.base import Value, text_of
from smtpproxy.rules.conditions.base import Condition, ConditionError, fits, pattern_of
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.pattern import ANY_REPLY, Pattern, PatternError, ReplyPattern

_KEYS = ("code", "text")
_CODE = {"type": ["string", "integer"], "pattern": "^[2-5]([0-9]{2}|[0-9]x|xx)$"}


@dataclass(frozen=True, slots=True)
class UpstreamReply(Condition):
    """`reply: 4xx`, or `reply: {code: 450, text: "*greylist*"}`."""

    code: ReplyPattern
    text: Pattern | None = None
    schema: ClassVar[dict[str, Any]] = {
        "anyOf": [
            _CODE,
            {
                "type": "object",
                "properties": {"code": _CODE, "text": {"type": "string"}},
                "additionalProperties": False,
                "minProperties": 1,
            },
        ]
    }

    @classmethod
    def parse(cls, value: Value, stage: str) -> Self:
        """Read a code or a class of codes, and perhaps a pattern for the text."""
        if not isinstance(value, dict):
            return cls(_code(text_of(value)))
        for key in value:
            if key not in _KEYS:
                raise ConditionError(f"unknown key {key!r}", key, _KEYS, (key,))
        if not value:
            raise ConditionError('expected a code, or {code: 4xx, text: "*greylist*"}')
        code = _code(text_of(value["code"], "code"), "code") if "code" in value else ANY_REPLY
        return cls(code, pattern_of(value["text"], "text") if "text" in value else None)

    def matches(self, occasion: Occasion) -> bool:
        """Has upstream answered this?"""
        code = self.code
        if not code.low <= occasion.code <= code.high:
            return False
        return self.text is None or self.text.matches(occasion.reply_text)

    @property
    def needs_reply(self) -> bool:
        """Nothing else can tell."""
        return True

    @property
    def words(self) -> str:
        """What it has answered."""
        text = f" and its text {fits(self.text)}" if self.text else ""
        if self.code == ANY_REPLY:
            return f"upstream has answered{text}"
        low, high = self.code.low, self.code.high
        told = {0: str(low), 9: f"{low // 10}x", 99: f"{low // 100}xx"}[high - low]
        return f"upstream answers {told}{text}"


def _code(text: str, *path: str) -> ReplyPattern:
    try:
        return ReplyPattern.parse(text)
    except PatternError as error:
        raise ConditionError(str(error), path=path) from None
