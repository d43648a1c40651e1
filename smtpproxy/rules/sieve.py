"""Rules that are asked together, and which of them an occasion leaves to be asked.

Owns that what does not match is cheap: all patterns for the sender, say, are tried at once, and
rules whose own can't fit are not looked at one by one. No rule that matches is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from smtpproxy.rules.conditions import Condition, Hello, Recipient, Sender, User
from smtpproxy.rules.occasion import Occasion
from smtpproxy.rules.pattern import may_fit
from smtpproxy.rules.rule import Rule

#: Fewer rules are asked as quickly one by one.
_WORTH_IT = 3

_Patterned = Sender | Recipient | Hello | User


def _sender(occasion: Occasion) -> tuple[str, ...]:
    sender = occasion.sender
    return () if sender is None else (sender,)


#: Conditions that are patterns, and the texts that these are for.
_KINDS: tuple[tuple[type[_Patterned], Callable[[Occasion], tuple[str, ...]]], ...] = (
    (Sender, _sender),
    (Recipient, lambda occasion: occasion.recipients),
    (Hello, lambda occasion: (occasion.hello,)),
    (User, lambda occasion: (occasion.user,)),
)


class _Mesh(NamedTuple):
    """One kind of condition: the rules that have it, by a bit, and the test of all patterns."""

    bit: int
    kind: type[Condition]
    texts: Callable[[Occasion], tuple[str, ...]]
    test: Callable[[str], bool]


class Asked(tuple[Rule, ...]):
    """Rules of one stage, in order."""

    _meshes: tuple[_Mesh, ...]
    _left: tuple[tuple[Rule, ...], ...]  # by the bits of the kinds of which no pattern fits

    def __new__(cls, rules: Iterable[Rule] = ()) -> Asked:
        """Take the rules, in order."""
        self = super().__new__(cls, rules)
        self._meshes = tuple(_meshes(self))
        self._left = tuple(tuple(self._without(bits)) for bits in range(1 << len(self._meshes)))
        return self

    def sift(self, occasion: Occasion) -> tuple[Rule, ...]:
        """Return the rules that may match."""
        bits = 0
        for bit, _, texts, test in self._meshes:
            for text in texts(occasion):
                if test(text):
                    break
            else:
                bits += bit
        return self._left[bits]

    def _without(self, bits: int) -> Iterable[Rule]:
        gone = tuple(mesh.kind for mesh in self._meshes if mesh.bit & bits)
        return (rule for rule in self if not any(isinstance(one, gone) for one in rule.conditions))


def _meshes(rules: tuple[Rule, ...]) -> Iterable[_Mesh]:
    bit = 1
    for kind, texts in _KINDS:
        patterns = [one.pattern for rule in rules for one in rule.conditions if type(one) is kind]
        if len(patterns) >= _WORTH_IT:
            yield _Mesh(bit, kind, texts, may_fit(patterns))
            bit <<= 1


NOBODY = Asked()
