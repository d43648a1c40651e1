"""Cassettes as files: whole or not at all, and message files only where they belong."""

import contextlib
import errno
import gc
import hashlib
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from smtpproxy.cassette.model import Kept
from smtpproxy.cassette.store import (
    CassetteFile,
    load_cassette,
    load_recorded,
    mail_data_on_the_wire,
)
from smtpproxy.documents import DocumentError

SESSION = '---\nsession: {}\ndialogue:\n- S: "220 ready"\nended: quit\n'
WHOLE = f"{SESSION}timing-ms: [0]\n"
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


def labels(path: Path) -> list[str]:
    """Return the labels of a cassette's sessions."""
    return [session.label for session in load_cassette(path).sessions]


def test_an_unfinished_recording_is_kept(path: Path) -> None:
    """What a killed run left behind is set aside under another name, never written over."""
    for number in ("1", "2"):
        killed = begin(path)
        killed.add([WHOLE.format(number).encode()])
        killed.leave()
    later = begin(path)
    assert later.earlier == path.with_name("signup.yaml.partial.2")
    later.discard()
    assert [labels(path.with_name(f"signup.yaml.partial.{at}")) for at in (1, 2)] == [["1"], ["2"]]


def test_of_two_recordings_the_second_can_not_begin(path: Path) -> None:
    """It is told who is in the way, and changes nothing; the first is whole."""
    first = begin(path)
    first.add([WHOLE.format("first").encode()])
    with pytest.raises(OSError, match="another process is recording to it") as caught:
        begin(path)
    assert caught.value.filename == str(path)
    first.finish()
    assert labels(path) == ["first"]
    assert beside(path) == ["signup.yaml"]


@pytest.mark.parametrize("end", [CassetteFile.finish, CassetteFile.leave, CassetteFile.discard])
def test_who_has_ended_lets_others_record(path: Path, end: Callable[[CassetteFile], None]) -> None:
    """However a recording ends, the next one can begin."""
    end(begin(path))
    begin(path).discard()
    assert not path.with_name("signup.yaml.partial").exists()


def test_a_recording_that_is_forgotten_holds_nothing(path: Path) -> None:
    """Not even where nobody ended it: the next one can begin, and keeps what is there."""
    begin(path)
    gc.collect()
    later = begin(path)
    assert later.earlier is not None
    later.discard()


def test_a_recording_that_was_taken_away_is_not_finished(path: Path) -> None:
    """What bears the name now may be anything: it does not become the cassette."""
    path.write_bytes(OLD)
    file = begin(path)
    file.partial.unlink()
    file.partial.write_bytes(b"anything")
    with pytest.raises(OSError, match="was taken away"):
        file.finish()
    assert path.read_bytes() == OLD


def test_a_session_that_could_not_be_written_leaves_no_trace(path: Path) -> None:
    """Half of a session, which a disk that is full leaves behind, is taken away again."""

    def half() -> Iterator[bytes]:
        yield WHOLE.format("lost").encode() * 4096
        raise OSError(errno.EIO, "Input/output error")

    file = begin(path)
    for number in ("1", "2"):
        file.add([WHOLE.format(number).encode()])
        with pytest.raises(OSError, match="Input/output error"):
            file.add(half())
    file.finish()
    assert labels(path) == ["1", "2"]


def test_what_a_killed_run_was_writing_is_cleared(path: Path) -> None:
    """Mail data that it had no name for yet; nobody else's files, and none of another cassette."""
    folder = path.with_name("signup.d")
    folder.mkdir()
    stale = f"partial.yaml-{'0' * 16}.tmp"
    theirs = [NAME, f"partial.yml-{'0' * 16}.tmp", "partial.yaml-mine.tmp", f"x{stale}", "notes"]
    for name in (*theirs, stale):
        (folder / name).touch()
    begin(path).discard()
    assert {file.name for file in folder.iterdir()} == set(theirs)


def test_no_folder_is_left_behind_for_nothing(path: Path) -> None:
    """The folder of messages stays only where there are any, or where it was before."""
    for end in (CassetteFile.finish, CassetteFile.discard):
        file = begin(path)
        spool = file.spool(True, 0)
        spool.add(b"a" * 100)
        assert len(list(file.folder.iterdir())) == 1
        spool.discard()
        end(file)
        assert not file.folder.exists()


def test_a_cassette_that_is_there_is_read_and_not_the_recording(path: Path) -> None:
    """Beside a cassette, the recording that did not end is nobody's business."""
    path.write_bytes(OLD)
    path.with_name("signup.yaml.partial").write_bytes(b"rubbish")
    assert load_recorded(path, pytest.fail) == load_cassette(path)


def test_the_unfinished_recording_is_read_where_there_is_no_cassette(path: Path) -> None:
    """What is whole of it is read, and what is left out is counted in a warning."""
    file = begin(path)
    file.add([WHOLE.format("1").encode()])
    file.add([b"---\nsession: 2\n"])
    file.leave()
    warnings: list[str] = []
    for name in (path, file.partial):
        assert [one.label for one in load_recorded(name, warnings.append).sessions] == ["1"]
    expected = f"{file.partial} is an unfinished recording: 1 session; 15 octets of a torn tail"
    assert [warning.startswith(expected) for warning in warnings] == [True, True]


def test_messages_of_an_unfinished_recording_are_found(path: Path) -> None:
    """They lie where those of the cassette will be."""
    message_file(path)
    for name in ("signup.yaml.partial", "signup.yaml.partial.7"):
        assert mail_data_on_the_wire(ON_FILE, path.with_name(name)) == b"a\r\n..\r\n"
