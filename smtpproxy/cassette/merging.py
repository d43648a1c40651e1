"""Several cassettes made one: sessions as they were written, labels unique, message files copied.

Owns the names that sessions get. The cassette is written last, so that it never lacks a message.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from smtpproxy.cassette.messages import file_pieces
from smtpproxy.cassette.model import Kept, RecordedSession
from smtpproxy.cassette.script import Script, checked, ended
from smtpproxy.cassette.spool import folder_of
from smtpproxy.cassette.whole import write_pieces
from smtpproxy.documents import DocumentError
from smtpproxy.visible import visible_text


def merged(scripts: list[Script], target: Path) -> bytes:
    """Return the text of a cassette of all sessions, in order. Raises DocumentError.

    The header is that of the first; where the others come from is told in comments.
    """
    taken: set[str] = set()
    parts = [ended(scripts[0].head)]
    expected: list[RecordedSession] = []
    for script in scripts:
        parts.append(f"# {_origin(script)}\n")
        for number, session in enumerate(script.cassette.sessions):
            label = _free(session.label, taken)
            taken.add(label)
            expected.append(replace(session, label=label))
            parts.append(script.text(number, label if label != session.label else ""))
    return checked("".join(parts), expected, str(target))


def _origin(script: Script) -> str:
    kept = script.cassette
    words = [visible_text(Path(kept.source).name), kept.upstream, kept.recorded]
    return visible_text(f"from {', '.join(filter(None, words))}")


def _free(label: str, taken: set[str]) -> str:
    """Return a label that is not taken: this one, or for a number another number."""
    if label not in taken:
        return label
    is_number = label.isdecimal() and label.isascii()
    numbers = count(len(taken) + 1) if is_number else count(2)
    tries = (f"{number}" if is_number else f"{label}-{number}" for number in numbers)
    return next(one for one in tries if one not in taken)


def copy_messages(scripts: Iterable[Script], target: Path) -> int:
    """Copy the message files of all sessions to the target's folder; return how many there are.

    Raises DocumentError where one is missing or is not what its name says, and OSError.
    """
    folder = folder_of(target)
    copied: set[str] = set()
    for script in scripts:
        for kept in _in_files(script):
            if kept.file in copied:
                continue
            copied.add(kept.file)
            folder.mkdir(parents=True, exist_ok=True)
            if folder.is_symlink():
                raise DocumentError(str(folder), 0, "is a link; folders of messages are not")
            pieces = file_pieces(kept, Path(script.source))
            write_pieces(folder / kept.file, pieces, replace=True)
    return len(copied)


def _in_files(script: Script) -> Iterator[Kept]:
    for session in script.cassette.sessions:
        for one in session.dialogue:
            if one.kept is not None and one.kept.file:
                yield one.kept
