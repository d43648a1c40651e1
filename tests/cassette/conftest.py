"""What the tests of cassettes share."""

from pathlib import Path

import pytest

from tests.cassette.recording import Recording


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    """A recording that has just begun."""
    return Recording(tmp_path)
