"""Cassettes as files: whole or not at all, and message files only where they belong."""

import contextlib
import hashlib
import os
from pathlib import Path

import pytest

from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.store import CassetteFile, load_cassette, mail_data_on_the_wire
from smtpproxy.documents import DocumentError

SESSION = '---\nsession: {}\ndialogue:\n- S: "220 ready"\nended: quit\n'
OLD = b"smtpproxy-cassette: 1\n---\nsession: old\ndialogue: []\n"
ON_FILE_OCTETS = b"a\r\n.\r\n"
NAME = f"{hashlib.sha256(ON_FILE_OCTETS).hexdigest()}.eml"
ON_FILE = Kept(b"", file=NAME, size=len(ON_FILE_OCTETS))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the cassette goes."""
    return tmp_path / "signup.yaml"


def begin(path: Path) -> CassetteFile:
    """Begin to record."""
    return CassetteFile(path, "tcp:mail.example.org:25", "2026-11-23T12:00:00Z")


def beside(path: Path) -> list[str]:
    """Return the names of all that lies where the cassette goes."""
    return [file.name for file in path.parent.iterdir()]


def message_file(path: Path, octets: bytes = b"a\r\n.\r\n") -> Path:
    """Put a message file beside a cassette."""
    folder = path.with_name("signup.d")
    folder.mkdir()
    (folder / NAME).write_bytes(octets)
    return folder / NAME


def test_a_finished_recording_is_a_cassette(path: Path) -> None:
    """Header and sessions stand in the file, in order, and nothing lies beside it."""
    file = begin(path)
    for label in ("1", "2"):
        file.add([SESSION.format(label).encode()])
    file.finish()
    cassette = load_cassette(path)
    assert (cassette.source, cassette.upstream) == (str(path), "tcp:mail.example.org:25")
    assert [session.label for session in cassette.sessions] == ["1", "2"]
    assert beside(path) == ["signup.yaml"]


def test_the_old_cassette_stays_until_the_new_one_is_whole(path: Path) -> None:
    """While a recording grows, whoever reads the cassette finds the old one."""
    path.write_bytes(OLD)
    file = begin(path)
    file.add([SESSION.format("new").encode()])
    assert path.read_bytes() == OLD
    file.finish()
    assert [session.label for session in load_cassette(path).sessions] == ["new"]


def test_a_session_is_durable_once_it_was_added(path: Path) -> None:
    """What was added is in the file at once: it survives the end of the process by any signal."""
    file = begin(path)
    file.add([SESSION.format("1").encode()])
    assert [session.label for session in load_cassette(file.partial).sessions] == ["1"]
    file.discard()


def test_what_is_discarded_leaves_the_old_cassette(path: Path) -> None:
    """A recording that is given up leaves the old cassette as it is, and nothing beside it."""
    path.write_bytes(OLD)
    file = begin(path)
    file.add([SESSION.format("new").encode()])
    file.discard()
    assert path.read_bytes() == OLD
    assert beside(path) == ["signup.yaml"]


def test_what_is_discarded_leaves_no_empty_cassette(path: Path) -> None:
    """Where there was no cassette, there is none after a recording that was given up."""
    begin(path).discard()
    assert beside(path) == []


def test_a_file_that_cannot_be_made_is_an_error_at_once(path: Path) -> None:
    """What can't be written to is known before anything is recorded."""
    path.write_bytes(OLD)
    with pytest.raises(OSError, match="Not a directory"):
        begin(path / "signup.yaml")


def test_a_folder_is_made_and_not_left_behind(tmp_path: Path) -> None:
    """A cassette may go to a folder that is not there yet; nothing recorded leaves none."""
    path = tmp_path / "cassettes" / "signup.yaml"
    begin(path).discard()
    assert not path.parent.exists()
    begin(path).finish()
    assert beside(path) == ["signup.yaml"]


def test_a_missing_cassette_is_an_error(path: Path) -> None:
    """A cassette that is not there is never taken for an empty one."""
    with pytest.raises(DocumentError, match=r"signup\.yaml: can't be read: No such file"):
        load_cassette(path)


def test_an_empty_file_is_no_cassette(path: Path) -> None:
    """A file of no octets, as a failed copy leaves it, is never taken for an empty cassette."""
    path.touch()
    with pytest.raises(DocumentError, match=r"signup\.yaml:1: is not a cassette"):
        load_cassette(path)


def test_a_pipe_is_no_cassette(path: Path) -> None:
    """Only a regular file is opened: nothing here waits for somebody who never writes."""
    os.mkfifo(path)
    with pytest.raises(DocumentError, match="is not a regular file"):
        load_cassette(path)


@pytest.mark.parametrize(
    ("kept", "sent"),
    [
        (Kept(b"a\r\n.\r\n.b\r\n"), b"a\r\n..\r\n..b\r\n"),
        (Kept(b".\r\n"), b"..\r\n"),
        (Kept(b"a\r\n.b\r\n", wire=True), b"a\r\n.b\r\n"),
    ],
)
def test_mail_data_is_sent_as_it_was(path: Path, kept: Kept, sent: bytes) -> None:
    """A message is dot-stuffed (RFC 5321 §4.5.2); what was kept as sent goes as it is."""
    assert mail_data_on_the_wire(kept, path) == sent


def test_mail_data_in_a_file_is_sent_as_it_was(path: Path) -> None:
    """The same holds for what lies in a file beside the cassette."""
    message_file(path)
    assert mail_data_on_the_wire(ON_FILE, path) == b"a\r\n..\r\n"
    assert mail_data_on_the_wire(ON_FILE._replace(wire=True), path) == b"a\r\n.\r\n"


def test_a_missing_message_file_is_an_error(path: Path) -> None:
    """A message that is not there is never taken for an empty one."""
    with pytest.raises(DocumentError, match="can't be read"):
        mail_data_on_the_wire(ON_FILE, path)


def test_a_message_file_is_no_link(path: Path, tmp_path: Path) -> None:
    """A stranger's cassette can't make us send another file of ours."""
    secret = tmp_path / "secret"
    secret.write_bytes(b"secret")
    file = message_file(path)
    file.unlink()
    file.symlink_to(secret)
    with pytest.raises(DocumentError, match="link"):
        mail_data_on_the_wire(ON_FILE, path)


def test_the_folder_of_messages_is_no_link(path: Path, tmp_path: Path) -> None:
    """Nor is the folder one: message files lie under the cassette's own folder."""
    elsewhere = tmp_path / "elsewhere"
    message_file(path).parent.rename(elsewhere)
    path.with_name("signup.d").symlink_to(elsewhere)
    with pytest.raises(DocumentError, match="link"):
        mail_data_on_the_wire(ON_FILE, path)


@pytest.mark.parametrize("name", ["../secret", "/secret", "a/../../secret", ".."])
def test_a_message_file_lies_in_its_folder(path: Path, name: str) -> None:
    """No name leads out of the cassette's folder, however it came into the model."""
    message_file(path)
    path.with_name("secret").write_bytes(b"secret")
    with pytest.raises(DocumentError):
        mail_data_on_the_wire(ON_FILE._replace(file=name), path)


def test_a_recording_does_not_follow_a_link(path: Path, tmp_path: Path) -> None:
    """A stranger's folder can't make a recording write over another file of ours."""
    precious = tmp_path / "precious"
    precious.write_bytes(b"precious")
    path.with_name("signup.yaml.partial").symlink_to(precious)
    with contextlib.suppress(OSError):  # refusing is as good
        begin(path).discard()
    assert precious.read_bytes() == b"precious"


def test_an_unfinished_recording_is_kept(path: Path) -> None:
    """What a killed run left behind is set aside under another name, never written over."""
    killed = begin(path)
    killed.add([SESSION.format("killed").encode()])
    later = begin(path)
    assert later.earlier is not None
    later.discard()
    assert [session.label for session in load_cassette(later.earlier).sessions] == ["killed"]


def test_of_two_recordings_none_is_lost(path: Path) -> None:
    """The first can't put the second's half in the cassette's place: it is told, and is kept."""
    first = begin(path)
    first.add([SESSION.format("first").encode()])
    second = begin(path)
    second.add([SESSION.format("second").encode()])
    with pytest.raises(OSError, match="another recording"):
        first.finish()
    second.finish()
    assert [session.label for session in load_cassette(path).sessions] == ["second"]
    assert second.earlier is not None
    assert [session.label for session in load_cassette(second.earlier).sessions] == ["first"]
