"""The table: a case a row, on a terminal or in Markdown. It measures nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.memory.cases import Case
from bench.memory.measure import BOUND, Figure

HEADS = ("", "connections", "MB offered", "KiB a connection", "then")


def cells(case: Case, figure: Figure) -> list[str]:
    """One row's texts."""
    return [
        case.title,
        str(figure.connections),
        f"{figure.offered / 1e6:,.1f}",
        f"{figure.each / 1024:,.0f}",
        figure.ended,
    ]


def rows(figures: Mapping[str, Figure], cases: Mapping[str, Case]) -> Iterator[list[str]]:
    """The texts of all rows that have a figure."""
    for name, figure in figures.items():
        yield cells(cases[name], figure)


def terminal(figures: Mapping[str, Figure], cases: Mapping[str, Case]) -> Table:
    """The table as rich draws it: green is within the bound, red is not."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for at, head in enumerate(HEADS):
        table.add_column(head, justify="right" if 0 < at < 4 else "left")
    for texts, figure in zip(rows(figures, cases), figures.values(), strict=True):
        colour = "green" if figure.each <= BOUND else "bold red"
        texts[3] = f"[{colour}]{texts[3]}[/]"
        table.add_row(*texts)
    return table


def markdown(figures: Mapping[str, Figure], cases: Mapping[str, Case]) -> str:
    """The table as the documentation takes it."""
    text = [f"| {' | '.join(HEADS)} |", "|---|---|---|---|---|"]
    text += [f"| {' | '.join(texts)} |" for texts in rows(figures, cases)]
    return "\n".join(text)
