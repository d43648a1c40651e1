"""One recorder for a cassette: the lock on a file that is being written.

Owns the one use of `fcntl`. The lock ends with the process, however that ends, so none is ever
stale. Where there is none (Windows, some network file systems), a second recorder is not noticed.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path
from typing import Any

try:
    import fcntl as _system
except ImportError:
    _system = None  # type: ignore[assignment]

_FLAGS = os.O_RDWR | os.O_APPEND | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
#: What `flock` says of a file that another has locked; all else is a system without such locks.
_TAKEN = (errno.EWOULDBLOCK, errno.EAGAIN, errno.EACCES)


class LockedError(OSError):
    """Another process is at it."""

    def __init__(self, path: Path) -> None:
        super().__init__(errno.EBUSY, "another process is recording to it", str(path))


def hold(path: Path, make: bool, system: Any = _system) -> int:
    """Return the descriptor of a regular file that nobody else holds. Follows no link.

    Raises LockedError, FileNotFoundError where it is not there and not to be made, or OSError.
    """
    while True:
        descriptor = os.open(path, _FLAGS | (os.O_CREAT if make else 0), 0o666)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(errno.EINVAL, "is not a regular file", str(path))
            if not _locked(descriptor, system):
                raise LockedError(path)
            if names(path, descriptor):
                return descriptor
        except BaseException:
            os.close(descriptor)
            raise
        os.close(descriptor)  # it was renamed before it was locked


def names(path: Path, descriptor: int) -> bool:
    """Is the file of this name the one that is open?"""
    try:
        return os.path.samestat(path.lstat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False


def rename_held(descriptor: int, path: Path, target: Path, system: Any = _system) -> None:
    """Give a file another name, in place of what has it, and let go of it. Raises OSError."""
    if system is None:
        os.close(descriptor)  # Windows renames no file that is open
        path.replace(target)
        return
    try:
        path.replace(target)  # before anyone else can hold it
    finally:
        os.close(descriptor)


def discard_held(descriptor: int, path: Path, system: Any = _system) -> None:
    """Remove a file, and let go of it. Raises OSError."""
    if system is None:
        os.close(descriptor)
        path.unlink()
        return
    try:
        path.unlink()
    finally:
        os.close(descriptor)


def _locked(descriptor: int, system: Any) -> bool:
    if system is None:
        return True
    try:
        # Not lockf: that lock would not outlive a fork, and ends when any descriptor is closed.
        system.flock(descriptor, system.LOCK_EX | system.LOCK_NB)
    except OSError as error:
        return error.errno not in _TAKEN
    return True
