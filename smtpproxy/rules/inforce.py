"""The rules in force: read at the start, and again on demand.

Owns that a reload takes all of the new rules or keeps all of the old ones. What becomes of them is
for those who ask for `book`.
"""

from __future__ import annotations

from pathlib import Path

from smtpproxy.console import say
from smtpproxy.documents import DocumentError
from smtpproxy.rules.load import load_rules, parse_rule
from smtpproxy.rules.model import Rule, RuleBook, rule_book
from smtpproxy.rules.presets import PresetError, load_preset, preset_names
from smtpproxy.settings import Settings, SettingsError


class RulesInForce:
    """The rules that options name. Raises DocumentError or SettingsError where they can't be read.

    `book` is what new sessions are judged by.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self.book = self._load()

    def reload(self) -> None:
        """Read the rule files again, all or nothing, and tell what came of it."""
        try:
            self.book = self._load()
            say(f"smtpproxy: {self.book.total} rules are in force now")
        except (DocumentError, SettingsError) as error:
            say(f"smtpproxy: the old rules stay in force: {error}")

    def _load(self) -> RuleBook:
        settings = self._settings
        rules = [rule for name in settings.many("rules") for rule in _in_file(name)]
        rules += [parse_rule(text) for text in settings.many("rule")]
        # Whoever uses a preset has a rule of their own for what shall be otherwise.
        rules += [rule for name in settings.many("preset") for rule in _in_preset(name)]
        return rule_book(rules)


def _in_file(name: str) -> list[Rule]:
    if name in preset_names() and not Path(name).exists():
        raise SettingsError(f"--rules {name}: there is no such file; did you mean --preset {name}?")
    return load_rules(Path(name))


def _in_preset(name: str) -> list[Rule]:
    try:
        return load_preset(name)
    except PresetError as error:
        raise SettingsError(f"--preset: {error}") from None
