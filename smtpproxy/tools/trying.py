"""`smtpproxy try RULES… CASSETTE`: a recorded dialogue as its client would have heard it."""

from __future__ import annotations

from pathlib import Path

from smtpproxy.cassette.model import Cassette, Kept
from smtpproxy.cassette.store import load_recorded, mail_data_on_the_wire
from smtpproxy.cassette.trial import Clock, Trial, TriedSession
from smtpproxy.console import UNABLE, say
from smtpproxy.documents import DocumentError
from smtpproxy.faults.base import FaultError
from smtpproxy.faults.delay import parse_duration
from smtpproxy.options import OneLineOptions
from smtpproxy.rules.load import MOST_DIGITS, parse_rule
from smtpproxy.rules.model import Rule, rule_book
from smtpproxy.rules.presets import load_named
from smtpproxy.rules.run import Run
from smtpproxy.tools.paging import paged
from smtpproxy.tools.tried import as_json, session_lines, summary_lines


class TryOptions(OneLineOptions):
    """Which rules, and which cassette."""

    synopsis = "Usage: smtpproxy try [RULES | PRESET]... CASSETTE [options]"
    examples = (
        "  smtpproxy try faults.yaml signup.yaml\n"
        "  smtpproxy try greylisting signup.yaml --apart '10 min'\n"
        "  smtpproxy try --rule 'RCPT *@example.net: 450' signup.yaml --json\n"
    )
    longdesc = (
        "Plays the client's side of each session before these rules, with the recording in the "
        "place of upstream. Nothing is sent, written or waited for. What the client would have "
        "heard otherwise is told with the old reply, the new one and the rule; where it could not "
        "have gone on as recorded, what it leaves out."
    )
    optParameters = (
        ("apart", "a", "0 s", "the time between one session and the next, such as '10 min'"),
        (
            "seed",
            None,
            "",
            "a whole number to draw chances by [the file's, or 0]",
        ),
    )
    optFlags = (
        ("json", None, "one JSON object for all"),
        ("plain", None, "no colours, no pager"),
    )

    def __init__(self) -> None:
        super().__init__()
        self.rules: list[str] = []

    def opt_rule(self, text: str) -> None:
        """one rule, repeatable, such as 'RCPT bob@example.net: 550'"""
        self.rules.append(text)

    def parseArgs(self, *words: str) -> None:
        """Take the names: the cassette is the last."""
        self.words = words


def try_(words: list[str]) -> int:
    """Try the rules."""
    options = TryOptions()
    options.parseOptions(words)
    if not options.words or not (options.rules or len(options.words) > 1):
        say("smtpproxy: expected rules, and a cassette")
        return UNABLE
    if options["seed"] and not (options["seed"].isdecimal() and options["seed"].isascii()):
        say(f"smtpproxy: --seed: expected a whole number, got {options['seed']!r}")
        return UNABLE
    try:
        named = load_named(options.words[:-1])
        rules = [*named.rules, *map(parse_rule, options.rules)]
        seed = int(options["seed"][:MOST_DIGITS] or named.seed or 0)
        cassette = load_recorded(Path(options.words[-1]), lambda w: say(f"smtpproxy: {w}"))
        tried = _tried(rules, cassette, parse_duration(options["apart"]), seed)
    except FaultError as error:
        say(f"smtpproxy: --apart: {error}")
        return UNABLE
    except DocumentError as error:
        say(f"smtpproxy: {error}")
        return UNABLE
    names = [rule.name for rule in rules]
    if options["json"]:
        print(as_json(cassette.source, names, tried).decode())
        return 0
    with paged(plain=bool(options["plain"])) as console:
        for session in tried:
            for line in session_lines(session):
                console.print(line)
        for line in summary_lines(names, tried):
            console.print(line)
    return 0


def _tried(rules: list[Rule], cassette: Cassette, apart: float, seed: int) -> list[TriedSession]:
    """Return what became of each session, one after the other. Raises DocumentError."""
    book, clock, run = rule_book(rules), Clock(), Run(seed=seed)
    path = Path(cassette.source)

    def on_the_wire(kept: Kept) -> bytes:
        return mail_data_on_the_wire(kept, path)

    tried = []
    for number, session in enumerate(cassette.sessions, start=1):
        tried.append(Trial(session, book, on_the_wire, clock, run, number).play())
        clock.now += apart
    return tried
