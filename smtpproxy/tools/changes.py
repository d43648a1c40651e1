"""Changes as `smtpproxy diff` and `smtpproxy check` print them: for a person, or as JSON."""

from __future__ import annotations

from collections import Counter

import msgspec
from rich.console import Console
from rich.text import Text

from smtpproxy.cassette.comparing import CLASS, CODE, SEVERITIES, TEXT, Change
from smtpproxy.console import counted, say
from smtpproxy.documents import nearest
from smtpproxy.tools.paging import paged
from smtpproxy.visible import visible_text

_STYLES = {CLASS: "red", CODE: "yellow", TEXT: "dim"}


def severities_from(severity: str) -> tuple[str, ...]:
    """Return the severities that count; none, and say so, where there is no such severity."""
    if severity not in SEVERITIES:
        say(f"smtpproxy: --severity: expected class, code or text{nearest(severity, SEVERITIES)}")
        return ()
    return SEVERITIES[: SEVERITIES.index(severity) + 1]


def tell(changes: list[Change], sides: tuple[str, str], as_json: bool, plain: bool) -> None:
    """Print changes; `sides` are the files that lines of the old and of the new are in."""
    if as_json:
        for change in changes:
            print(msgspec.json.encode(change._asdict()).decode())
    elif changes:
        with paged(plain=plain) as console:
            _print(console, changes, sides)


def _print(console: Console, changes: list[Change], sides: tuple[str, str]) -> None:
    session = None
    for change in changes:
        if change.session != session:
            session = change.session
            console.print(Text(f"session {visible_text(session)}", style="bold"))
        head = f"  {change.severity:<5} {change.what:<8} {change.stage}".rstrip()
        console.print(Text(head, style=_STYLES[change.severity]))
        for mark, text, file, line, style in (
            ("-", change.old, sides[0], change.old_line, "red"),
            ("+", change.new, sides[1], change.new_line, "green"),
        ):
            if text or line:
                place = (f"   ({visible_text(file)}:{line})", "dim") if line else ""
                console.print(Text.assemble((f"    {mark} {text or '(nothing)'}", style), place))
    found = Counter(change.severity for change in changes)
    told = ", ".join(f"{found[one]} of {one}" for one in SEVERITIES if found[one])
    console.print(Text(f"{counted(len(changes), 'change')}: {told}"))
