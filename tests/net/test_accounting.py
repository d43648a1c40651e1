"""What is told of the statistics where a run is quiet, and of a file that can't be written."""

from __future__ import annotations

from pathlib import Path

import pytest

from smtpproxy.figures import FiredRule
from smtpproxy.net.accounting import Accounting
from smtpproxy.statistics import Statistics


def rules(*fired: int) -> Statistics:
    """Statistics of rules that fired so often."""
    told = [FiredRule(f"r{at}", "RCPT", count, None) for at, count in enumerate(fired)]
    return Statistics(fired=lambda: told)


@pytest.mark.parametrize(
    ("fired", "told"),
    [
        ((), ""),
        ((1, 2), ""),
        ((1, 0, 0), "smtpproxy: never fired: r1, r2\n"),
        ((0,) * 8, "smtpproxy: never fired: r0, r1, r2, r3, r4, and 3 more\n"),
    ],
)
def test_rules_that_never_fired(
    fired: tuple[int, ...], told: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """They are named in one line, some of them; nothing is said where all have fired."""
    Accounting(rules(*fired), None, lambda problem: None).tell_idle_rules()
    assert capfd.readouterr().err == told


def test_a_file_that_can_not_be_written(tmp_path: Path) -> None:
    """The problem is found, in one line."""
    found: list[str] = []
    Accounting(rules(), tmp_path / "none" / "stats.json", found.append).write()
    assert len(found) == 1
    assert "stats.json" in found[0]
