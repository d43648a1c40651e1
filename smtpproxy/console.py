"""What is said to the person at the terminal, and the exit status that goes with it."""

from __future__ import annotations

import contextlib
import sys

GOOD, FOUND, UNABLE = 0, 1, 2

#: The colour of a reply, by its severity; what has another is magenta.
COLOURS = {"success": "green", "intermediate": "cyan", "transient": "yellow", "permanent": "red"}


def say(line: str) -> None:
    """Write a line to the real standard error, whatever stands in its place."""
    if sys.__stderr__ is not None:
        with contextlib.suppress(OSError, ValueError):
            sys.__stderr__.write(line + "\n")
            sys.__stderr__.flush()


def on_terminal() -> bool:
    """Is the real standard error a terminal?"""
    with contextlib.suppress(ValueError):
        return sys.__stderr__ is not None and sys.__stderr__.isatty()
    return False


def counted(many: int, word: str) -> str:
    """Return "1 session" or "2 sessions"."""
    return f"{many:,} {word}{'' if many == 1 else 's'}"
