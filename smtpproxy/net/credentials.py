"""Where the proxy's own credentials for upstream come from: the environment, or a file.

Owns the promise that they are never on a command line, and in no file that others can read. No
error shows what is in them.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping
from pathlib import Path

from smtpproxy import documents
from smtpproxy.auth.login import Credentials
from smtpproxy.documents import DocumentError, nearest, read_documents
from smtpproxy.settings import SettingsError

#: Never options: what is in force, and where it came from, is shown of those.
USER, PASSWORD = "SMTPPROXY_UPSTREAM_USER", "SMTPPROXY_UPSTREAM_PASSWORD"
VARIABLES = (USER, PASSWORD)
_OPTION = "--upstream-login"
_KEYS = ("user", "password")
_EXPECTED = 'expected two lines, user: "…" and password: "…"'
_MOST_OCTETS = 64 * 1024
#: RFC 4616 §2 wants 255 at least to be taken; more than this no line of AUTH has room for.
_LONGEST = 2048


def load_credentials(environment: Mapping[str, str], file: Path | None) -> Credentials | None:
    """Return user name and password for upstream, or None where there are none.

    Raises SettingsError or DocumentError.
    """
    given = [name for name in VARIABLES if name in environment]
    if file is not None:
        if given:
            raise SettingsError(f"{_OPTION} and {given[0]} are both set; one is enough")
        return _from_file(file)
    if not given:
        return None
    for name, other in (VARIABLES, VARIABLES[::-1]):
        if name not in environment:
            raise SettingsError(f"{other} is set, but not {name}")
        if problem := _problem(environment[name]):
            raise SettingsError(f"{name} {problem}")
    return Credentials(environment[USER], environment[PASSWORD])


def _problem(text: str) -> str:
    """Return what is wrong with a user name or password, or ""."""
    if not text:
        return "is empty"
    if "\0" in text:
        return "holds a NUL, which no mechanism can send"
    try:
        octets = text.encode()
    except UnicodeEncodeError:
        return "is not UTF-8"
    return f"is longer than {_LONGEST} octets" if len(octets) > _LONGEST else ""


def _from_file(file: Path) -> Credentials:
    source = str(file)
    octets = _read(file)
    try:
        found = list(read_documents(octets, source))
    except DocumentError as error:
        # What was expected where, and nothing of what is there: it may be the password.
        raise DocumentError(source, error.line, _EXPECTED) from None
    if len(found) != 1 or not isinstance(found[0], documents.Mapping):
        raise DocumentError(source, 1, _EXPECTED)
    for key, line in found[0].key_lines.items():
        if key not in _KEYS:
            raise DocumentError(source, line, f"{_EXPECTED}{nearest(key, _KEYS)}")
    user, password = (_text(found[0], key, source) for key in _KEYS)
    return Credentials(user, password)


def _text(found: documents.Mapping, key: str, source: str) -> str:
    node = found.entries.get(key)
    if node is None:
        raise DocumentError(source, found.line, f"{key}: is missing; {_EXPECTED}")
    if not isinstance(node, documents.Text) or node.cut:
        raise DocumentError(source, node.line, f"{key}: is no text in quotes; {_EXPECTED}")
    if problem := _problem(node.value):
        raise DocumentError(source, node.line, f"{key}: {problem}")
    return node.value


def _read(file: Path) -> bytes:
    """Return a file's octets, if they are its owner's alone. Raises DocumentError."""
    source = str(file)
    try:
        if file.exists() and not file.is_file():
            raise DocumentError(source, 0, "is not a regular file")
        with file.open("rb") as opened:
            # Of what was opened, not of what has the name by now.
            mode = os.fstat(opened.fileno()).st_mode
            octets = opened.read(_MOST_OCTETS + 1)
    except OSError as error:
        raise DocumentError(source, 0, f"can't be read: {error.strerror}") from None
    if os.name == "posix" and stat.S_IMODE(mode) & 0o077:
        raise DocumentError(
            source, 0, f"others can use it (mode {stat.S_IMODE(mode):04o}); chmod 600 is expected"
        )
    if len(octets) > _MOST_OCTETS:
        raise DocumentError(source, 0, f"is larger than {_MOST_OCTETS:,} octets")
    return octets
