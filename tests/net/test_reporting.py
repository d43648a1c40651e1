"""When the report is written and shown, and what is said of expectations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from smtpproxy.cassette.misses import MISSING, Miss
from smtpproxy.net.reporting import Reporting
from smtpproxy.reports.reported import ReportedPlace
from smtpproxy.tools.expecting import read_expectation
from tests.observed import NOON, a_session

PLACE = ReportedPlace("a.yaml", "1", 9, "MAIL", "MAIL FROM:<a@example.org>")
OTHER = ReportedPlace("a.yaml", "2", 12, "MAIL", "MAIL FROM:<b@example.org>")


class Half:
    """A cassette of which half was replayed."""

    def used(self) -> list[ReportedPlace]:
        """One."""
        return [PLACE]

    def unused(self) -> list[ReportedPlace]:
        """Another."""
        return [OTHER]


def reporting(path: Path | None, *expected: str) -> tuple[Reporting, list[str]]:
    """Return a report at noon, and what it finds."""
    found: list[str] = []
    held = [read_expectation(text) for text in expected]
    one = Reporting(path, held, "replay", lambda: NOON, found.append)
    one.upstream = "cassette:a.yaml"
    return one, found


def test_it_is_written_whenever_that_is_asked_for(tmp_path: Path) -> None:
    """At any moment the file is a whole report of that moment."""
    path = tmp_path / "report.json"
    one, found = reporting(path)
    one.write()
    first = json.loads(path.read_text())
    one.gatherer.began(a_session())
    one.write()
    second = json.loads(path.read_text())
    assert (len(first["sessions"]), len(second["sessions"])) == (0, 1)
    assert (first["mode"], first["upstream"]) == ("replay", "cassette:a.yaml")
    assert first["started"] == first["written"] == "2026-11-23T12:00:00.000Z"
    assert found == []


def test_it_is_shown_at_the_end(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """A person reads the table on standard error; standard output is not ours."""
    one, _ = reporting(tmp_path / "report.json")
    one.finish()
    out, err = capfd.readouterr()
    assert (out, err) == ("", "0 sessions, 0 mail transactions, 0 messages taken\n")
    assert (tmp_path / "report.json").exists()


def test_what_the_cassette_had_is_in_it(tmp_path: Path) -> None:
    """What was used and what was not, and each miss."""
    one, _ = reporting(tmp_path / "report.json")
    one.source = Half()
    one.missed(Miss(1, MISSING, "VRFY", "VRFY b", "", source="a.yaml"))
    one.write()
    plain = json.loads((tmp_path / "report.json").read_text())
    assert [place["line"] for place in plain["used"]] == [9]
    assert [place["line"] for place in plain["unused"]] == [12]
    assert [miss["sent"] for miss in plain["misses"]] == ["VRFY b"]


def test_a_file_that_can_not_be_written_is_found(tmp_path: Path) -> None:
    """One line with the file and the reason; the run ends with status 1."""
    one, found = reporting(tmp_path / "missing" / "report.json")
    one.write()
    assert found == [f"can't write {tmp_path}/missing/report.json: No such file or directory"]


def test_expectations_need_no_file(capfd: pytest.CaptureFixture[str]) -> None:
    """Without a path nothing is written or shown but what is not as expected."""
    one, found = reporting(None, "sessions=1", "misses=0")
    one.finish()
    assert found == ["expected sessions=1, got 0"]
    assert capfd.readouterr() == ("", "")
