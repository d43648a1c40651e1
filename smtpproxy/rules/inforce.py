"""The rules in force: read at the start, and again on demand.

Owns that a reload takes all of the new rules or keeps all of the old ones, where the seed comes
from, and the account of what fired. What becomes of the rules is for those who ask for `book`.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from smtpproxy.console import say
from smtpproxy.documents import DocumentError
from smtpproxy.figures import FiredRule
from smtpproxy.rules.ledger import MOST_RULES
from smtpproxy.rules.load import MOST_DIGITS, RuleFile, load_rule_file, parse_rule
from smtpproxy.rules.model import RuleBook, rule_book
from smtpproxy.rules.presets import PresetError, load_preset, preset_names
from smtpproxy.rules.run import Run, Visit
from smtpproxy.settings import Settings, SettingsError


class _Read(NamedTuple):
    """What the options' rules are; `seed`: that of the files, or None."""

    book: RuleBook
    seed: int | None


class RulesInForce:
    """The rules that options name. Raises DocumentError or SettingsError where they can't be read.

    `book` is what sessions are judged by, `run` what they share. `began` is the time, `chance`
    gives a seed where nobody has named one, `shown` makes a rule's name fit to be kept.
    """

    def __init__(
        self,
        settings: Settings,
        began: float = 0.0,
        chance: Callable[[], int] = lambda: 0,
        shown: Callable[[str], str] = str,
    ) -> None:
        self._settings = settings
        self._shown = shown
        self._chosen = _seed(settings.text("seed"))
        read = self._load()
        self.book = read.book
        seed = self._seed_of(read)
        self.run = Run(began, chance() if seed is None else seed, settings.flag("rules-dry-run"))
        self._names: dict[str, tuple[str, str]] = {}  # by key: name and stage
        self._told: int | None = None  # the seed that was told
        self._take(read)

    def reload(self) -> bool:
        """Read the rule files again, all or nothing, and tell what came of it."""
        try:
            read = self._load()
        except (DocumentError, SettingsError) as error:
            say(f"smtpproxy: the old rules stay in force: {error}")
            return False
        self._take(read)
        say(f"smtpproxy: {self.book.total} rules are in force now")
        return True

    def visit(self, client: str, number: int) -> Visit:
        """Return what the rules know of a session: the client's IP address, and its number."""
        return Visit(client, number, self.run)

    def fired(self) -> list[FiredRule]:
        """Return how often each rule fired, in order; then those that are in force no more."""
        ledger = self.run.ledger
        keys = dict.fromkeys([*(rule.key for rule in self.book.rules), *ledger.ever_fired()])
        return [
            FiredRule(self._shown(name), stage, *ledger.fired(key))
            for key in keys
            if key in self._names
            for name, stage in [self._names[key]]
        ]

    def _take(self, read: _Read) -> None:
        self.book, run = read.book, self.run
        run.ledger.keep(rule.key for rule in read.book.rules)
        seed = self._seed_of(read)
        run.seed = run.seed if seed is None else seed
        self._remember(read.book)
        if read.book.draws and run.seed != self._told:
            self._told = run.seed
            say(f"seed: {run.seed}")

    def _remember(self, book: RuleBook) -> None:
        ever = set(self.run.ledger.ever_fired())
        fired = {key: named for key, named in self._names.items() if key in ever}
        kept = dict(list(fired.items())[-MOST_RULES:])
        self._names = {**kept, **{rule.key: (rule.name, rule.stage) for rule in book.rules}}

    def _seed_of(self, read: _Read) -> int | None:
        return read.seed if self._chosen is None else self._chosen

    def _load(self) -> _Read:
        settings = self._settings
        files = [_in_file(name) for name in settings.many("rules")]
        presets = [_in_preset(name) for name in settings.many("preset")]
        rules = [rule for file in files for rule in file.rules]
        rules += [parse_rule(text) for text in settings.many("rule")]
        # Whoever uses a preset has a rule of their own for what shall be otherwise.
        rules += [rule for preset in presets for rule in preset.rules]
        seeds = (file.seed for file in (*files, *presets) if file.seed is not None)
        return _Read(rule_book(rules), next(seeds, None))


def _in_file(name: str) -> RuleFile:
    if name in preset_names() and not Path(name).exists():
        raise SettingsError(f"--rules {name}: there is no such file; did you mean --preset {name}?")
    return load_rule_file(Path(name))


def _in_preset(name: str) -> RuleFile:
    try:
        return load_preset(name)
    except PresetError as error:
        raise SettingsError(f"--preset: {error}") from None


def _seed(text: str) -> int | None:
    """Return the seed that an option names. Raises SettingsError."""
    if not text:
        return None
    if not (text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS):
        raise SettingsError(f"--seed: expected a whole number, got {text!r}")
    return int(text)
