"""Opens files of strangers: regular ones alone, without waiting for whoever holds a pipe.

Owns the way a file is opened. Knows nothing of what it holds.
"""

from __future__ import annotations

import os
import stat
from io import BufferedReader
from pathlib import Path

#: O_NONBLOCK: opening a pipe that nobody writes to, or a device, must not hang.
_FLAGS = os.O_RDONLY
for _name in ("O_BINARY", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK"):
    _FLAGS |= getattr(os, _name, 0)
_NO_LINK: int = getattr(os, "O_NOFOLLOW", 0)


class NotRegularError(OSError):
    """What bears the name is a folder, a pipe, a device or the like."""


def open_regular(path: Path, follow: bool = True) -> BufferedReader:
    """Open a regular file to read. `follow`: links are followed. Raises OSError.

    What is looked at in the end is what was opened, whatever bears the name by then.
    """
    if not stat.S_ISREG(path.stat(follow_symlinks=follow).st_mode):
        raise NotRegularError(f"{path} is not a regular file")
    number = os.open(path, _FLAGS if follow else _FLAGS | _NO_LINK)
    try:
        if not stat.S_ISREG(os.fstat(number).st_mode):
            raise NotRegularError(f"{path} is not a regular file")
        return os.fdopen(number, "rb")
    except BaseException:
        os.close(number)
        raise


def size_of(file: BufferedReader) -> int:
    """Return how many octets an opened file claims to have."""
    return os.fstat(file.fileno()).st_size
