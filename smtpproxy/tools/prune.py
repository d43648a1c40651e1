"""`smtpproxy prune CASSETTE`: without what replay did not use, or without some sessions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from smtpproxy.cassette.pruning import pruned
from smtpproxy.cassette.script import load_script
from smtpproxy.cassette.whole import write_pieces
from smtpproxy.console import FOUND, GOOD, UNABLE, counted, say
from smtpproxy.documents import DocumentError, nearest
from smtpproxy.options import OneLineOptions


class PruneOptions(OneLineOptions):
    """Which cassette, and what is taken out of it."""

    synopsis = "Usage: smtpproxy prune CASSETTE [options]"
    examples = (
        "  smtpproxy prune signup.yaml --unused report.json\n"
        "  smtpproxy prune signup.yaml --session 3 --session 4\n"
    )
    longdesc = (
        "Comments, notes and layout of what stays stay. Message files are left alone. The exit "
        "status is 1 where something was to be taken out and could not."
    )
    optParameters = (
        ("unused", None, None, "a report of a replay, or a JSON list of lines"),
        ("output", "o", None, "another file beside the cassette, instead of the cassette itself"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.labels: list[str] = []

    def opt_session(self, label: str) -> None:
        """a session that is taken out whole, by its label, repeatable"""
        self.labels.append(label)

    def parseArgs(self, *cassettes: str) -> None:
        """Take the cassette."""
        self.cassettes = [Path(cassette) for cassette in cassettes]


class ReportError(ValueError):
    """A report does not tell what was not used."""


def prune(words: list[str]) -> int:
    """Write what is left."""
    options = PruneOptions()
    options.parseOptions(words)
    if len(options.cassettes) != 1 or not (options["unused"] or options.labels):
        say("smtpproxy: expected one cassette, and --unused REPORT or --session LABEL")
        return UNABLE
    path = options.cassettes[0]
    target = path.with_name(Path(options["output"]).name) if options["output"] else path
    try:
        script = load_script(path)
        known = [session.label for session in script.cassette.sessions]
        for label in options.labels:
            if label not in known:
                raise DocumentError(str(path), 0, f"no session {label!r}{nearest(label, known)}")
        lines = unused_lines(Path(options["unused"]), path) if options["unused"] else set()
        result = pruned(script, lines, options.labels)
        write_pieces(target, [result.octets], replace=True)
    except (DocumentError, ReportError, OSError) as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    for line in result.left:
        say(f"{path}:{line}: is left in: no transaction begins there that has lines of its own")
    gone = counted(result.transactions, "transaction"), counted(result.sessions, "session")
    print(f"{target}: {gone[0]} and {gone[1]} taken out")
    return FOUND if result.left else GOOD


def unused_lines(report: Path, cassette: Path) -> set[int]:
    """Return the lines that a report calls unused. Raises ReportError and OSError.

    It is a list, or an object that has one as `unused`: of numbers, or of objects with `line` and,
    where there are several cassettes, `source`.
    """
    try:
        found: Any = json.loads(report.read_bytes())
    except (ValueError, RecursionError):
        raise ReportError(f"{report}: is not JSON") from None
    entries = found.get("unused") if isinstance(found, dict) else found
    if not isinstance(entries, list):
        raise ReportError(f"{report}: expected a list of lines, or an object with one as 'unused'")
    lines = {_line(entry, cassette) for entry in entries}
    if None in lines:
        raise ReportError(f"{report}: expected lines as numbers, or as objects with 'line'")
    return {line for line in lines if line}


def _line(entry: Any, cassette: Path) -> int | None:
    """Return a line, 0 for one of another cassette, or None for what is none."""
    if isinstance(entry, dict):
        source = entry.get("source", cassette.name)
        if not isinstance(source, str):
            return None
        entry = entry.get("line") if Path(source).name == cassette.name else 0
    return entry if isinstance(entry, int) and not isinstance(entry, bool) else None
