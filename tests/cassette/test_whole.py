"""A file is there whole, or not at all."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from smtpproxy.cassette.whole import must_be_new, write_pieces


def test_pieces_become_a_file(tmp_path: Path) -> None:
    """What was given is there, and nothing beside it."""
    write_pieces(tmp_path / "a", [b"1", b"2"])
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("a", b"12")]


def test_nothing_is_written_over(tmp_path: Path) -> None:
    """A file that is there stays, unless it is to be replaced; a link is not followed."""
    (tmp_path / "a").write_bytes(b"old")
    (tmp_path / "b").symlink_to("a")
    for name in ("a", "b"):
        with pytest.raises(FileExistsError):
            write_pieces(tmp_path / name, [b"new"])
    write_pieces(tmp_path / "b", [b"new"], replace=True)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == {
        "a": b"old",
        "b": b"new",
    }


def test_a_failure_leaves_nothing(tmp_path: Path) -> None:
    """Where the pieces end in an error, neither the file nor a part of it is left."""

    def pieces() -> Iterator[bytes]:
        yield b"1"
        raise OSError("no more")

    with pytest.raises(OSError, match="no more"):
        write_pieces(tmp_path / "a", pieces())
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_nothing_is_something(tmp_path: Path) -> None:
    """A name is new only where nothing bears it."""
    (tmp_path / "a").symlink_to("nowhere")
    with pytest.raises(FileExistsError):
        must_be_new(tmp_path / "a")
    must_be_new(tmp_path / "b")
