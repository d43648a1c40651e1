"""Cassettes of strangers: refused in few words, or loaded in a second and 100 MiB.

What is not to be had in time or in memory is tried in a child whose limits the system keeps.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.store import load_cassette
from smtpproxy.documents import DocumentError
from tests.cassette import loading
from tests.cassette.hostile import HEAD, LOADED, files, said
from tests.programs import environment

#: Processor time: twice what is promised, for machines that are slow or busy.
SECONDS = 2
MEBIBYTES = 100
SESSIONS = 10_000
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="what a process has is in /proc")


def load(
    *paths: Path, seconds: int = SECONDS, mebibytes: int = MEBIBYTES
) -> list[tuple[str, float]]:
    """Load cassettes within the limits; return what came of each, and its processor time."""
    program = [sys.executable, loading.__file__, str(seconds), str(mebibytes), *map(str, paths)]
    ran = subprocess.run(program, env=environment(), capture_output=True, text=True, check=True)
    return [tuple(json.loads(line)) for line in ran.stdout.splitlines()]


@LINUX
def test_no_file_takes_long_or_much(tmp_path: Path) -> None:
    """Each is refused with its line in one short line, or loaded, within both limits."""
    hostile = files()
    paths = [tmp_path / f"{at}.yaml" for at in range(len(hostile))]
    for path, file in zip(paths, hostile.values(), strict=True):
        path.write_bytes(file.octets)
    for (name, file), path, (told, _) in zip(hostile.items(), paths, load(*paths), strict=True):
        if file.words == LOADED:
            assert told == LOADED, name
            continue
        place, line, problem = told.removeprefix(str(path)).split(":", 2)
        assert place == "", (name, told)
        assert int(line) == file.line or (not file.line and int(line)), (name, told)
        assert problem.startswith(f" {file.words}"), (name, told)
        assert problem.isprintable(), name
        assert len(problem) < 400, name


@LINUX
def test_what_is_large_is_read(tmp_path: Path) -> None:
    """An honest cassette of ten thousand sessions, in 16 MB, is read in 100 MiB, too."""
    path = tmp_path / "large.yaml"
    lines = b"".join(
        b"    Line %d of a message that somebody may have sent\n" % n for n in range(24)
    )
    session = b"".join(
        b'- C: "%s"\n  S: "250 2.0.0 Ok, and some more words"\n' % command
        for command in (b"EHLO app.example.org", b"MAIL FROM:<a@example.org>", b"DATA", b"QUIT")
    )
    with path.open("wb") as file:
        file.write(HEAD)
        for number in range(SESSIONS):
            file.write(b"---\nsession: %d\ndialogue:\n%s" % (number, session))
            file.write(b"- message: |\n%s  S: 250 2.0.0 Ok\ntiming-ms: [1, 2, 3]\n" % lines)
    assert path.stat().st_size > 15_000_000
    ((told, _),) = load(path, seconds=10 * SECONDS)
    assert told == f"{SESSIONS} sessions"


@LINUX
def test_the_limits_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The child would tell: what takes too long, or too much, is not taken for a good file."""
    path = tmp_path / "large.yaml"
    path.write_bytes(said(b'"' + b"a" * 3_000_000 + b'"'))
    assert load(path, mebibytes=1)[0][0] == "took more than 1 MiB"
    monkeypatch.setattr(loading, "outcome", lambda *_: next(n for n in count() if n < 0))
    assert loading.loaded(path, 1, MEBIBYTES)[0].startswith("ended by signal")


@pytest.mark.parametrize("make", [os.mkdir, os.mkfifo])
def test_what_is_no_file(tmp_path: Path, make: object) -> None:
    """A folder, or a pipe that nobody writes to, is refused at once."""
    path = tmp_path / "signup.yaml"
    assert callable(make)
    make(path)
    with pytest.raises(DocumentError, match=r"signup\.yaml: is not a regular file"):
        load_cassette(path)


def test_devices_are_no_files(tmp_path: Path) -> None:
    """A link to a device that never ends is a device."""
    path = tmp_path / "signup.yaml"
    path.symlink_to("/dev/zero")
    with pytest.raises(DocumentError, match=r"signup\.yaml: is not a regular file"):
        load_cassette(path)


def test_a_link_to_itself(tmp_path: Path) -> None:
    """A link that leads nowhere is a file that can't be read."""
    path = tmp_path / "signup.yaml"
    path.symlink_to(path)
    with pytest.raises(DocumentError, match=r"signup\.yaml: can't be read: Too many levels"):
        load_cassette(path)


def test_a_name_that_is_none(tmp_path: Path) -> None:
    """A name with a NUL is a file that can't be read."""
    with pytest.raises(DocumentError, match="can't be read"):
        load_cassette(tmp_path / "a\0b")


def test_a_sparse_file(tmp_path: Path) -> None:
    """A file that claims a terabyte is refused by its size, unread."""
    path = tmp_path / "signup.yaml"
    with path.open("wb") as file:
        file.write(HEAD)
        file.truncate(1 << 40)
    with pytest.raises(DocumentError, match=r"signup\.yaml: is larger than 268,435,456 octets"):
        load_cassette(path)


def test_words_of_a_file_are_shown_not_obeyed() -> None:
    """An error that repeats what stands in a file holds nothing that a terminal would obey."""
    escaped = b'smtpproxy-cassette: "1\\e[2J\\n"\n'
    with pytest.raises(DocumentError) as error:
        read_cassette(escaped, "sign\nup.yaml")
    assert str(error.value).startswith(
        "sign\\x0aup.yaml:1: is a cassette of version 1\\x1b[2J\\x0a;"
    )
