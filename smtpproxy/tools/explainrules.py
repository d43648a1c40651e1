"""`smtpproxy explain-rules FILE|PRESET…`: each rule as a sentence."""

from __future__ import annotations

import re
import sys

from rich.console import Console
from rich.text import Text

from smtpproxy.classify import SEVERITIES
from smtpproxy.console import COLOURS, UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.options import OneLineOptions
from smtpproxy.rules.load import parse_rule
from smtpproxy.rules.model import Rule
from smtpproxy.rules.presets import load_named
from smtpproxy.rules.sentences import sentence
from smtpproxy.tools.paging import console_on
from smtpproxy.visible import visible_text

_INDENT = 4
_REPLY = re.compile(r"(?<=the client hears )[2-5][0-9]{2}(?: [245]\.[0-9]+\.[0-9]+)?")


class ExplainRulesOptions(OneLineOptions):
    """Which rules."""

    synopsis = "Usage: smtpproxy explain-rules [FILE | PRESET]... [options]"
    examples = (
        "  smtpproxy explain-rules faults.yaml\n"
        "  smtpproxy explain-rules greylisting\n"
        "  smtpproxy explain-rules --rule 'RCPT *@example.net: 450'\n"
    )
    longdesc = "One sentence a rule, in the order in which they are asked."

    def __init__(self) -> None:
        super().__init__()
        self.rules: list[str] = []

    def opt_rule(self, text: str) -> None:
        """one rule, repeatable, such as 'RCPT bob@example.net: 550'"""
        self.rules.append(text)

    def parseArgs(self, *words: str) -> None:
        """Take the names of files and presets."""
        self.words = words


def explain_rules(words: list[str]) -> int:
    """Print a sentence a rule."""
    options = ExplainRulesOptions()
    options.parseOptions(words)
    if not (options.words or options.rules):
        say("smtpproxy: expected a rule file, a preset, or --rule TEXT")
        return UNABLE
    try:
        rules = [*load_named(options.words).rules, *map(parse_rule, options.rules)]
    except DocumentError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    console = console_on(sys.stdout, plain=False)
    for rule in rules:
        for line in _lines(rule, console):
            console.print(line)
    return 0


def _lines(rule: Rule, console: Console) -> list[Text]:
    """Return a rule's sentence as it is printed: wrapped on a terminal, else in one line."""
    name = visible_text(rule.name)
    text = Text.assemble((f"{name}:", "bold"), " ", sentence(rule))
    for found in _REPLY.finditer(text.plain):
        severity = SEVERITIES[int(found[0][0])]
        text.stylize(COLOURS.get(severity, "magenta"), *found.span())
    if not console.is_terminal:
        return [text]
    first, *others = text.wrap(console, max(20, console.width - _INDENT))
    for line in others:
        line.pad_left(_INDENT)
    return [first, *others]
