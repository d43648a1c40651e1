"""Files that come into being whole: their name never stands for a part of them.

Knows nothing of what is in them. A file's mode holds from its first moment, so that a secret is
never readable, not even while it is written.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

#: On Windows the text mode would change line endings.
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)


def create_exclusively(path: Path, octets: bytes, mode: int) -> None:
    """Create a file of this mode, which the umask may narrow.

    Raises FileExistsError where it is there, and OSError where it can't be made.
    """
    partial = _written(path, octets, mode)
    try:
        # Unlike a rename, a link never takes the place of a file that another process made.
        os.link(partial, path)
    finally:
        partial.unlink()


def write_whole(path: Path, octets: bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all, in place of one that is there. Raises OSError."""
    partial = _written(path, octets, mode)
    try:
        partial.replace(path)
    except OSError:
        partial.unlink()
        raise


def write_text(path: Path, text: str) -> None:
    """Do the same with text, in UTF-8 whatever the locale. Raises OSError."""
    write_whole(path, text.encode())


def _written(path: Path, octets: bytes, mode: int) -> Path:
    """Write a file beside `path`, of a name that nobody else has, and return it."""
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(partial, _NEW, mode)
    except OSError as error:
        error.filename = str(path)  # nobody has named the other
        raise
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(octets)
            file.flush()
            os.fsync(file.fileno())
    except OSError:
        partial.unlink()
        raise
    return partial
