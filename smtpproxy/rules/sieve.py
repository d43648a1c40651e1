"""Rules that are asked together, and which of them an envelope leaves to be asked.

Owns that what does not match is cheap: all patterns for the sender, or for recipients, are tried at
once, and rules whose own can't fit are not looked at one by one. No rule that matches is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from smtpproxy.rules.conditions import Recipient, Sender
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.pattern import may_fit
from smtpproxy.rules.rule import Rule

#: Fewer rules are asked as quickly one by one.
_WORTH_IT = 3


class Asked(tuple[Rule, ...]):
    """Rules of one stage, in order."""

    _sender: Callable[[str], bool] | None
    _recipient: Callable[[str], bool] | None
    _left: dict[tuple[bool, bool], tuple[Rule, ...]]

    def __new__(cls, rules: Iterable[Rule] = ()) -> Asked:
        """Take the rules, in order."""
        self = super().__new__(cls, rules)
        senders, recipients = (
            [one.pattern for rule in self for one in rule.conditions if isinstance(one, kind)]
            for kind in (Sender, Recipient)
        )
        self._sender = may_fit(senders) if len(senders) >= _WORTH_IT else None
        self._recipient = may_fit(recipients) if len(recipients) >= _WORTH_IT else None
        self._left = {
            (sends, receives): tuple(
                rule
                for rule in self
                if not (not sends and any(isinstance(one, Sender) for one in rule.conditions))
                and not (
                    not receives and any(isinstance(one, Recipient) for one in rule.conditions)
                )
            )
            for sends in (False, True)
            for receives in (False, True)
        }
        return self

    def sift(self, occasion: Occasion) -> tuple[Rule, ...]:
        """Return the rules that may match."""
        sends = receives = True
        if self._sender is not None:
            sender = occasion.sender
            sends = sender is not None and self._sender(sender)
        if self._recipient is not None:
            receives = any(map(self._recipient, occasion.recipients))
        return self if sends and receives else self._left[sends, receives]


NOBODY = Asked()
