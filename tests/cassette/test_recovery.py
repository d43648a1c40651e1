"""An unfinished recording becomes a cassette whole, or nothing is touched."""

from pathlib import Path

import pytest

from smtpproxy.cassette.partial import Extent
from smtpproxy.cassette.recovery import RecoveryError, recover
from smtpproxy.cassette.store import CassetteFile, load_cassette
from smtpproxy.documents import DocumentError
from tests.cassette.test_partial import HEADER, session

OLD = b"smtpproxy-cassette: 1\n---\nsession: old\ndialogue: []\n"
TORN = session("3")[:-4]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A cassette that is missing, with an unfinished recording beside it."""
    path = tmp_path / "signup.yaml"
    path.with_name("signup.yaml.partial").write_bytes(HEADER + session("1") + session("2") + TORN)
    return path


def labels(path: Path) -> list[str]:
    """Return the labels of a cassette's sessions."""
    return [one.label for one in load_cassette(path).sessions]


def test_whole_sessions_become_the_cassette(path: Path) -> None:
    """The torn tail is left out and counted, and nothing lies beside the cassette."""
    whole = len(HEADER + session("1") + session("2"))
    assert recover(path) == Extent(2, whole, len(TORN))
    assert labels(path) == ["1", "2"]
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_cassette_that_is_there_is_not_replaced_unasked(path: Path) -> None:
    """Both stay as they are, and the remedy is named."""
    path.write_bytes(OLD)
    before = path.with_name("signup.yaml.partial").read_bytes()
    with pytest.raises(RecoveryError, match=r"signup\.yaml is there; --replace"):
        recover(path)
    assert path.read_bytes() == OLD
    assert path.with_name("signup.yaml.partial").read_bytes() == before
    recover(path, replace=True)
    assert labels(path) == ["1", "2"]


def test_a_recording_that_was_kept_is_recovered_by_its_name(path: Path) -> None:
    """NAME.partial.N becomes NAME, and the other recording stays."""
    kept = path.with_name("signup.yaml.partial.3")
    kept.write_bytes(HEADER + session("7"))
    recover(kept)
    assert labels(path) == ["7"]
    assert path.with_name("signup.yaml.partial").exists()
    assert not kept.exists()


def test_what_is_still_being_recorded_is_left_alone(tmp_path: Path) -> None:
    """Nothing is taken away from who writes it."""
    path = tmp_path / "signup.yaml"
    file = CassetteFile(path, "sink:", "2026-11-23T12:00:00Z")
    file.add([session("1")])
    with pytest.raises(RecoveryError, match="still being recorded"):
        recover(path)
    file.finish()
    assert labels(path) == ["1"]


def test_where_there_is_no_recording_nothing_is_made(tmp_path: Path) -> None:
    """Not even an empty file."""
    with pytest.raises(RecoveryError, match="no unfinished recording"):
        recover(tmp_path / "signup.yaml")
    assert list(tmp_path.iterdir()) == []


def test_where_no_session_is_whole_nothing_is_done(path: Path) -> None:
    """It is no cassette, and not thrown away either."""
    partial = path.with_name("signup.yaml.partial")
    partial.write_bytes(HEADER + TORN)
    assert recover(path) == Extent(0, 0, len(HEADER + TORN))
    assert not path.exists()
    assert partial.read_bytes() == HEADER + TORN


def test_what_can_not_be_read_is_not_made_a_cassette(path: Path) -> None:
    """A power loss may leave a hole: that is said, with its line, and nothing is touched."""
    partial = path.with_name("signup.yaml.partial")
    holed = HEADER + session("1").replace(b"220 ready", b"\0" * 9) + session("2")
    partial.write_bytes(holed)
    with pytest.raises(DocumentError, match=r"signup\.yaml\.partial:7: is not YAML"):
        recover(path)
    assert not path.exists()
    assert partial.read_bytes() == holed


def test_what_the_killed_run_was_writing_is_cleared(path: Path) -> None:
    """Mail data that it had no name for yet goes; message files stay."""
    folder = path.with_name("signup.d")
    folder.mkdir()
    kept, stale = f"{'0' * 64}.eml", f"partial.yaml-{'0' * 16}.tmp"
    for name in (kept, stale):
        (folder / name).touch()
    recover(path)
    assert [file.name for file in folder.iterdir()] == [kept]
