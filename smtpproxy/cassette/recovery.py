"""An unfinished recording made a cassette.

Owns the order in which that is done: whatever moment it is interrupted at, it can be done again.
"""

from __future__ import annotations

import os
from pathlib import Path

from smtpproxy.cassette.disk import sync_folder
from smtpproxy.cassette.lock import LockedError, hold, rename_held
from smtpproxy.cassette.names import cassette_of, partial_of
from smtpproxy.cassette.partial import Extent, extent_of
from smtpproxy.cassette.read import read_cassette
from smtpproxy.cassette.spool import clear_stale, folder_of, sync_messages
from smtpproxy.documents import MOST_OCTETS


class RecoveryError(Exception):
    """It can't be begun. One line that says why, and what would help."""


def recover(path: Path, replace: bool = False) -> Extent:
    """Make the unfinished recording of a cassette that cassette; return what it holds.

    `path` is the cassette's, or the recording's own. Where no session in it is whole, nothing is
    done. Raises RecoveryError, DocumentError where what is whole can't be read, or OSError.
    """
    cassette = cassette_of(path)
    partial = partial_of(path) if path == cassette else path
    if os.path.lexists(cassette) and not replace:
        raise RecoveryError(f"{cassette} is there; --replace puts {partial} in its place")
    try:
        descriptor = hold(partial, make=False)
    except FileNotFoundError:
        raise RecoveryError(f"there is no unfinished recording {partial}") from None
    except LockedError:
        raise RecoveryError(f"{partial} is still being recorded") from None
    renamed = False
    try:
        extent = _whole(descriptor, partial)
        if extent.sessions:
            os.ftruncate(descriptor, extent.octets)
            sync_messages(folder_of(cassette))
            os.fsync(descriptor)
            if partial == partial_of(cassette):
                clear_stale(cassette)
            renamed = True
            rename_held(descriptor, partial, cassette)
            sync_folder(cassette.parent)
    finally:
        if not renamed:
            os.close(descriptor)
    return extent


def _whole(descriptor: int, partial: Path) -> Extent:
    """Look at a recording, and make sure that what is whole of it can be read."""
    with os.fdopen(os.dup(descriptor), "rb") as file:
        extent = extent_of(file)
        if extent.sessions and extent.octets <= MOST_OCTETS:
            file.seek(0)
            read_cassette(file.read(extent.octets), str(partial))
    return extent
