"""One recorder for a cassette, across processes, and no lock that outlives its holder."""

import errno
import fcntl
import os
import signal
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from smtpproxy.cassette.lock import LockedError, hold, names, rename_held

_HOLD = """
import sys, time
from pathlib import Path
from smtpproxy.cassette.lock import hold
hold(Path(sys.argv[1]), make=True)
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """What is locked."""
    return tmp_path / "signup.yaml.partial"


def test_a_second_process_is_told_and_a_killed_one_holds_nothing(path: Path) -> None:
    """The lock is there while its process is, and after kill -9 it is free at once."""
    words = [sys.executable, "-c", _HOLD, str(path)]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as other:
        try:
            assert other.stdout is not None
            assert other.stdout.readline() == b"held\n"
            with pytest.raises(LockedError) as caught:
                hold(path, make=True)
            assert caught.value.filename == str(path)
        finally:
            other.send_signal(signal.SIGKILL)
    os.close(hold(path, make=False))


def test_one_process_can_not_hold_it_twice(path: Path) -> None:
    """Two proxies in one process are two recorders all the same."""
    first = hold(path, make=True)
    with pytest.raises(LockedError):
        hold(path, make=True)
    os.close(first)
    os.close(hold(path, make=True))


def test_what_is_renamed_is_let_go_of(path: Path) -> None:
    """The file has its new name, and both names can be held."""
    target = path.with_name("signup.yaml")
    rename_held(hold(path, make=True), path, target)
    assert not path.exists()
    for name in (path, target):
        os.close(hold(name, make=True))


def test_what_can_not_be_renamed_is_let_go_of(path: Path) -> None:
    """A failure leaves nothing locked."""
    descriptor = hold(path, make=True)
    with pytest.raises(OSError, match="No such file"):
        rename_held(descriptor, path, path.parent / "missing" / "signup.yaml")
    os.close(hold(path, make=False))


def test_a_file_that_was_renamed_before_it_was_locked_is_not_taken(path: Path) -> None:
    """Whoever had it may finish between opening and locking: then another file is made."""
    elsewhere = path.with_name("signup.yaml")

    def flock(descriptor: int, how: int) -> None:
        if not elsewhere.exists():
            path.rename(elsewhere)
        fcntl.flock(descriptor, how)

    system = SimpleNamespace(flock=flock, LOCK_EX=fcntl.LOCK_EX, LOCK_NB=fcntl.LOCK_NB)
    descriptor = hold(path, make=True, system=system)
    assert names(path, descriptor)
    assert not names(elsewhere, descriptor)
    os.close(descriptor)


def test_a_system_without_locks_records_all_the_same(path: Path) -> None:
    """Windows has no such module, and some network file systems refuse."""

    def refuse(descriptor: int, how: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    for system in (None, SimpleNamespace(flock=refuse, LOCK_EX=2, LOCK_NB=4)):
        descriptor = hold(path, make=True, system=system)
        rename_held(descriptor, path, path.with_name("signup.yaml"), system)
        assert path.with_name("signup.yaml").exists()


def test_only_a_regular_file_is_held(path: Path) -> None:
    """Neither a link, nor a pipe: nothing waits, and nobody else's file is written."""
    os.mkfifo(path)
    with pytest.raises(OSError, match="not a regular file"):
        hold(path, make=True)
    path.unlink()
    path.symlink_to(path.with_name("precious"))
    with pytest.raises(OSError, match=r"symbolic links"):
        hold(path, make=True)
    assert not path.with_name("precious").exists()


def test_what_is_not_there_is_not_made_unasked(path: Path) -> None:
    """Whoever only recovers makes no file."""
    with pytest.raises(FileNotFoundError):
        hold(path, make=False)
    assert not path.exists()
