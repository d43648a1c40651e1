"""Asks rules about one occasion, from top to bottom, and counts what fires.

Owns what a match and a firing are: a rule matches where all of its conditions hold and no rule
before it has answered; it fires where `times:` lets it. Changes nothing but the ledger.
"""

from __future__ import annotations

from smtpproxy.exchange import Decision, Firing
from smtpproxy.rules.ledger import Account
from smtpproxy.rules.model import FORWARD, Rule
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.run import Run
from smtpproxy.rules.scopes import RUN, scope_of, scope_of_draws
from smtpproxy.rules.times import ALWAYS


class Trial:
    """One time that a rule is asked; called, it draws.

    A draw is a function of the seed, the rule, its scope and the ordinal of the trial in that
    scope: nothing that goes on in other scopes changes it.
    """

    __slots__ = (
        *("_account", "_counter", "_occasion", "_ordinal", "_rule", "_scope"),
        *("_upheld", "_withdrawn"),
    )

    def __init__(self, rule: Rule, occasion: Occasion) -> None:
        self._rule = rule
        self._occasion = occasion
        self._account: Account | None = None
        self._scope = ""
        self._ordinal = 0  # nothing was drawn yet
        self._counter = 0
        self._upheld = self._withdrawn = False

    def __call__(self) -> float:
        """Return the next number from 0 up to 1."""
        rule, run = self._rule, self._run
        if not self._ordinal:
            per, occasion = rule.times.per, self._occasion
            self._scope = scope_of(per, occasion) if per else scope_of_draws(occasion)
            self._ordinal = run.ledger.ordinal(rule.key, self._scope)
        self._counter += 1
        return run.draw(rule.key, self._scope, self._ordinal, self._counter)

    @property
    def _run(self) -> Run:
        run: Run = self._occasion.run
        return run

    def fires(self) -> Firing | None:
        """All but chance holds: does the rule fire?"""
        rule, occasion = self._rule, self._occasion
        occasion.draw = self
        for gamble in rule.gambles:
            if not gamble(occasion):
                return None
        run, now = self._run, occasion.now()
        times = rule.times
        if times is not ALWAYS:
            scope = scope_of(times.per or RUN, occasion)
            account = run.ledger.account(rule.key, scope, now, times.forget, times.above)
            self._account = account
            if not times.let(account, now, now - run.began, self):
                return None
        number = run.ledger.fire(rule.key, now - run.began)
        return Firing(rule.name, rule.faults, number, self, self.concerns)

    def concerns(self, recipient: str) -> bool:
        """Would the rule match, were this the message's only recipient?"""
        occasion = self._occasion.of(recipient)
        return all(test(occasion) for test in self._rule.tests)

    def withdraw(self) -> None:
        """It fired, and came to nothing, as far as is known by now."""
        if self._upheld or self._withdrawn:
            return
        self._withdrawn = True
        self._run.ledger.withdraw(self._rule.key)
        if self._account is not None and self._account.fired:
            self._account.fired -= 1

    def uphold(self) -> None:
        """Somebody was told: it has fired, whatever becomes of it for others."""
        self._upheld = True
        if self._withdrawn:
            self._withdrawn = False
            self._run.ledger.restore(self._rule.key)
            if self._account is not None:
                self._account.fired += 1


def decide(rules: tuple[Rule, ...], occasion: Occasion) -> Decision | None:
    """Ask `rules` from top to bottom: the first that answers wins, all that do not apply."""
    firings: list[Firing] = []
    first: Rule | None = None
    answering: Rule | None = None
    for rule in rules:
        for test in rule.tests:
            if not test(occasion):
                break
        else:
            if answering is not None and rule.answers:
                continue
            firing = Trial(rule, occasion).fires()
            if firing is None:
                continue
            first = first or rule
            if rule.answers:
                answering = rule
            firings.append(firing)
    if first is None:
        return None
    teller = answering or first
    return Decision(
        teller.name,
        tuple(firings),
        answers=answering is not None,
        upstream=teller.upstream if answering else FORWARD,
        code=teller.code,
        knowing=teller.needs_reply,
    )


def withdraw(firings: tuple[Firing, ...]) -> None:
    """These fired, and came to nothing."""
    for firing in firings:
        if isinstance(firing.draw, Trial):
            firing.draw.withdraw()


def uphold(firings: tuple[Firing, ...]) -> None:
    """These were told to one of a message's recipients, perhaps after another one was not."""
    for firing in firings:
        if isinstance(firing.draw, Trial):
            firing.draw.uphold()
