"""Files that come into being whole."""

from __future__ import annotations

import os
import stat
import sys
from pathlib import Path

import pytest

from smtpproxy.net.newfile import create_exclusively, write_whole
from tests.certificates import files_of

WINDOWS = sys.platform == "win32"


def test_a_file_is_created_once(tmp_path: Path) -> None:
    """Whoever comes second is told, and leaves the first one's file as it is."""
    path = tmp_path / "file"
    create_exclusively(path, b"first\n", 0o600)
    with pytest.raises(FileExistsError):
        create_exclusively(path, b"second\n", 0o600)
    assert path.read_bytes() == b"first\n"
    assert files_of(tmp_path) == ["file"]


@pytest.mark.skipif(WINDOWS, reason="Windows has no file modes")
def test_the_mode_holds_from_the_first_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody else may open the file before it has its name, whatever the umask."""
    modes: list[int] = []
    fsync = os.fsync

    def looked_at(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", looked_at)
    umask = os.umask(0)
    try:
        create_exclusively(tmp_path / "secret", b"secret", 0o600)
    finally:
        os.umask(umask)
    assert modes == [0o600]
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The new octets stand in place of the old ones, and nothing beside them."""
    path = tmp_path / "file"
    write_whole(path, b"old")
    write_whole(path, b"new")
    assert path.read_bytes() == b"new"
    assert files_of(tmp_path) == ["file"]


def test_what_can_not_be_replaced_leaves_nothing(tmp_path: Path) -> None:
    """Where a folder bears the name, it stays, alone."""
    (tmp_path / "folder" / "full").mkdir(parents=True)
    with pytest.raises(OSError):
        write_whole(tmp_path / "folder", b"new")
    assert files_of(tmp_path) == ["folder"]
