"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session", autouse=True)
def data_of_nobody(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """No authority is made in anybody's home, whichever program of the project runs."""
    patch = pytest.MonkeyPatch()
    patch.setenv("XDG_DATA_HOME", os.fspath(tmp_path_factory.mktemp("data")))
    yield
    patch.undo()
