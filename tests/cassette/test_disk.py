"""Octets on their way to the disk: all of them, or an error."""

import errno
import os
from pathlib import Path

import pytest

from smtpproxy.cassette.disk import sync_file, sync_folder, write_whole


def test_a_short_write_is_gone_on_with(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system may take less than it is given."""
    real = os.write
    monkeypatch.setattr(os, "write", lambda where, octets: real(where, bytes(octets)[:3]))
    descriptor = os.open(tmp_path / "file", os.O_WRONLY | os.O_CREAT)
    write_whole(descriptor, b"all of these octets")
    os.close(descriptor)
    assert (tmp_path / "file").read_bytes() == b"all of these octets"


def test_a_full_disk_is_an_error() -> None:
    """What the system says is not swallowed."""
    descriptor = os.open("/dev/full", os.O_WRONLY)
    with pytest.raises(OSError, match="No space left on device"):
        write_whole(descriptor, b"octets")
    os.close(descriptor)


def test_a_file_is_synced_and_no_link(tmp_path: Path) -> None:
    """A link would lead to somebody else's file."""
    (tmp_path / "file").write_bytes(b"octets")
    sync_file(tmp_path / "file")
    (tmp_path / "link").symlink_to("file")
    with pytest.raises(OSError, match="symbolic links"):
        sync_file(tmp_path / "link")


@pytest.mark.parametrize(("number", "told"), [(errno.EINVAL, False), (errno.EIO, True)])
def test_a_folder_that_can_not_be_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, told: bool
) -> None:
    """Some file systems can't do it, which is nobody's fault; a broken disk is told."""

    def refuse(descriptor: int) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(os, "fsync", refuse)
    try:
        sync_folder(tmp_path)
    except OSError as error:
        assert (told, error.errno) == (True, number)
    else:
        assert not told
