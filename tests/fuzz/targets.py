"""The fuzz targets by name. Each is given any octets, and raises where something is wrong."""

from __future__ import annotations

from collections.abc import Callable

from tests.fuzz import chunks, commands, maildata, paths, replies, session

TARGETS: dict[str, Callable[[bytes], None]] = {
    "commands": commands.check,
    "replies": replies.check,
    "maildata": maildata.check,
    "chunks": chunks.check,
    "paths": paths.check,
    "session": session.check,
}
