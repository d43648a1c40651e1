"""The words of the report, and the schema that is made of them."""

import json

import jsonschema
import msgspec
import pytest

from smtpproxy.reports.reported import VERSION, ReportedField, ReportedMiss, RunReport, schema
from tests.gathering import LETTER, OPENING, QUIT, Gathering
from tests.pages import DOCS

REFUSED = LETTER.replace("250 2.0.0 Ok: queued as 1", "451 4.3.0 Later")
MISS = ReportedMiss(
    number=1,
    session="run-1",
    verdict="different",
    stage="RCPT",
    sent="RCPT TO:<z@x>",
    closest="RCPT TO:<b@x>",
    compared=[ReportedField("local part", "z", "b", "differs")],
)


def test_the_version_comes_first() -> None:
    """Whoever reads a report sees at once whether they can."""
    encoded = msgspec.json.encode(Gathering().report())
    assert encoded.startswith(b'{"version":%d,' % VERSION)


def test_a_report_is_read_back() -> None:
    """What is written is what the types say, and so what the schema says."""
    gathering = Gathering()
    gathering.session(OPENING + LETTER + QUIT)
    report = gathering.report()
    assert msgspec.json.decode(msgspec.json.encode(report), type=RunReport) == report


def test_every_field_of_the_schema_is_described() -> None:
    """Each property has words of its own, or is a kind that has them."""
    kinds = schema()["$defs"]
    for name, kind in kinds.items():
        assert kind["description"], name
    told = json.dumps(kinds["ReportedTransaction"])
    assert "reverse_path" in told
    assert "abandoned (by RSET or another MAIL)" in told


def test_lists_are_there_even_where_they_are_empty() -> None:
    """Who looks for misses, or for what was not used, finds a list in every report."""
    plain = json.loads(msgspec.json.encode(Gathering().report()))
    assert {plain[key] == [] for key in ("sessions", "misses", "used", "unused")} == {True}


def test_the_published_schema_holds_for_what_is_written() -> None:
    """A report with something of all kinds is valid, and one with a mistake is not."""
    gathering = Gathering()
    gathering.session(OPENING + REFUSED + LETTER + QUIT, rules={"RCPT": "greylist"})
    gathering.session(OPENING + LETTER.partition("C: DATA")[0], "client-drop")
    gathering.gatherer.missed(MISS)
    plain = json.loads(msgspec.json.encode(gathering.report()))
    published = json.loads((DOCS / "report-schema.json").read_text())
    jsonschema.validate(plain, published)
    for change in ({"sessions": 1}, {"version": 2}, {"misses": [{"number": "1"}]}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(plain | change, published)
