"""`smtpproxy lint FILE…`: what is wrong with cassettes and rule files, and where."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.cassette.model import MAGIC as CASSETTE
from smtpproxy.cassette.store import load_cassette
from smtpproxy.console import FOUND, UNABLE, say
from smtpproxy.documents import DocumentError, read_octets
from smtpproxy.options import OneLineOptions
from smtpproxy.rules.load import MAGIC as RULES
from smtpproxy.rules.load import load_rules


class LintOptions(OneLineOptions):
    """Which files."""

    synopsis = "Usage: smtpproxy lint FILE..."
    examples = "  smtpproxy lint cassettes/*.yaml faults.yaml\n"

    def parseArgs(self, *files: str) -> None:
        """Take the files."""
        self.files = [Path(file) for file in files]


def lint(words: list[str]) -> int:
    """Look at each file."""
    options = LintOptions()
    options.parseOptions(words)
    if not options.files:
        say("smtpproxy: expected a cassette or a rule file")
        return UNABLE
    problems = [problem for file in options.files if (problem := _problem(file))]
    for problem in problems:
        print(problem)
    return FOUND if problems else 0


def _problem(file: Path) -> str:
    try:
        octets = read_octets(file)
        if CASSETTE.encode() in octets[:4096]:
            load_cassette(file)
        elif RULES.encode() in octets[:4096]:
            load_rules(file)
        else:
            return (
                f"{file}:1: is neither a cassette nor a rule file: expected {CASSETTE} or {RULES}"
            )
    except DocumentError as error:
        return str(error)
    return ""
