"""The demo does what it says, and prints what the README shows."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from tests.programs import environment
from tests.test_documentation import ROOT, blocks


def timeless(text: str) -> list[str]:
    """Return a text's lines without times of day and trailing blanks."""
    return [re.sub(r"\d\d:\d\d:\d\d\.\d{3}", "…", line).rstrip() for line in text.splitlines()]


def test_the_demo_prints_what_the_readme_shows(tmp_path: Path) -> None:
    """Each line that the README shows is printed, in that order, and the demo ends well."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.demo"],
        cwd=tmp_path,
        env=environment({"PYTHONPATH": str(ROOT)}),
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 0, ran.stdout
    (shown,) = blocks(ROOT / "README.md", "text")
    printed = iter(timeless(ran.stdout))
    assert [line for line in timeless(shown) if line not in printed] == []
