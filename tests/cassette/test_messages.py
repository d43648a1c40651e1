"""Recorded messages, as their receiver understood them."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from smtpproxy.cassette.messages import message_pieces
from smtpproxy.cassette.model import Kept
from smtpproxy.documents import DocumentError

STORED = b"..a\r\n.b\r\n"
NAME = hashlib.sha256(STORED).hexdigest() + ".eml"


def test_a_message_is_read_as_its_receiver_would(tmp_path: Path) -> None:
    """Dot-stuffing of what was kept as sent is undone, in a file too."""
    cassette = tmp_path / "kept.yaml"
    (tmp_path / "kept.d").mkdir()
    (tmp_path / "kept.d" / NAME).write_bytes(STORED)
    for kept in (Kept(STORED, wire=True), Kept(b"", True, NAME, 9)):
        assert b"".join(message_pieces(kept, cassette)) == b".a\r\nb\r\n"
    assert b"".join(message_pieces(Kept(b"..a\r\n"), cassette)) == b"..a\r\n"


@pytest.mark.parametrize("kind", ["missing", "link", "folder", "linked folder", "other octets"])
def test_only_plain_files_are_read(tmp_path: Path, kind: str) -> None:
    """A message file that is not there, is no plain file, or holds other octets, is an error."""
    (tmp_path / "secret").write_bytes(STORED)
    folder = tmp_path / "kept.d"
    if kind == "linked folder":
        (tmp_path / "other").mkdir()
        (tmp_path / "other" / NAME).write_bytes(STORED)
        folder.symlink_to("other")
    else:
        folder.mkdir()
    if kind == "link":
        (folder / NAME).symlink_to(tmp_path / "secret")
    elif kind == "other octets":
        (folder / NAME).write_bytes(b"other")
    elif kind == "folder":
        (folder / NAME).mkdir()
    with pytest.raises(DocumentError, match=NAME):
        list(message_pieces(Kept(b"", file=NAME), tmp_path / "kept.yaml"))
