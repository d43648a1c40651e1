"""Cassettes written out: the model as YAML text (format version 1).

Lean, since it runs beside a relay: no YAML library, only the scalars' one rule.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Final

from smtpproxy.cassette.encrypted import write_tls
from smtpproxy.cassette.model import (
    MAGIC,
    STRAY,
    UNSOLICITED,
    VERSION,
    Kept,
    Recorded,
    RecordedTls,
)
from smtpproxy.cassette.scalars import write_line, write_message, write_name

#: Columns that a list may take on one line.
_WIDTH = 96
_NOTHING = "~"
#: Stages of what was not sent in one go with anything.
_ALONE = (UNSOLICITED, STRAY, "CONNECT")
#: The last key of a session: where its line is whole, so is the session.
LAST_KEY = "timing-ms"
NO_TLS: Final[Mapping[str, RecordedTls]] = MappingProxyType({})


def write_header(upstream: str, recorded: str) -> str:
    """Return the header document; `recorded` is a time in UTC, as in RFC 3339."""
    return f"{MAGIC}: {VERSION}\nupstream: {write_name(upstream)}\nrecorded: {recorded}\n"


def write_session_start(label: str, behind: str = "") -> str:
    """Return the beginning of a session's document, or of what was said behind a session."""
    shown = label if label.isdigit() else write_name(label)
    follows = f"behind: {write_name(behind)}\n" if behind else ""
    return f"---\nsession: {shown}\n{follows}dialogue:\n"


def write_session_end(
    ended: str,
    opaque: str,
    timing_ms: Iterable[int],
    empty: bool,
    anomalies: Iterable[str] = (),
    client: str = "",
    tls: Mapping[str, RecordedTls] = NO_TLS,
) -> str:
    """Return the end of a session's document."""
    head = "  []\n" if empty else ""
    whose = f"client: {write_name(client)}\n" if client else ""
    veiled = f"opaque: {write_name(opaque)}\n" if opaque else ""
    named = ", ".join(anomalies)
    odd = f"anomalies: [{named}]\n" if named else ""
    times = ", ".join(map(str, timing_ms))
    tail = f"{veiled}{whose}{write_tls(tls)}{odd}{LAST_KEY}: [{times}]\n"
    return f"{head}ended: {write_name(ended or 'unknown')}\n{tail}"


def write_group(group: list[Recorded]) -> str:
    """Return exchanges that belong together: one, or commands that were sent in one go."""
    if len(group) == 1:
        return _write_one(group[0])
    pipelined = ["pipelined: true"] if group[0].pipelined else []
    columns = {"C": [write_line(one.sent, "  ") for one in group]}
    if any(one.said for one in group):
        columns["S"] = [write_line(one.said[0], "  ") if one.said else _NOTHING for one in group]
    if any(one.changed for one in group):
        columns["client-saw"] = [_write_saw(one) for one in group]
    for key in ("rule", "by"):
        words = [getattr(one, key) for one in group]
        if any(words):
            columns[key] = [write_name(word) if word else _NOTHING for word in words]
    parts = [_write_column(key, items) for key, items in columns.items()]
    return "- " + "\n  ".join(parts[:1] + pipelined + parts[1:]) + "\n"


def _write_column(key: str, items: list[str]) -> str:
    """Return a list on one line, or, where that is too long to read, a line an item."""
    line = f"{key}: [{', '.join(items)}]"
    in_one = len(line) <= _WIDTH and "\n" not in line
    return line if in_one else f"{key}:\n  - " + "\n  - ".join(items)


def may_join(one: Recorded) -> bool:
    """Can this exchange stand in a list of commands that were sent in one go?"""
    if one.kept is not None or one.stage in _ALONE or len(one.said) > 1:
        return False
    if one.changed and (one.saw is None or one.saw.count(b"\n") > 1):
        return False
    return one.sent.count(b"\n") < 2 and not (one.said and one.said[0].count(b"\n") > 1)


def _write_one(one: Recorded) -> str:
    if len(one.said) == 1 and not (one.changed or one.rule or one.by or one.pipelined):
        if one.stage == STRAY:
            return f"- stray: {write_line(one.said[0], '  ')}\n"
        return write_plain(one.sent, one.said[0], one.kept)
    parts = []
    if one.sent:
        parts.append(f"C: {write_line(one.sent, '  ')}")
    if one.kept is not None:
        parts.append(_write_kept(one.kept, "chunk" if one.sent else "message"))
    if one.pipelined:
        parts.append("pipelined: true")
    if len(one.said) == 1:
        parts.append(f"S: {write_line(one.said[0], '  ')}")
    elif one.said:
        parts.append(_write_column("S", [write_line(line, "  ") for line in one.said]))
    if one.changed:
        parts.append(f"client-saw: {_write_saw(one)}")
    if one.rule:
        parts.append(f"rule: {write_name(one.rule)}")
    if one.by:
        parts.append(f"by: {one.by}")
    if not parts:
        parts.append(f"S: {_NOTHING}")  # the client left before the greeting
    return "- " + "\n  ".join(parts) + "\n"


def write_plain(sent: bytes, said: bytes, kept: Kept | None = None) -> str:
    """Return what most exchanges are: upstream answered once, and the client heard that."""
    answer = write_line(said, "  ")
    if kept is not None:
        chunk = f"C: {write_line(sent, '  ')}\n  " if sent else ""
        return f"- {chunk}{_write_kept(kept, 'chunk' if sent else 'message')}\n  S: {answer}\n"
    return f"- C: {write_line(sent, '  ')}\n  S: {answer}\n" if sent else f"- S: {answer}\n"


def _write_kept(kept: Kept, key: str) -> str:
    key = "wire" if kept.wire else key
    if kept.file:
        return f"{key}: {{file: {write_name(kept.file)}, octets: {kept.size}}}"
    return f"{key}: {write_message(kept.octets, '  ')}"


def _write_saw(one: Recorded) -> str:
    return write_line(one.saw, "  ") if one.saw is not None else _NOTHING
