"""The rules in force: read at the start, and again on demand.

Owns that a reload takes all of the new rules or keeps all of the old ones. What becomes of them is
for those who ask for `book`.
"""

from __future__ import annotations

from pathlib import Path

from smtpproxy.console import say
from smtpproxy.documents import DocumentError
from smtpproxy.rules.load import load_rules, parse_rule
from smtpproxy.rules.model import RuleBook, rule_book
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
        rules = [rule for path in self._settings.many("rules") for rule in load_rules(Path(path))]
        return rule_book(rules + [parse_rule(text) for text in self._settings.many("rule")])
