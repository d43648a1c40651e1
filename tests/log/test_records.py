"""The JSON log's records, against their published schema."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from smtpproxy.log import JsonLog
from smtpproxy.log.records import FactRecord, ReplyRecord, TlsRecord, schema
from smtpproxy.smtp.facts import MailData
from smtpproxy.tlsfacts import TlsFacts
from smtpproxy.transcript import Note
from tests.observed import NOON, a_session, an_entry

PUBLISHED = Path(__file__).parents[2] / "docs" / "log-schema.json"


def logged() -> list[dict[str, Any]]:
    """Return a record of each kind, with as many fields as there are."""
    lines: list[bytes] = []
    log = JsonLog(lines.append, clock=lambda: NOON)
    session = a_session()
    log.exchanged(session, an_entry("CONNECT", "", "220 mail.example.org"))
    log.exchanged(session, an_entry("RCPT", "RCPT TO:<b@example.net>", "550 5.1.1 No such user"))
    log.exchanged(
        session,
        an_entry("RCPT", "RCPT TO:<c@example.net>", "450 x", by="rule", rule="r", said="250 Ok"),
    )
    log.exchanged(session, an_entry("NOOP", "NOOP", None))
    log.exchanged(session, an_entry("END-OF-DATA", "", "250 2.0.0 Ok: queued as 4F2A"))
    log.mail_data(session, MailData(b"Subject: hello\r\n", last=False))
    log.noted(session, Note("stray-line", "upstream", b"what\r\n", NOON))
    facts = TlsFacts("TLSv1.3", "TLS_AES_256_GCM_SHA384", "a", "b", "CN=c", "ab" * 32)
    log.noted(session, Note("tls", "upstream", b"", NOON, facts))
    log.ended(session, "quit")
    return [json.loads(line) for line in lines]


@pytest.mark.parametrize("record", logged(), ids=lambda record: record.get("stage", "fact"))
def test_each_line_is_as_the_schema_says(record: dict[str, Any]) -> None:
    """A reader that knows only the published schema can read the log."""
    jsonschema.validate(record, json.loads(PUBLISHED.read_text()))


def test_the_schema_can_refuse() -> None:
    """It says what must be there, and of what kind."""
    published = json.loads(PUBLISHED.read_text())
    for change in ({"code": "250"}, {"v": None}, {"listed": 1}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(logged()[0] | change, published)


@pytest.mark.parametrize("kind", [ReplyRecord, FactRecord, TlsRecord])
def test_every_field_is_described(kind: type[msgspec.Struct]) -> None:
    """Whoever reads the schema learns what each field means."""
    fields = schema()["$defs"][kind.__name__]["properties"]
    assert set(fields) == set(kind.__struct_fields__)
    assert all(field["description"] for field in fields.values())


def test_no_field_is_unknown_to_the_schema() -> None:
    """All that is written is described."""
    known = {name for kind in (ReplyRecord, FactRecord) for name in kind.__struct_fields__}
    assert {name for record in logged() for name in record} <= known
