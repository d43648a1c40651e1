"""The folder's listing is the catalogue of faults."""

from __future__ import annotations

from pathlib import Path

import pytest

import smtpproxy.faults
from smtpproxy.faults import FAULTS, FaultError


def test_every_file_is_a_fault_and_every_fault_a_file() -> None:
    """One fault a file: the folder and the table name the same ones."""
    folder = Path(smtpproxy.faults.__file__).parent
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    homes = [fault.__module__.removeprefix("smtpproxy.faults.") for fault in FAULTS.values()]
    assert sorted(homes) == sorted(files)


@pytest.mark.parametrize("key", FAULTS)
def test_every_fault_says_what_it_expected(key: str) -> None:
    """A value that can't be read is a FaultError, which a rule file turns into one with a line."""
    with pytest.raises(FaultError, match=r"^expected "):
        FAULTS[key].parse([], "RCPT")


@pytest.mark.parametrize("key", FAULTS)
def test_every_fault_shows_its_rule(key: str) -> None:
    """The first line of its docstring says how it is written in a rule."""
    assert f"{key}: " in (FAULTS[key].__doc__ or "").splitlines()[0]
