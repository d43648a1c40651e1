"""Octets on their way to the disk: written whole, without a buffer that could hold them back.

What was written survives the process, however it ends. What was synced survives the machine, too.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

_READ = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
#: What a file system says that can't sync a folder.
_NOT_THERE = (errno.EINVAL, errno.EBADF, errno.ENOTSUP)


def write_whole(descriptor: int, octets: bytes | bytearray) -> None:
    """Write all octets. Raises OSError; some of them may be written by then."""
    written = os.write(descriptor, octets)
    while written < len(octets):
        written += os.write(descriptor, memoryview(octets)[written:])


def sync_file(path: Path) -> None:
    """Let a file's octets reach the disk. Raises OSError."""
    # Windows syncs only what may be written.
    descriptor = os.open(path, _READ if os.name != "nt" else _READ | os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_folder(path: Path) -> None:
    """Let the names in a folder reach the disk, where the system can do that. Raises OSError."""
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NOT_THERE:
            raise
    finally:
        os.close(descriptor)
