"""The JSON Schema of cassettes: editors that follow it mark what the reader would refuse."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from hypothesis import given

from smtpproxy.cassette.model import RecordedSession
from smtpproxy.cassette.read import EXCHANGE_KEYS, HEADER_KEYS, SESSION_KEYS, read_cassette
from smtpproxy.cassette.schema import schema
from smtpproxy.documents import DocumentError, Node, Sequence, Text, read_documents
from tests.cassette.test_roundtrip import MANY, SESSIONS, written
from tests.cassette.test_versions import FROZEN, SAMPLES
from tests.pages import DOCS

PUBLISHED = json.loads((DOCS / "cassette-schema.json").read_text())
VALIDATOR = jsonschema.Draft7Validator(schema())
KNOWN = {"~": None, "null": None, "": None, "true": True, "false": False}
HEAD = "smtpproxy-cassette: 1\n"
DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def as_an_editor(node: Node) -> Any:
    """Return a document as an editor sees it: YAML 1.2 makes numbers of what looks like one."""
    if isinstance(node, Text):
        if node.plain and node.value in KNOWN:
            return KNOWN[node.value]
        return int(node.value) if node.plain and re.fullmatch("[0-9]+", node.value) else node.value
    if isinstance(node, Sequence):
        return [as_an_editor(item) for item in node.items]
    return {key: as_an_editor(value) for key, value in node.entries.items()}


def fits(octets: bytes) -> bool:
    """Does each document fit the schema?"""
    documents = list(read_documents(octets, "signup.yaml"))
    return all(VALIDATOR.is_valid(as_an_editor(document)) for document in documents)


def test_the_schema_is_one() -> None:
    """What is published is a JSON Schema of the draft that it names."""
    jsonschema.Draft7Validator.check_schema(PUBLISHED)
    assert PUBLISHED["$schema"] == "http://json-schema.org/draft-07/schema#"


@pytest.mark.parametrize(
    ("name", "keys"),
    [("header", HEADER_KEYS), ("session", SESSION_KEYS), ("exchange", EXCHANGE_KEYS)],
)
def test_it_has_every_key_of_the_reader(name: str, keys: tuple[str, ...]) -> None:
    """Each key that is read is in it, with words for who hovers over it, and no other."""
    told = schema()["definitions"][name]["properties"]
    assert list(told) == list(keys)
    assert all(of["description"].endswith((".", "…")) for of in told.values())


@pytest.mark.parametrize("path", [*SAMPLES, *FROZEN.glob("*.yaml")], ids=lambda path: path.stem)
def test_samples_fit(path: Path) -> None:
    """Whatever was recorded, and what is written by hand as documented, is no mistake."""
    assert fits(path.read_bytes())


@MANY
@given(SESSIONS)
def test_what_is_written_fits(sessions: list[RecordedSession]) -> None:
    """Any sessions, written, are no mistake."""
    assert fits(written(sessions))


@pytest.mark.parametrize(
    "documents",
    [
        "upstream: a\n",
        "smtpproxy-cassette: 2\n",
        "smtpproxy-cassette: one\n",
        f"{HEAD}upsteam: a\n",
        f"{HEAD}upstream: [a]\n",
        f"{HEAD}order: strikt\n",
        f"{HEAD}order: [any, strict]\n",
        f"{HEAD}---\n- S: a\n",
        f"{HEAD}---\ndialogue: []\n",
        f"{HEAD}---\nsession: 1\n",
        f"{HEAD}---\nsession: [1]\ndialogue: []\n",
        f"{HEAD}---\nsession: 1\ndialogue: a\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\nendet: quit\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\nended: [quit]\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\nanomalies: [[a]]\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\ntiming-ms: [1, a]\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\ntiming-ms: {{a: 1}}\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\ntls: TLSv1.3\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\ntls: {{server: TLSv1.3}}\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\ntls: {{client: {{name: a}}}}\n",
        f"{HEAD}---\nsession: 1\ndialogue: []\ntls: {{client: {{failed: a, sni: b}}}}\n",
    ],
)
def test_a_mistake_around_the_dialogue(documents: str) -> None:
    """What the reader refuses in header and session does not fit either."""
    assert_refused(documents)


@pytest.mark.parametrize(
    "item",
    [
        "hello",
        "[a]",
        "{Cc: a}",
        "{C: ~}",
        "{C: {a: b}}",
        "{C: {base64: '?'}}",
        "{C: a, S: [[b]]}",
        "{C: a, S: {base64: YQ==, a: b}}",
        "{C: a, client-saw: [b]}",
        "{C: a, rule: [b]}",
        "{C: a, by: [b]}",
        "{C: a, pipelined: treu}",
        "{C: a, message: b}",
        "{C: a, wire: b}",
        "{chunk: b}",
        "{message: a, wire: b}",
        "{message: [b]}",
        "{message: {file: a.eml}}",
        f"{{message: {{file: ../{DIGEST}.eml}}}}",
        f"{{message: {{file: {DIGEST}.eml, octets: many}}}}",
        f"{{message: {{file: {DIGEST}.eml, size: 1}}}}",
        "{C: [a, b], S: c}",
        "{C: [a, b], client-saw: c}",
        "{C: [a, b], rule: c}",
        "{C: [a, b], message: c}",
        "{C: [BDAT 1, b], chunk: c}",
        "{C: [a, [b]]}",
        "{stray: a, C: b}",
        "{stray: a, S: b}",
        "{stray: [a]}",
        f"{{C: [{', '.join('a' * 501)}]}}",
    ],
)
def test_a_mistake_in_an_exchange(item: str) -> None:
    """What the reader refuses in an exchange does not fit either."""
    assert_refused(f"{HEAD}---\nsession: 1\ndialogue:\n- {item}\n")


def assert_refused(documents: str) -> None:
    """Neither the reader nor an editor takes these."""
    with pytest.raises(DocumentError):
        read_cassette(documents.encode(), "signup.yaml")
    assert not fits(documents.encode())


@pytest.mark.parametrize(
    "item",
    [
        "{S: ~}",
        "{S: 250}",
        "{C: a, S: [b, c], note: {d: [e]}, x-f: [g]}",
        "{C: [a, b], S: [~, c], client-saw: [d, ~], rule: [e, ~], by: [~, ~], pipelined: true}",
        "{C: BDAT 1, chunk: a, S: {base64: YQ==}}",
        f"{{wire: {{file: {DIGEST}.eml}}}}",
        "{C: a, client-saw: ~, rule: b, by: proxy}",
        "{stray: a, note: b, x-c: d}",
    ],
)
def test_what_is_no_mistake(item: str) -> None:
    """What the reader takes is marked by no editor."""
    documents = f"{HEAD}---\nsession: 1\ndialogue:\n- {item}\n".encode()
    assert read_cassette(documents, "signup.yaml").sessions[0].dialogue
    assert fits(documents)
