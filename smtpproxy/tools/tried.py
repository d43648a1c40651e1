"""How a trial is told: as a dialogue in which what is changed is marked, or as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from typing import Any

import msgspec
from rich.text import Text

from smtpproxy.cassette.model import Kept, Recorded
from smtpproxy.cassette.trial import Tried, TriedSession
from smtpproxy.classify import classify
from smtpproxy.console import COLOURS, counted
from smtpproxy.smtp.server import final_code
from smtpproxy.visible import visible, visible_text

_VERSION = 1


def session_lines(session: TriedSession) -> Iterator[Text]:
    """Yield the lines of a session, an empty one behind it."""
    yield Text(visible_text(f"session {session.label}"), style="bold")
    for tried in session.exchanges:
        yield from _exchange(tried)
    if session.left_out:
        yield Text(f"   ({counted(session.left_out, 'recorded exchange')} left out)", style="dim")
    yield Text()


def _exchange(tried: Tried) -> Iterator[Text]:
    one = tried.one
    for line in _lines(one.sent):
        yield Text(f"C: {line}", style="bold")
    if one.kept is not None or one.stage == "END-OF-DATA":
        yield Text(f"C: ({_size(one.kept)})", style="dim")
    if tried.delay:
        yield Text(f"   ({round(tried.delay, 3):g} s later{_by(tried.rules)})", style="magenta")
    yield from _reply(tried)
    if tried.closed and one.stage != "QUIT":
        yield Text(f"   ({tried.closed}{_by(tried.rules)})", style="magenta")
    for note in tried.notes:
        yield Text(f"   ({note})", style="dim")


def _size(kept: Kept | None) -> str:
    if kept is None:
        return "an empty message"
    return f"{kept.size if kept.file else len(kept.octets):,} octets of mail data"


def _reply(tried: Tried) -> Iterator[Text]:
    """Yield the lines of a reply: those that were recorded and not heard, and the other way."""
    was = _lines(b"" if tried.added else tried.one.heard or b"")
    now = _lines(tried.heard)
    if tried.added:
        yield from (Text(f"S: {line}", style="dim") for line in now)
        return
    style = _style(tried.one, tried.heard)
    for what, a, b, c, d in SequenceMatcher(None, was, now, autojunk=False).get_opcodes():
        if what == "equal":
            yield from (Text(f"S: {line}", style=style) for line in was[a:b])
            continue
        yield from (Text(f"-: {line}", style="dim strike") for line in was[a:b])
        for line in now[c:d]:
            yield Text(f"+: {line}{_by(tried.rules, '  (', ')')}", style=f"bold {style}")
    if was and not now:
        yield Text(f"+: nothing{_by(tried.rules, '  (', ')')}", style="bold magenta")


def _by(rules: Sequence[str], before: str = ", ", behind: str = "") -> str:
    if not rules:
        return ""
    word = "rule" if len(rules) == 1 else "rules"
    return f"{before}{word} {', '.join(map(visible_text, rules))}{behind}"


def _lines(octets: bytes) -> list[str]:
    """Return octets as lines that can be shown; what lacks its end says so."""
    *lines, last = octets.split(b"\r\n")
    shown = list(map(visible, lines))
    return [*shown, f"{visible(last)}  (without CRLF)"] if last else shown


def _style(one: Recorded, heard: bytes) -> str:
    code = final_code(heard) if heard else 0
    return COLOURS.get(classify(one.stage, code).severity, "magenta")


def summary_lines(names: Sequence[str], tried: Sequence[TriedSession]) -> Iterator[Text]:
    """Yield which rules had their way and how often, and which never did."""
    fired = _fired(names, tried)
    changed = sum(one.changed for session in tried for one in session.exchanges)
    left_out = sum(session.left_out for session in tried)
    yield Text(
        f"{counted(len(tried), 'session')}: {counted(changed, 'answer')} changed, "
        f"{counted(left_out, 'recorded exchange')} left out",
        style="bold",
    )
    width = max((len(visible_text(name)) for name in fired), default=0)
    for name, many in fired.items():
        told = f"fired {counted(many, 'time')}" if many else "never fired"
        yield Text(f"  {visible_text(name):<{width}}  {told}", style="" if many else "dim")


def _fired(names: Sequence[str], tried: Sequence[TriedSession]) -> dict[str, int]:
    return {name: sum(one.fired.get(name, 0) for one in tried) for name in names}


def as_json(source: str, names: Sequence[str], tried: Sequence[TriedSession]) -> bytes:
    """Return all of it as one JSON object."""
    return msgspec.json.encode(
        {
            "version": _VERSION,
            "cassette": visible_text(source),
            "sessions": [
                {
                    "session": session.label,
                    "exchanges": list(map(_as_record, session.exchanges)),
                    "left_out": session.left_out,
                }
                for session in tried
            ],
            "rules": [{"rule": name, "fired": many} for name, many in _fired(names, tried).items()],
        }
    )


def _as_record(tried: Tried) -> dict[str, Any]:
    one = tried.one
    return {
        "stage": one.stage,
        "sent": visible(one.sent.strip()) or None,
        "recorded": None if tried.added else _text(one.heard),
        "heard": _text(tried.heard),
        "changed": tried.changed,
        "rules": list(tried.rules),
        "delay": tried.delay,
        "closed": tried.closed or None,
        "notes": list(tried.notes),
    }


def _text(octets: bytes | None) -> str | None:
    return "\n".join(_lines(octets)) if octets else None
