"""The table: ratios and speeds, on a terminal or in Markdown. It measures nothing."""

import statistics
from collections.abc import Iterator, Sequence

from rich.box import SIMPLE_HEAD
from rich.table import Table
from rich.text import Text

from bench.load import Load
from bench.rounds import Figures
from bench.subjects import Subject

YARDSTICK = "portforward"

Cell = tuple[str, str, str]
"""A cell's upper line, its lower line, and its colour."""


def title(subject: Subject) -> Cell:
    """The row's name, and what it is measured beside."""
    if subject.beside in (subject.name, YARDSTICK):
        return subject.title, "", ""
    return subject.title, f"beside {subject.beside}", ""


def cell(figures: Figures, load: Load, subject: Subject) -> Cell:
    """The median ratio with its spread, above the median speed."""
    if load.name not in subject.loads:
        return "", "", ""
    if not subject.installed:
        return "not installed", "", "dim"
    if (load.name, subject.name) in figures.troubles:
        return "FAILED", "", "bold red"
    speed = figures.speed(load.name, subject.name)
    if speed is None:
        return "", "", ""
    ratios = figures.ratios(load.name, subject.name)
    if not ratios:
        return "no ratio", told(speed, load), ""
    ratio = statistics.median(ratios)
    spread = f" ({min(ratios):.2f}..{max(ratios):.2f})" if subject.beside != subject.name else ""
    return f"{ratio:.2f}{spread}", told(speed, load), colour(ratio, subject.goals.get(load.name))


def told(speed: float, load: Load) -> str:
    """A speed with its unit."""
    return f"{speed:,.0f} {load.unit}"


def colour(ratio: float, goal: float | None) -> str:
    """Green at the goal or above it, yellow below, none where there is no goal."""
    if goal is None:
        return ""
    return "green" if round(ratio, 2) >= goal else "yellow"


def rows(
    figures: Figures, loads: Sequence[Load], subjects: Sequence[Subject]
) -> Iterator[list[Cell]]:
    """The table's cells, row by row."""
    for subject in subjects:
        yield [title(subject), *(cell(figures, load, subject) for load in loads)]


def terminal(figures: Figures, loads: Sequence[Load], subjects: Sequence[Subject]) -> Table:
    """The table as rich draws it."""
    table = Table(
        "", *(load.title for load in loads), box=SIMPLE_HEAD, padding=(0, 1, 0, 0), leading=1
    )
    for cells in rows(figures, loads, subjects):
        table.add_row(*(lines(*one) for one in cells))
    return table


def lines(upper: str, lower: str, style: str) -> Text:
    """Both lines of a cell."""
    return Text(upper, style=style).append(f"\n{lower}" if lower else "", style="dim")


def markdown(figures: Figures, loads: Sequence[Load], subjects: Sequence[Subject]) -> str:
    """The table as a README takes it."""
    heads = ["", *(load.title for load in loads)]
    text = [f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
    for cells in rows(figures, loads, subjects):
        joined = ["<br>".join(line for line in one[:2] if line) for one in cells]
        text.append(f"| {' | '.join(joined)} |")
    return "\n".join(text)
