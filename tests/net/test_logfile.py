"""Where the log goes."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from twisted.internet.task import Clock

from smtpproxy.net.linelog import LineLog
from smtpproxy.net.logfile import RotationError, open_log, parse_rotation

DAY = 24 * 3600


def names(folder: Path) -> list[str]:
    """Return the names of the files in a folder."""
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("text", "octets"),
    [("10 MB", 10_000_000), ("500kB", 500_000), ("1G", 10**9), ("1 k", 1000), ("day", 0)],
)
def test_rotation(text: str, octets: int) -> None:
    """A size with its unit, or a day."""
    assert parse_rotation(text) == octets


@pytest.mark.parametrize("text", ["", "10", "0 MB", "10 mb", "-1 MB", "days", "1e9 MB", "10 MiB"])
def test_no_rotation(text: str) -> None:
    """Anything else is told, with what was expected."""
    with pytest.raises(RotationError, match="expected a size such as 10 MB, or day"):
        parse_rotation(text)


def test_a_file_is_added_to(tmp_path: Path) -> None:
    """What stands in it stays."""
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    for line in (b"one\n", b"two\n"):
        log = open_log(str(path), "", 1)
        log.write(line)
        log.flush()
    assert path.read_bytes() == b"old\none\ntwo\n"


@pytest.mark.parametrize("rotation", ["", "10 MB", "day"])
def test_it_goes_on_in_the_file_of_its_name(tmp_path: Path, rotation: str) -> None:
    """Where the old file was moved away, a new one begins, and the old one keeps its lines."""
    path = tmp_path / "log"
    lines = LineLog(open_log(str(path), rotation, 1), Clock())
    lines.write(b"one\n")
    lines.flush()
    path.rename(tmp_path / "old")
    lines.write(b"still old\n")
    lines.reopen()
    lines.write(b"new\n")
    lines.close()
    assert (tmp_path / "old").read_bytes() == b"one\nstill old\n"
    assert path.read_bytes() == b"new\n"
    assert lines.error == ""


@pytest.mark.parametrize("rotation", ["", "10 MB", "day"])
def test_a_file_that_can_not_be_opened_anew(tmp_path: Path, rotation: str) -> None:
    """The lines go on to the old file, and the problem is told."""
    folder = tmp_path / "logs"
    folder.mkdir()
    lines = LineLog(open_log(str(folder / "log"), rotation, 1), Clock())
    lines.write(b"one\n")
    lines.flush()
    folder.rename(tmp_path / "moved")
    lines.reopen()
    lines.write(b"two\n")
    lines.close()
    assert lines.error.startswith("the log can't be opened anew")
    assert (tmp_path / "moved" / "log").read_bytes() == b"one\ntwo\n"


def test_rotation_by_size(tmp_path: Path) -> None:
    """A new file begins once the old one is large; so many old ones stay, and no line is cut."""
    log = open_log(str(tmp_path / "log"), "1 k", 2)
    lines = LineLog(log, Clock())
    written = [b"%03d " % at + b"x" * 295 + b"\n" for at in range(20)]
    for line in written:
        lines.write(line)
        lines.flush()
    assert names(tmp_path) == ["log", "log.1", "log.2"]
    kept = [(tmp_path / name).read_bytes() for name in ("log.2", "log.1", "log")]
    assert b"".join(written).endswith(b"".join(kept))
    assert all(octets.endswith(b"\n") and len(octets) <= 1300 for octets in kept)


def test_rotation_by_day(tmp_path: Path) -> None:
    """Yesterday's lines stand in a file of their day."""
    path = tmp_path / "log"
    path.write_bytes(b"yesterday\n")
    then = path.stat().st_mtime - DAY
    os.utime(path, (then, then))
    log = open_log(str(path), "day", 1)
    log.write(b"today\n")
    log.flush()
    (old,) = set(names(tmp_path)) - {"log"}
    assert (tmp_path / old).read_bytes() == b"yesterday\n"
    assert path.read_bytes() == b"today\n"


def test_a_pipe(tmp_path: Path) -> None:
    """What is no regular file can be written to as well."""
    path = tmp_path / "pipe"
    os.mkfifo(path)
    reading = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    log = open_log(str(path), "", 1)
    log.write(b"line\n")
    log.flush()
    assert stat.S_ISFIFO(path.stat().st_mode)
    assert os.read(reading, 100) == b"line\n"
    os.close(reading)


def test_standard_output_is_not_rotated() -> None:
    """That is told, rather than done in silence."""
    with pytest.raises(RotationError, match="standard output can't be rotated"):
        open_log("-", "day", 1)
    log = open_log("-", "", 1)
    log.reopen()
    log.flush()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_does_not_stop_what_comes_after(tmp_path: Path) -> None:
    """What could not be written is lost; behind a SIGHUP the lines go on elsewhere."""
    path = tmp_path / "log"
    path.symlink_to("/dev/full")
    lines = LineLog(open_log(str(path), "", 1), Clock())
    lines.write(b"lost\n")
    lines.flush()
    path.unlink()
    lines.reopen()
    lines.write(b"kept\n")
    lines.close()
    assert "No space left" in lines.error
    assert path.read_bytes() == b"kept\n"
