"""Several cassettes made one: sessions as they were written, labels unique, message files copied.

Owns the names that sessions get. The cassette is written last, so that it never lacks a message.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from smtpproxy.cassette.messages import message_file
from smtpproxy.cassette.model import RecordedSession
from smtpproxy.cassette.script import Script, checked, ended
from smtpproxy.cassette.spool import folder_of
from smtpproxy.cassette.whole import write_pieces
from smtpproxy.documents import DocumentError
from smtpproxy.visible import visible_text

_PIECE = 256 * 1024


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
        for name, path in _files(script):
            if name in copied:
                continue
            copied.add(name)
            folder.mkdir(parents=True, exist_ok=True)
            if folder.is_symlink():
                raise DocumentError(str(folder), 0, "is a link; folders of messages are not")
            _copy(path, folder / name)
    return len(copied)


def _files(script: Script) -> Iterator[tuple[str, Path]]:
    for session in script.cassette.sessions:
        for one in session.dialogue:
            if one.kept is not None and one.kept.file:
                yield one.kept.file, message_file(one.kept, Path(script.source))


def _copy(path: Path, target: Path) -> None:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        if f"{digest}.eml" != target.name:
            raise DocumentError(str(path), 0, f"is not what its name says: its SHA-256 is {digest}")
        file.seek(0)
        write_pieces(target, iter(lambda: file.read(_PIECE), b""), replace=True)
