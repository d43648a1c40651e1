"""`smtpproxy diff OLD NEW`: what has changed from one cassette to another."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec
from rich.console import Console
from rich.text import Text

from smtpproxy.cassette.comparing import CLASS, CODE, SEVERITIES, TEXT, Change, compare
from smtpproxy.cassette.store import load_cassette
from smtpproxy.console import FOUND, GOOD, UNABLE, counted, say
from smtpproxy.documents import DocumentError, nearest
from smtpproxy.options import OneLineOptions
from smtpproxy.tools.paging import paged
from smtpproxy.visible import visible_text

_STYLES = {CLASS: "red", CODE: "yellow", TEXT: "dim"}


class DiffOptions(OneLineOptions):
    """Which cassettes, and from which severity on a change counts."""

    synopsis = "Usage: smtpproxy diff OLD NEW [options]"
    examples = (
        "  smtpproxy diff old.yaml new.yaml\n  smtpproxy diff --severity class old.yaml new.yaml\n"
    )
    longdesc = (
        "Sessions are paired by what was said in them. Queue ids, dates and what else differs at "
        "every run is passed over. The exit status is 1 where a change counts. Severities: class "
        "(the class of a reply, a command added or removed), code (code, enhanced code, EHLO "
        "keywords, message, how it ended), text."
    )
    optParameters = (("severity", "s", TEXT, "from where on a change counts: class, code or text"),)
    optFlags = (("json", None, "one JSON object a change"), ("plain", None, "no colours, no pager"))

    def parseArgs(self, *cassettes: str) -> None:
        """Take the cassettes."""
        self.cassettes = [Path(cassette) for cassette in cassettes]


def diff(words: list[str]) -> int:
    """Compare."""
    options = DiffOptions()
    options.parseOptions(words)
    severity = options["severity"]
    if severity not in SEVERITIES:
        say(f"smtpproxy: --severity: expected class, code or text{nearest(severity, SEVERITIES)}")
        return UNABLE
    if len(options.cassettes) != 2:
        say("smtpproxy: expected two cassettes, the old one and the new one")
        return UNABLE
    try:
        old, new = map(load_cassette, options.cassettes)
    except DocumentError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    counting = SEVERITIES[: SEVERITIES.index(severity) + 1]
    changes = [change for change in compare(old, new) if change.severity in counting]
    if options["json"]:
        for change in changes:
            print(msgspec.json.encode(change._asdict()).decode())
    elif changes:
        with paged(plain=bool(options["plain"])) as console:
            _print(console, changes, options.cassettes)
    return FOUND if changes else GOOD


def _print(console: Console, changes: list[Change], files: list[Path]) -> None:
    session = None
    for change in changes:
        if change.session != session:
            session = change.session
            console.print(Text(f"session {visible_text(session)}", style="bold"))
        head = f"  {change.severity:<5} {change.what:<8} {change.stage}".rstrip()
        console.print(Text(head, style=_STYLES[change.severity]))
        for mark, text, file, line, style in (
            ("-", change.old, files[0], change.old_line, "red"),
            ("+", change.new, files[1], change.new_line, "green"),
        ):
            if text or line:
                place = (f"   ({visible_text(str(file))}:{line})", "dim") if line else ""
                console.print(Text.assemble((f"    {mark} {text or '(nothing)'}", style), place))
    found = Counter(change.severity for change in changes)
    told = ", ".join(f"{found[one]} of {one}" for one in SEVERITIES if found[one])
    console.print(Text(f"{counted(len(changes), 'change')}: {told}"))
