"""Where the tools print what is long: to the user's pager on a terminal, else as it comes.

Owns how a pager is found and started: as git does it, with the user's PAGER, or less, which leaves
again where all fits on one screen.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
from collections.abc import Iterator
from typing import IO

from rich.console import Console

_DEFAULT = "less"
#: For less: leave where all fits on one screen, let colours through, leave the text where it is.
_LESS = "FRX"


@contextlib.contextmanager
def paged(plain: bool = False) -> Iterator[Console]:
    """Yield where to print. `plain`: no colours and no pager.

    Who leaves the pager early has read enough: that is no error.
    """
    pager = None if plain or not sys.stdout.isatty() else _start()
    if pager is None or pager.stdin is None:
        yield console_on(sys.stdout, plain)
        return
    with contextlib.suppress(BrokenPipeError):
        yield console_on(pager.stdin, plain, terminal=True)
    with contextlib.suppress(BrokenPipeError):
        pager.stdin.close()
    while True:
        try:
            pager.wait()
            return
        except KeyboardInterrupt:  # it is the pager's, which has the terminal
            continue


class _Console(Console):
    """A console that leaves it to its caller what a reader means who has had enough."""

    def on_broken_pipe(self) -> None:
        raise BrokenPipeError


def console_on(stream: IO[str], plain: bool, terminal: bool = False) -> Console:
    """Return a console that wraps nothing, and colours only what goes to a terminal."""
    forced = False if plain else True if terminal else None
    return _Console(file=stream, force_terminal=forced, highlight=False, soft_wrap=True)


def _start() -> subprocess.Popen[str] | None:
    """Start the pager, or return None where there is none, or none is wanted."""
    words = shlex.split(os.environ.get("PAGER", _DEFAULT))
    if not words or words == ["cat"]:
        return None
    environment = {"LESS": _LESS} | os.environ
    with contextlib.suppress(OSError):
        return subprocess.Popen(
            words,
            stdin=subprocess.PIPE,
            env=environment,
            encoding="utf-8",
            errors="backslashreplace",
        )
    return None
