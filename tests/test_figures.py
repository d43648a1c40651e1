"""The JSON of the statistics is what the documentation says."""

from __future__ import annotations

import re

import msgspec
import pytest

from smtpproxy.figures import VERSION, Figures, Report
from smtpproxy.statistics import Statistics
from tests.test_documentation import ROOT, blocks

PAGE = ROOT / "docs" / "operating.md"
NAMES = [field.name for field in msgspec.structs.fields(Report)]


def example() -> str:
    """Return the example in the documentation."""
    (text,) = blocks(PAGE, "json")
    return text


def test_the_documented_example_is_a_report() -> None:
    """Each key of the example is one that is written, in the order in which it is written."""
    report = msgspec.json.decode(example(), type=Report)
    assert (report.sessions, report.recipients.refused) == (2, 1)
    assert report.matrix["RCPT"] == {250: 2, 550: 1}
    assert list(msgspec.json.decode(example())) == ["version", *NAMES]


def test_every_key_is_documented() -> None:
    """The table below the example names what is written, and nothing else."""
    section = PAGE.read_text("utf-8").partition("## Statistics\n")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| (`.*?) \|", section, re.MULTILINE)
    assert re.findall(r"`(\w+)`", " ".join(rows)) == ["version", *NAMES]


def test_an_upstream_has_what_all_have() -> None:
    """What is told of one upstream is what is told of all, but for domains and rules."""
    figures = [field.name for field in msgspec.structs.fields(Figures)]
    assert figures == [name for name in NAMES if name not in ("domains", "upstreams", "rules")]


def test_the_version_comes_first() -> None:
    """Who reads it can tell at once whether it is a form that they know."""
    written = msgspec.json.encode(Statistics().report())
    assert written.startswith(b'{"version":%d,' % VERSION)


def test_a_newer_version_is_not_read_as_this_one() -> None:
    """Another version is another form."""
    newer = example().replace(f'"version": {VERSION}', f'"version": {VERSION + 1}')
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(newer, type=Report)
