"""Only regular files are opened, and nobody waits for anything."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from smtpproxy import regularfile
from smtpproxy.regularfile import NotRegularError, open_regular, size_of


def next_descriptor() -> int:
    """Return the number that the next opened file will have: the lowest that is free."""
    number = os.open(os.devnull, os.O_RDONLY)
    os.close(number)
    return number


def test_a_regular_file_is_opened(tmp_path: Path) -> None:
    """Its octets and its size are those of the file."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    with open_regular(path) as file:
        assert (size_of(file), file.read()) == (3, b"abc")


def test_links_are_followed_unless_they_may_not(tmp_path: Path) -> None:
    """A link to a regular file is one for those who follow it, and for nobody else."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    link = tmp_path / "link"
    link.symlink_to(path)
    with open_regular(link) as file:
        assert file.read() == b"abc"
    with pytest.raises(NotRegularError):
        open_regular(link, follow=False)


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/tty", "/"])
def test_devices_and_folders_are_refused(path: str) -> None:
    """A device would never end, or would wait for somebody to type."""
    with pytest.raises(NotRegularError):
        open_regular(Path(path))


def test_what_was_opened_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A pipe that takes the file's place in the last moment is opened without waiting, and shut."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    regular = path.stat()
    path.unlink()
    os.mkfifo(path)
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    before = next_descriptor()
    with pytest.raises(NotRegularError):
        open_regular(path)
    assert next_descriptor() == before
    assert stat.S_ISREG(regular.st_mode)


def test_a_link_that_comes_in_the_last_moment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where links may not be followed, the one who opens does not, whatever was seen before."""
    path = tmp_path / "a"
    path.write_bytes(b"abc")
    regular = path.stat()
    path.rename(tmp_path / "b")
    path.symlink_to(tmp_path / "b")
    monkeypatch.setattr(Path, "stat", lambda *_, **__: regular)
    with pytest.raises(OSError, match="symbolic links"):
        regularfile.open_regular(path, follow=False)
