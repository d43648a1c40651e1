"""`when:` of a rule: its conditions, and those within them.

Owns their nesting, and that each can hold at the stage of its rule. What each kind of condition
means is its own affair.
"""

from __future__ import annotations

from typing import Any, Final

from smtpproxy.faults.base import FaultError, Value
from smtpproxy.rules.conditions import CONDITIONS, All, Condition, ConditionError, Not
from smtpproxy.rules.conditions import Any as OneOf

ALL, ANY, NOT = "all", "any", "not"
KEYS: Final = (*CONDITIONS, ALL, ANY, NOT)
#: How deep conditions may be nested, and how many a rule may have.
MOST_DEPTH = 6
MOST = 200


def parse_when(value: Value, stage: str) -> tuple[Condition, ...]:
    """Read the conditions of a rule for `stage`, all of which must hold. Raises FaultError."""
    return _Reading(stage).mapping(value, (), 0)


def schema() -> dict[str, Any]:
    """Return the JSON Schema of `when:`, and of what it refers to by #/definitions/when."""
    within = {"$ref": "#/definitions/when"}
    several = {"type": "array", "items": within, "minItems": 1}
    return {
        "type": "object",
        "properties": {
            **{key: kind.schema for key, kind in CONDITIONS.items()},
            ALL: several,
            ANY: several,
            NOT: within,
        },
        "patternProperties": {"^x-": {}},
        "additionalProperties": False,
    }


class _Reading:
    """Reads the conditions of one rule."""

    def __init__(self, stage: str) -> None:
        self._stage = stage
        self._number = 0

    def mapping(
        self, value: Value, path: tuple[str | int, ...], depth: int
    ) -> tuple[Condition, ...]:
        if not isinstance(value, dict):
            raise ConditionError(
                "expected a mapping such as {recipient: '*@example.net'}", path=path
            )
        if depth > MOST_DEPTH:
            raise ConditionError(f"expected no more than {MOST_DEPTH} levels", path=path)
        found = []
        for key, entry in value.items():
            if key.startswith("x-"):
                continue
            self._number += 1
            if self._number > MOST:
                raise ConditionError(f"expected no more than {MOST} conditions", path=(*path, key))
            found.append(self._condition(key, entry, (*path, key), depth))
        return tuple(found)

    def _condition(
        self, key: str, value: Value, path: tuple[str | int, ...], depth: int
    ) -> Condition:
        if key == NOT:
            return Not(self._filled(value, path, depth))
        if key in (ALL, ANY):
            return (All if key == ALL else OneOf)(self._list(value, path, depth))
        if key not in CONDITIONS:
            raise ConditionError(f"unknown key {key[:64]!r}", key, KEYS, path)
        kind = CONDITIONS[key]
        if kind.stages and self._stage not in kind.stages:
            raise ConditionError(_not_at(self._stage, key), path=path)
        try:
            return kind.parse(value, self._stage)
        except FaultError as error:
            words = f"{key}: {error}"
            raise ConditionError(words, error.word, error.known, (*path, *error.path)) from None

    def _list(self, value: Value, path: tuple[str | int, ...], depth: int) -> tuple[Condition, ...]:
        if not isinstance(value, list) or not value:
            raise ConditionError(f"{path[-1]}: expected a list of mappings", path=path)
        parts = []
        for at, entry in enumerate(value):
            within = self._filled(entry, (*path, at), depth)
            parts.append(within[0] if len(within) == 1 else All(within))
        return tuple(parts)

    def _filled(
        self, value: Value, path: tuple[str | int, ...], depth: int
    ) -> tuple[Condition, ...]:
        found = self.mapping(value, path, depth + 1)
        if not found:
            raise ConditionError("expected a condition", path=path)
        return found


def _not_at(stage: str, key: str) -> str:
    if key == "header":
        return f"at {stage} no header is known: it is for END-OF-DATA"
    if key in ("parameters", "size", "message"):
        return f"{key}: is for MAIL, RCPT, DATA, BDAT and END-OF-DATA, not for {stage}"
    return f"at {stage} no {key} is known yet"
