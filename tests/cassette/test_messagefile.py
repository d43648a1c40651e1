"""Message files beside a cassette: the octets that were recorded, or one error, and no waiting."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from smtpproxy.cassette import messagefile
from smtpproxy.cassette.messagefile import read_message_file
from smtpproxy.cassette.model import Kept
from smtpproxy.documents import DocumentError

OCTETS = b"Subject: large\r\n\r\nHi.\r\n"
NAME = f"{hashlib.sha256(OCTETS).hexdigest()}.eml"
KEPT = Kept(b"", file=NAME, size=len(OCTETS))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of a cassette, with one message file."""
    folder = tmp_path / "signup.d"
    folder.mkdir()
    (folder / NAME).write_bytes(OCTETS)
    return folder


@pytest.mark.parametrize("kept", [KEPT, KEPT._replace(size=0)])
def test_what_was_recorded_is_read(folder: Path, kept: Kept) -> None:
    """The file's octets, whether or not the cassette says how many there are."""
    assert read_message_file(kept, folder) == OCTETS


def test_a_wrong_size_is_refused(folder: Path) -> None:
    """A file that is cut off, or has grown, is told from the recorded one by its size."""
    with pytest.raises(DocumentError, match=r"holds 23 octets; the cassette says 24"):
        read_message_file(KEPT._replace(size=24), folder)


def test_a_wrong_digest_is_refused(folder: Path) -> None:
    """As many octets, and one of them another one: not what was recorded."""
    (folder / NAME).write_bytes(OCTETS.replace(b"Hi.", b"Ho."))
    with pytest.raises(DocumentError, match="its SHA-256 is not its name"):
        read_message_file(KEPT, folder)


def test_a_hard_link_gives_nothing_away(folder: Path, tmp_path: Path) -> None:
    """Another file under the name is other octets, and is refused."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"of somebody else")
    (folder / NAME).unlink()
    (folder / NAME).hardlink_to(secret)
    with pytest.raises(DocumentError, match="its SHA-256 is not its name"):
        read_message_file(KEPT._replace(size=0), folder)


def test_a_link_is_refused(folder: Path, tmp_path: Path) -> None:
    """Also one that leads to the very octets: where it leads may change."""
    same = tmp_path / "same"
    (folder / NAME).rename(same)
    (folder / NAME).symlink_to(same)
    with pytest.raises(DocumentError, match="is a link"):
        read_message_file(KEPT, folder)


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_regular_file_is_refused(folder: Path, make: object) -> None:
    """A folder or a pipe under the name is refused at once: nobody waits for a writer."""
    (folder / NAME).unlink()
    assert callable(make)
    make(folder / NAME)
    with pytest.raises(DocumentError, match="is not a regular file"):
        read_message_file(KEPT, folder)


def test_a_sparse_file_is_refused_unread(folder: Path) -> None:
    """A file that claims many gigabytes is refused by its size alone."""
    with (folder / NAME).open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(DocumentError, match="is larger than 268,435,456 octets"):
        read_message_file(KEPT._replace(size=1 << 40), folder)


def test_the_limit_is_the_largest_size(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file as large as the limit is read."""
    monkeypatch.setattr(messagefile, "MOST_OCTETS", len(OCTETS))
    assert read_message_file(KEPT, folder) == OCTETS


@pytest.mark.parametrize("name", [f"../{NAME}", f"/{NAME}", "a\0.eml", ".."])
def test_no_name_leads_elsewhere(folder: Path, tmp_path: Path, name: str) -> None:
    """However a name came into the model, it is looked for in the folder alone."""
    (tmp_path / NAME).write_bytes(OCTETS)
    (folder / NAME).unlink()
    with pytest.raises(DocumentError):
        read_message_file(KEPT._replace(file=name), folder)
