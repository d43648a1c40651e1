"""`smtpproxy diff OLD NEW`: what has changed from one cassette to another."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.cassette.comparing import TEXT, compare
from smtpproxy.cassette.store import load_cassette
from smtpproxy.console import FOUND, GOOD, UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.options import OneLineOptions
from smtpproxy.tools.changes import severities_from, tell


class DiffOptions(OneLineOptions):
    """Which cassettes, and from which severity on a change counts."""

    synopsis = "Usage: smtpproxy diff OLD NEW [options]"
    examples = (
        "  smtpproxy diff old.yaml new.yaml\n  smtpproxy diff --severity class old.yaml new.yaml\n"
    )
    longdesc = (
        "Mail transactions are paired by what was said in them, on whichever connection. Queue "
        "ids, dates and what else differs at every run is passed over, and so is what OLD says by "
        "match: and ignore:. The exit status is 1 where a change counts. Severities: class (the "
        "class of a reply, a command or a transaction added or removed), code (code, enhanced "
        "code, EHLO keywords, message, how it ended), text."
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
    counting = severities_from(options["severity"])
    if not counting:
        return UNABLE
    if len(options.cassettes) != 2:
        say("smtpproxy: expected two cassettes, the old one and the new one")
        return UNABLE
    try:
        old, new = map(load_cassette, options.cassettes)
    except DocumentError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    changes = [change for change in compare(old, new) if change.severity in counting]
    sides = (str(options.cassettes[0]), str(options.cassettes[1]))
    tell(changes, sides, bool(options["json"]), bool(options["plain"]))
    return FOUND if changes else GOOD
