"""The rounds: every subject once in each, the order turned every time; and what came of it."""

import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.load import Load
from bench.processes import Trouble
from bench.subjects import SUBJECTS, Subject
from bench.trial import measure


@dataclass
class Figures:
    """Speeds by load and subject, one a round, and the troubles of those that failed."""

    speeds: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    troubles: dict[tuple[str, str], str] = field(default_factory=dict)

    def speed(self, load: str, subject: str) -> float | None:
        """The median of all rounds."""
        speeds = self.speeds.get((load, subject))
        return statistics.median(speeds) if speeds else None

    def ratios(self, load: str, subject: str) -> list[float]:
        """One ratio a round, beside what this subject is measured by; empty if either failed."""
        mine = self.speeds.get((load, subject), [])
        theirs = self.speeds.get((load, SUBJECTS[subject].beside), [])
        return [one / other for one, other in zip(mine, theirs, strict=False)]

    def fail(self, load: str, subject: str, trouble: str) -> None:
        """A subject that failed once has no figures under this load."""
        self.troubles[load, subject] = trouble
        self.speeds.pop((load, subject), None)


Told = Callable[[str], None]


def run(
    load: Load, subjects: Sequence[Subject], messages: int, rounds: int, folder: Path, tell: Told
) -> Figures:
    """Measure the subjects under one load."""
    figures = Figures()
    for number in range(rounds):
        for subject in turn(subjects, number):
            if (load.name, subject.name) in figures.troubles:
                continue
            tell(f"{load.title}: round {number + 1} of {rounds}: {subject.title}")
            try:
                speed = measure(subject, load, messages, folder)
            except Trouble as trouble:
                figures.fail(load.name, subject.name, str(trouble))
            else:
                figures.speeds.setdefault((load.name, subject.name), []).append(speed)
    return figures


def turn(subjects: Sequence[Subject], number: int) -> list[Subject]:
    """The order of a round: a machine that slows down must not favour whoever comes first."""
    return list(subjects) if number % 2 == 0 else list(reversed(subjects))
