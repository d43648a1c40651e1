"""What holds also where rules, or refusals, change what passes."""

from __future__ import annotations

import re
from collections.abc import Iterable

from smtpproxy.actions import Side
from smtpproxy.smtp.anomalies import EARLY_REPLY, command_anomalies
from tests.relaying import Outcome, Terms

_ODD_ENDING = re.compile(rb"\r(?!\n|\Z)|(?<!\r)\n")
#: What follows these is not read as lines, or passes whatever it is.
_UNREFUSED = {"AUTH", "BDAT", "STARTTLS", "TURN", "ATRN"}


def check_order(outcome: Outcome, received: dict[Side, bytes]) -> None:
    """What was said and heard, and what was asked, is in what passed, and in that order."""
    exchanges = outcome.exchanges
    said = [one.said for one in exchanges if one.said is not None]
    asked = [one.sent for one in exchanges if one.said is not None and not one.continues]
    heard = [one.heard for one in exchanges if one.heard is not None]
    assert _in_order(said, received[Side.UPSTREAM])
    assert _in_order(asked, outcome.upward)
    # A reply that came early was heard before what is made up for the commands that it was before.
    if EARLY_REPLY not in dict(outcome.notes):
        assert _in_order(heard, outcome.downward)


def check_refused(outcome: Outcome, terms: Terms) -> None:
    """Upstream gets no command, and no message, that has in it what is refused."""
    notes = dict(outcome.notes)
    for one in outcome.exchanges:
        odd = terms.refused.intersection((*one.odd, *command_anomalies(one.sent)))
        if odd and one.stage != "AUTH":
            assert one.said is None, one
    stages = {one.stage for one in outcome.exchanges}
    if terms.refused and not stages & _UNREFUSED and "unfinished-line" not in notes:
        assert b"\0" not in outcome.upward
        assert not _ODD_ENDING.search(outcome.upward)


def check_cut(outcome: Outcome, other: Outcome, terms: Terms) -> None:
    """The same comes of other cuts, but for how much of a message passed before it was refused."""
    if terms.refused:
        short, long = sorted((outcome.upward, other.upward), key=len)
        assert long.startswith(short)
        other = other._replace(upward=outcome.upward)
    assert outcome == other


def _in_order(parts: Iterable[bytes], octets: bytes) -> bool:
    at = 0
    for part in parts:
        found = octets.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True
