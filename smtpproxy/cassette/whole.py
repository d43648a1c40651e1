"""Files that come into being whole, piece by piece: their name never stands for a part of them.

Knows nothing of what is in them.
"""

from __future__ import annotations

import errno
import os
import secrets
from collections.abc import Iterable
from pathlib import Path


def write_pieces(path: Path, pieces: Iterable[bytes], replace: bool = False) -> None:
    """Write a file whole or not at all. Raises OSError.

    Without `replace` one that is there stays, and FileExistsError is raised. A link of that name is
    never followed.
    """
    partial = path.with_name(f".{secrets.token_hex(8)}.tmp")
    try:
        with partial.open("xb") as file:
            file.writelines(pieces)
            file.flush()
            os.fsync(file.fileno())
        if replace:
            partial.replace(path)
        else:
            # Unlike a rename, a link never takes the place of a file that is there.
            os.link(partial, path)
    finally:
        partial.unlink(missing_ok=True)


def must_be_new(path: Path) -> None:
    """Raise FileExistsError where something bears that name, if only a link to nothing."""
    if os.path.lexists(path):
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
