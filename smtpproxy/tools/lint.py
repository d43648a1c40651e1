"""`smtpproxy lint FILE…`: what is wrong with cassettes, rule and redaction files, and where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from smtpproxy.cassette.conduct import CONDUCT, findings
from smtpproxy.cassette.model import MAGIC as CASSETTE
from smtpproxy.cassette.model import Cassette
from smtpproxy.cassette.names import unfinished
from smtpproxy.cassette.store import load_recorded
from smtpproxy.console import FOUND, GOOD, UNABLE, say
from smtpproxy.documents import DocumentError, nearest, read_octets
from smtpproxy.options import OneLineOptions
from smtpproxy.private.redactionrules import MAGIC as REDACTION
from smtpproxy.private.redactionrules import read_privacy
from smtpproxy.rules.examining import problems
from smtpproxy.rules.load import MAGIC as RULES
from smtpproxy.rules.presets import preset_names


class LintOptions(OneLineOptions):
    """Which files."""

    synopsis = "Usage: smtpproxy lint FILE..."
    examples = (
        "  smtpproxy lint cassettes/*.yaml faults.yaml\n"
        "  smtpproxy lint --pass no-quit cassettes/*.yaml\n"
    )
    longdesc = (
        "Of a cassette, also what its clients did that SMTP does not allow is told, and what "
        "can't have been said. The exit status is 1 where anything was told."
    )

    def __init__(self) -> None:
        super().__init__()
        self.passed: set[str] = set()

    def opt_pass(self, name: str) -> None:
        """a name in brackets that is not to be told, or "all" of those, repeatable"""
        if name not in CONDUCT and name != "all":
            say(f"smtpproxy: --pass: unknown name {name!r}{nearest(name, (*CONDUCT, 'all'))}")
            raise SystemExit(UNABLE)
        self.passed |= set(CONDUCT) if name == "all" else {name}

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
    found = False
    for file in options.files:
        for problem in _problems(file, options.passed):
            print(problem)
            found = True
    return FOUND if found else GOOD


def _problems(file: Path, passed: set[str]) -> Iterator[str]:
    name = str(file)
    if name in preset_names() and not file.exists():
        yield f"{name}: is no file, but a preset: smtpproxy presets {name} prints it"
        return
    try:
        octets = read_octets(unfinished(file) or file)
        if CASSETTE.encode() in octets[:4096]:
            cassette = load_recorded(file, lambda warning: say(f"smtpproxy: {warning}"))
            yield from _conduct(cassette, passed)
        elif RULES.encode() in octets[:4096]:
            yield from map(str, problems(octets, str(file)))
        elif REDACTION.encode() in octets[:4096]:
            read_privacy(octets, str(file))
        else:
            yield (
                f"{file}:1: is neither a cassette nor a rule file nor a redaction file: "
                f"expected {CASSETTE}, {RULES} or {REDACTION}"
            )
    except DocumentError as error:
        yield str(error)


def _conduct(cassette: Cassette, passed: set[str]) -> Iterator[str]:
    for session in cassette.sessions:
        for finding in findings(session):
            if finding.name not in passed:
                yield f"{cassette.source}:{finding.line}: {finding}"
