"""The format as JSON Schema, for editors, which then complete keys and mark mistakes.

Owns what the schema says of each key; which keys there are is the reader's. It allows nothing that
the reader refuses for its keys and forms; how long two lists are it can't compare.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeAlias

from smtpproxy.cassette.encrypted import SIDES
from smtpproxy.cassette.matching import ORDERS
from smtpproxy.cassette.model import MAGIC, RecordedTls
from smtpproxy.cassette.read import EXCHANGE_KEYS, HEADER_KEYS, MOST_COMMANDS, SESSION_KEYS
from smtpproxy.cassette.versions import OLDEST, newest

Schema: TypeAlias = dict[str, Any]

_DRAFT = "http://json-schema.org/draft-07/schema#"  # the newest that YAML editors know well
_FREE = "^x-"
_KEPT = ("message", "wire", "chunk")

# Every scalar is read as text; what editors take for a number or a boolean is one, too.
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"]}
_NULL: Final[Schema] = {"type": "null"}
_ANYTHING: Final[Schema] = {"description": "Yours: it may hold anything."}


def _told(description: str, of: Mapping[str, Any]) -> Schema:
    return {"description": description, **of}


def _named(name: str) -> Schema:
    return {"$ref": f"#/definitions/{name}"}


def _any_of(*schemas: Schema) -> Schema:
    return {"anyOf": list(schemas)}


def _list_of(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def _closed(properties: Schema, required: Iterable[str] = ()) -> Schema:
    """Return a mapping that has these keys alone."""
    told = {"type": "object", "properties": properties, "additionalProperties": False}
    needed = list(required)
    return {**told, "required": needed} if needed else told


def _open(properties: Schema, required: Iterable[str] = ()) -> Schema:
    """Return a mapping that has these keys, and those that are a user's own."""
    return {**_closed(properties, required), "patternProperties": {_FREE: _ANYTHING}}


_HEADER: Final[Schema] = {
    MAGIC: _told("The version of the format.", {"enum": list(range(OLDEST, newest() + 1))}),
    "upstream": _told("Where it was recorded, such as tcp:mail.example.org:25.", _TEXT),
    "recorded": _told("When: a time in UTC.", _TEXT),
    "match": _told(
        "What replay compares; docs/cassettes.md names it.", _any_of(_TEXT, _list_of(_TEXT))
    ),
    "ignore": _told("What replay passes over.", _any_of(_TEXT, _list_of(_TEXT))),
    "order": _told(
        "How it is replayed: any transaction that fits, or strict: whole sessions, as they stand.",
        {"enum": list(ORDERS)},
    ),
    "note": _ANYTHING,
}
_SESSION: Final[Schema] = {
    "session": _told("Any label, each once; a number where it was recorded.", _TEXT),
    "behind": _told("The session behind whose QUIT this was said: no replay has it.", _TEXT),
    "dialogue": _told("The exchanges, the greeting first.", _list_of(_named("exchange"))),
    "ended": _told("How: quit, client-drop, upstream-drop, rule, shutdown …", _TEXT),
    "opaque": _told("The verb behind whose reply octets passed unread.", _TEXT),
    "client": _told("The client's IP address, where that was no loopback address.", _TEXT),
    "tls": _told("How each leg was encrypted.", _closed({side: _named("leg") for side in SIDES})),
    "anomalies": _told("The names of what was odd.", _any_of(_TEXT, _list_of(_TEXT))),
    "timing-ms": _told(
        "Milliseconds from each command to its reply.",
        _any_of(_named("count"), _list_of(_named("count"))),
    ),
    "note": _ANYTHING,
}
_LINES: Final[Schema] = _list_of(_any_of(_named("line"), _NULL))
_EXCHANGE: Final[Schema] = {
    "C": _told(
        "A command, or a list of commands that were sent in one go.",
        _any_of(_named("line"), {**_list_of(_named("line")), "maxItems": MOST_COMMANDS}),
    ),
    "S": _told(
        "Upstream's reply; a list beside a list of commands, and for one message in LMTP. "
        "~ where upstream said nothing.",
        _any_of(_named("line"), _NULL, _LINES),
    ),
    "message": _told(
        "Mail data, dot-stuffing undone and without the final dot.", _named("mail-data")
    ),
    "wire": _told("Mail data as it was sent, without the final dot.", _named("mail-data")),
    "chunk": _told("The octets of the BDAT in C:.", _named("mail-data")),
    "client-saw": _told(
        "What the client heard instead of S:. ~ where it heard nothing.",
        _any_of(_named("line"), _NULL, _LINES),
    ),
    "rule": _told("The rule that said so.", _any_of(_TEXT, _list_of(_any_of(_TEXT, _NULL)))),
    "by": _told("proxy: it said so itself.", _any_of(_TEXT, _list_of(_any_of(_TEXT, _NULL)))),
    "pipelined": _told(
        "It was sent before the reply to the one before was there.", {"type": "boolean"}
    ),
    "stray": _told("A line from upstream that is no reply.", _named("line")),
    "note": _ANYTHING,
}
_BASE64: Final[Schema] = _closed(
    {"base64": {"type": "string", "pattern": "^[A-Za-z0-9+/]*={0,2}$"}}, ["base64"]
)
_FILE: Final[Schema] = _closed(
    {
        "file": _told(
            "The SHA-256 of its octets, in NAME.d beside the cassette.",
            {"type": "string", "pattern": r"^[0-9a-f]{64}\.eml$"},
        ),
        "octets": _told("How many octets it has.", _named("count")),
    },
    ["file"],
)
_LEG_KEYS = tuple(key for key in RecordedTls._fields if key != "failed")
_DEFINITIONS: Final[Schema] = {
    "line": _told("Text whose last CRLF is implied, or octets.", _any_of(_TEXT, _BASE64)),
    "mail-data": _told(
        "Text in which each line end stands for CRLF, octets, or a file.",
        _any_of(_TEXT, _BASE64, _FILE),
    ),
    "count": {"type": "integer", "minimum": 0},
    "leg": _any_of(
        _told("The version of TLS.", _TEXT),
        _closed(dict.fromkeys(_LEG_KEYS, _TEXT)),
        _closed({"failed": _told("Why there was no TLS.", _TEXT)}, ["failed"]),
    ),
}


def _has(*keys: str) -> Schema:
    return {"required": list(keys)}


def _if(condition: Schema, then: Schema, otherwise: Schema | None = None) -> Schema:
    return {"if": condition, "then": then, **({"else": otherwise} if otherwise else {})}


def _without(*keys: str) -> Schema:
    return {"not": _any_of(*map(_has, keys))}


def _exchange() -> Schema:
    """Return what an exchange may be: what can't stand together is excluded."""
    columns = {key: {"type": "array"} for key in ("S", "client-saw", "rule", "by")}
    single = {"client-saw": {"not": {"type": "array"}}, "rule": _TEXT, "by": _TEXT}
    many = {"required": ["C"], "properties": {"C": {"type": "array"}}}
    rules = [
        _if(_has("stray"), {"propertyNames": {"pattern": "^(stray|note|x-.*)$"}}),
        _if(many, {"properties": columns, **_without(*_KEPT)}, {"properties": single}),
        _if(_has("C"), _without("message", "wire"), _without("chunk")),
        {"not": _has("message", "wire")},
    ]
    return {**_open({key: _EXCHANGE[key] for key in EXCHANGE_KEYS}), "allOf": rules}


def schema() -> Schema:
    """Return the JSON Schema that each document of a cassette fits."""
    header = _open({key: _HEADER[key] for key in HEADER_KEYS}, [MAGIC])
    session = _open({key: _SESSION[key] for key in SESSION_KEYS}, ["session", "dialogue"])
    return {
        "$schema": _DRAFT,
        "title": "A document of a cassette of smtpproxy: its header, or a session",
        **_if(_has(MAGIC), _named("header"), _named("session")),
        "definitions": {
            "header": header,
            "session": session,
            "exchange": _exchange(),
            **_DEFINITIONS,
        },
    }
