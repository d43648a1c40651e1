"""What rules want to be done to one message on its way to upstream.

Owns the choice of what in a decision concerns mail data. Knows nothing of octets.
"""

from __future__ import annotations

from typing import NamedTuple

from smtpproxy.exchange import Decision, Firing
from smtpproxy.faults.base import DataFilter
from smtpproxy.faults.mid_data import MidData


class Interruption(NamedTuple):
    """The session ends in the middle of a message: what fired, and the fault that wants it."""

    firing: Firing
    fault: MidData


class Course(NamedTuple):
    """A message's course. `holds`: it is kept until its end, where it is decided about."""

    filters: tuple[tuple[str, DataFilter], ...]  # each with its rule
    interruption: Interruption | None
    holds: bool


def course_of(firings: tuple[Firing, ...], holds: bool) -> Course | None:
    """Return the course of a message, or None where it passes as it is."""
    filters = []
    interruption = None
    for firing in firings:
        for fault in firing.faults:
            if isinstance(fault, MidData):
                interruption = interruption or Interruption(firing._replace(faults=(fault,)), fault)
            elif (made := fault.data_filter(firing.draw)) is not None:
                filters.append((firing.rule, made))
    if not (filters or interruption or holds):
        return None
    return Course(tuple(filters), interruption, holds)


def in_data(decision: Decision | None) -> tuple[Firing, ...]:
    """Return of a decision what befalls mail data."""
    firings = decision.firings if decision else ()
    left = (
        firing._replace(faults=tuple(fault for fault in firing.faults if fault.in_data))
        for firing in firings
    )
    return tuple(firing for firing in left if firing.faults)
