"""Rule files as JSON Schema, for editors, which then complete keys and mark mistakes.

Owns what the schema says around the parts of a rule; what each part may hold is its own affair. It
allows all that the reader takes; that a rule has one stage, and what holds at which, it can't say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from smtpproxy.codes import ALIASES
from smtpproxy.faults import FAULTS
from smtpproxy.faults.tls import STAGE as STARTTLS
from smtpproxy.rules import when
from smtpproxy.rules.conditions import CONDITIONS
from smtpproxy.rules.load import FILE_KEYS, KNOWN_STAGES, MAGIC, RULE_KEYS, VERSION
from smtpproxy.rules.model import ADDRESS_OF, UPSTREAM_WORDS
from smtpproxy.rules.times import SCHEMA as TIMES

Schema: TypeAlias = dict[str, Any]

_DRAFT: Final = "http://json-schema.org/draft-07/schema#"  # the newest that YAML editors know well
_FREE: Final = "^x-"
# Every scalar is read as text; what editors take for a number or a boolean is one, too.
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
_ANYTHING: Final[Schema] = {"description": "Yours: it may hold anything."}
_FILE: Final[Schema] = {
    MAGIC: {"description": "The version of the format.", "enum": [int(VERSION), VERSION]},
    "seed": {
        "description": "A whole number, by which all that is left to chance is drawn.",
        "type": "integer",
        "minimum": 0,
    },
    "rules": {
        "description": "The rules, asked from top to bottom.",
        "anyOf": [
            {"type": "array", "items": {"$ref": "#/definitions/rule"}},
            {"type": "null"},
        ],
    },
    "note": _ANYTHING,
}
_RULE: Final[Schema] = {
    "name": {"description": "By what it is told of in log, report and cassette.", **_TEXT},
    "when": {"$ref": "#/definitions/when"},
    "times": {"description": "How often it fires, of the times that it matches.", **TIMES},
    "note": _ANYTHING,
}
_UPSTREAM: Final[Schema] = {
    "description": "What upstream experiences of it.",
    "enum": list(UPSTREAM_WORDS),
}


def _closed(properties: Mapping[str, Any], patterns: Mapping[str, Any]) -> Schema:
    """Return a mapping that has these keys, and those of these patterns."""
    return {
        "type": "object",
        "properties": dict(properties),
        "patternProperties": dict(patterns),
        "additionalProperties": False,
    }


def _faults() -> Schema:
    """Return each fault's key, with what it does and what it may hold."""
    return {
        key: {"description": _about(fault.__doc__ or ""), **fault.schema}
        for key, fault in FAULTS.items()
    }


def _when() -> Schema:
    """Return what `when:` may hold, each condition with what it means."""
    told = when.schema()
    words = {key: _about(condition.__doc__ or "") for key, condition in CONDITIONS.items()}
    words |= {
        when.ALL: "all: [{…}, {…}]: each of these holds.",
        when.ANY: "any: [{…}, {…}]: one of these holds, or more.",
        when.NOT: "not: {…}: these do not hold together.",
    }
    properties = {key: {"description": words[key], **of} for key, of in told["properties"].items()}
    return {**told, "properties": properties}


def _about(docstring: str) -> str:
    return docstring.partition("\n")[0].replace("`", "")


def _experience(*short: str) -> Schema:
    """Return what may stand behind a stage: a fault in short, or all of them by their keys."""
    return {
        "anyOf": [
            *(FAULTS[key].schema for key in short),
            {
                **_closed({**_faults(), "upstream": _UPSTREAM}, {_FREE: _ANYTHING}),
                "minProperties": 1,
            },
        ]
    }


def _stages() -> tuple[Schema, Schema]:
    """Return the stages as they are completed, and as else they may be written."""
    told: Schema = {}
    written: Schema = {}
    for stage in KNOWN_STAGES:
        short = "starttls" if stage == STARTTLS else "experience"
        told[stage] = {"$ref": f"#/definitions/{short}"}
        names = [stage, *(alias for alias, name in ALIASES.items() if name == stage)]
        address = "( .*)?" if stage in ADDRESS_OF else ""
        for name in names:
            written[f"^{_any_case(name)}{address}$"] = told[stage]
    return told, written


def _any_case(word: str) -> str:
    return "".join(
        f"[{letter}{letter.lower()}]" if letter.isalpha() else f"[{letter}]" for letter in word
    )


def schema() -> Schema:
    """Return the JSON Schema of a rule file."""
    told, written = _stages()
    rule = {key: _RULE[key] for key in RULE_KEYS}
    return {
        "$schema": _DRAFT,
        "title": "A rule file of smtpproxy",
        **_closed({key: _FILE[key] for key in FILE_KEYS}, {_FREE: _ANYTHING}),
        "required": [MAGIC, "rules"],
        "definitions": {
            "rule": {
                **_closed({**rule, **told}, {_FREE: _ANYTHING, **written}),
                "minProperties": 1,
            },
            "when": {
                "description": "Conditions, all of which must hold.",
                **_when(),
            },
            "experience": _experience("reply", "client"),
            "starttls": _experience("reply", "client", "tls"),
        },
    }
