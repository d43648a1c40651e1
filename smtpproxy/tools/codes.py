"""`smtpproxy codes [CODE] [--command VERB]`: the registry of reply codes."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from smtpproxy.classify import SEVERITIES
from smtpproxy.codes import CODES, STAGES, meaning, stage_name
from smtpproxy.console import UNABLE, say
from smtpproxy.documents import nearest
from smtpproxy.options import OneLineOptions

COLOURS = {2: "green", 3: "cyan", 4: "yellow", 5: "red"}


class CodesOptions(OneLineOptions):
    """Which codes."""

    synopsis = "Usage: smtpproxy codes [CODE] [options]"
    examples = "  smtpproxy codes\n  smtpproxy codes 452\n  smtpproxy codes --command RCPT\n"
    optParameters = (("command", "c", None, "only codes listed for this command or stage"),)

    def parseArgs(self, code: str = "") -> None:
        """Take the code."""
        self.code = code


def codes(words: list[str]) -> int:
    """Print a table of codes."""
    options = CodesOptions()
    options.parseOptions(words)
    stage = None
    if options["command"]:
        stage = stage_name(options["command"])
        if stage is None:
            say(
                f"smtpproxy: unknown command {options['command']!r}"
                f"{nearest(options['command'], STAGES)}"
            )
            return UNABLE
    known = {str(code): code for code in CODES}
    if options.code and options.code not in known:
        say(f"smtpproxy: unknown reply code {options.code!r}{nearest(options.code, known)}")
        return UNABLE
    table = Table("code", "severity", "meaning", "listed for")
    for code in CODES:
        if (options.code and code != known[options.code]) or (stage and code not in STAGES[stage]):
            continue
        listed = " ".join(name for name, found in STAGES.items() if code in found)
        colour = COLOURS[code // 100]
        table.add_row(
            str(code), SEVERITIES[code // 100], meaning(stage or "", code), listed, style=colour
        )
    Console().print(table)
    return 0
